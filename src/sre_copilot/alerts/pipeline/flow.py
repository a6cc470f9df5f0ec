"""From a received alert to what people are told: the order of the stages stands on one line in `take`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from sre_copilot.alerts.changes import Changes
from sre_copilot.alerts.matchers import all_match, of_api
from sre_copilot.alerts.pipeline.matters import Matters
from sre_copilot.alerts.pipeline.memory import Memory
from sre_copilot.alerts.pipeline.parts import Parts
from sre_copilot.alerts.pipeline.stages import Stages
from sre_copilot.alerts.pipeline.telling import Telling, sleeps
from sre_copilot.alerts.state import AlertState, GroupState, IncidentState, SilenceState
from sre_copilot.domain.alert import AlertEvent

DUE_AT_ONCE = 500  # timers: thousands of groups are due at the same moment after a storm, and what comes in meanwhile is answered between two turns
BACK_S = 2.0  # so far clocks of machines go back by themselves when they are put right


class Pipeline:
    """All rules over one memory; the time is told, never asked for, and turns forward."""

    def __init__(self, memory: Memory, parts: Parts) -> None:
        self.memory = memory
        self.parts = parts
        self.stages = Stages(memory, parts)
        self.matters = Matters(memory, parts)
        self.telling = Telling(memory, parts)
        self._mutes_at = 0.0
        self._turned_at = 0.0

    def take(self, events: Iterable[AlertEvent], now: float) -> None:
        """Let each alert go through the stages."""
        s, m = self.stages, self.matters
        for event in events:
            passing = s.identify(event, now)
            for stage in (s.deduplicate, s.flap, s.enrich, s.mute, s.rate, s.group, m.correlate):
                if not stage(passing):
                    break
            if passing.taken_on:
                m.alert_taken_on(passing.alert, passing.event.source, now)

    def resume(self, now: float) -> None:
        """Go on with what was remembered: under routes that may be others by now, and by a clock that may have been set back."""
        self._turned_at = self.memory.latest
        self.stages.regroup(now)

    def turn(self, now: float) -> None:
        """Do what is due by now; of very much that is due at the same moment a part, and `next_at` lies in the past."""
        if now < self._turned_at - BACK_S:
            self._clock_set_back(now)
        self._turned_at = now
        self.look_at_mutes(now)
        self._look_at_freed(now)
        self.matters.place_all(self.parts.correlator.settle(now), now)
        self.matters.rate_grown(now)
        for timer, key in islice(self.memory.due(now), DUE_AT_ONCE):
            self._due(timer, key, now)

    def next_at(self, now: float) -> float | None:
        """When something is due next."""
        moments = [
            self.memory.next_at(),
            self.parts.correlator.next_at(now),
            self.parts.silences.next_change(now),
            self.parts.maintenance.next_change(now),
        ]
        return min((each for each in moments if each is not None), default=None)

    def drain(self) -> Changes:
        """Take what is to be kept."""
        return self.memory.drain()

    def _clock_set_back(self, now: float) -> None:
        """Waits that were begun by the clock as it was are not longer for it."""
        back = self._turned_at - now
        for group in self.memory.groups.values():
            if group.next_flush_at is not None:
                group.next_flush_at = max(now, group.next_flush_at - back)
        for incident in self.memory.incidents.values():
            if incident.resolve_at is not None:
                incident.resolve_at = max(now, incident.resolve_at - back)
            for told in incident.told.values():
                told["at"] = min(told["at"], now)
        self.memory.rearm()
        self._mutes_at = min(self._mutes_at, now)
        for incident in self.memory.incidents.values():
            if incident.escalation and incident.status == "firing":
                self.telling.call(incident, now)

    # -- what is due ------------------------------------------------------------------------------------------------

    def _due(self, timer: str, key: str, now: float) -> None:
        if timer == "flush" and (group := self.memory.groups.get(key)) is not None:
            self._flush(group, now)
        elif timer == "expire" and (alert := self.memory.alerts.get(key)) is not None:
            self._expire(alert, now)
        elif timer == "forget" and (alert := self.memory.alerts.get(key)) is not None:
            self._forget(alert, now)
        elif (incident := self.memory.incidents.get(key)) is not None:
            self._look_at(incident, timer, now)

    def _flush(self, group: GroupState, now: float) -> None:
        if group.next_flush_at is None:
            return
        if group.next_flush_at > now:
            self.memory.at(group.next_flush_at, "flush", group.key)
            return
        route = self.parts.routes.by_id.get(group.route)
        if (
            route is None
        ):  # another tree is configured now: its alerts come into new groups when they fire again
            self.memory.group_gone(group)
            return
        for each in group.fingerprints:
            alert = self.memory.alerts.get(each)
            if alert is not None and alert.status == "firing":
                self.stages.look_at_mutes(alert, now)
        self.telling.flush(group, route, now)

    def _expire(self, alert: AlertState, now: float) -> None:
        if alert.status != "firing" or alert.ends_at is None:
            return
        if alert.ends_at > now:
            self.memory.at(alert.ends_at, "expire", alert.fingerprint)
            return
        self.stages.end(alert, now, ended_at=alert.ends_at)
        alert.expired = True
        self.stages.weigh(alert, now)
        self.parts.correlator.resolved(alert, now)
        self.matters.ended(alert, now)
        self.memory.alert_changed(alert)

    def _forget(self, alert: AlertState, now: float) -> None:
        if alert.status == "firing":
            return
        if alert.updated_at + self.parts.times.remember > now:
            self.memory.at(alert.updated_at + self.parts.times.remember, "forget", alert.fingerprint)
            return
        self.memory.left(alert)

    def _look_at(self, incident: IncidentState, timer: str, now: float) -> None:
        if timer == "resolve":
            self._over(incident, now)
        elif timer == "escalate" and incident.escalation and not sleeps(incident, now):
            self.telling.call(incident, now)
        elif timer == "wake" and incident.snoozed_until is not None:
            self._awake(incident, incident.snoozed_until, now)

    def _over(self, incident: IncidentState, now: float) -> None:
        if incident.resolve_at is not None and incident.resolve_at > now:
            self.memory.at(incident.resolve_at, "resolve", incident.id)
            return
        self.telling.last_words(incident, now)
        if self.matters.recovered(incident, now):
            self.telling.resolved(incident, now)

    def _awake(self, incident: IncidentState, until: float, now: float) -> None:
        if until > now:
            self.memory.at(until, "wake", incident.id)
            return
        incident.snoozed_until = None
        self.memory.happened(incident, now, "snooze_over")
        self.memory.incident_changed(incident, now)
        if incident.status in {"firing", "acknowledged"}:
            self.matters.hurry(incident, now)
            self.telling.call(incident, now)

    # -- muting -----------------------------------------------------------------------------------------------------

    def look_at_all_mutes(self, now: float) -> None:
        """A silence or a window came or went: look at all alerts that fire."""
        self._mutes_at = now
        for alert in self.memory.alerts.values():
            if alert.status == "firing":
                self.stages.look_at_mutes(alert, now)

    def look_at_silenced(self, changed: Sequence[SilenceState], now: float) -> None:
        """These silences came, changed or went: look at the alerts that they mute or muted; `look_at_mutes` was called before at the same time."""
        self._mutes_at = now
        ids = {silence.id for silence in changed}
        matchers = [tuple(map(of_api, silence.matchers)) for silence in changed]
        for alert in self.memory.alerts.values():
            if alert.status != "firing":
                continue
            muted = bool(alert.silenced_by) and not ids.isdisjoint(alert.silenced_by)
            if muted or any(all_match(each, alert.labels) for each in matchers):
                self.stages.look_at_mutes(alert, now)

    def look_at_mutes(self, now: float) -> None:
        """Look at all alerts when a silence or a window began or ended since the last look."""
        muting = (self.parts.silences, self.parts.maintenance)
        nearest = [each.next_change(self._mutes_at) for each in muting]
        if any(each is not None and each <= now for each in nearest):
            self.look_at_all_mutes(now)

    def _look_at_freed(self, now: float) -> None:
        """An alert counted nothing while it was muted: now it may be what makes its incident worth telling."""
        freed, self.stages.freed = self.stages.freed, []
        for alert in freed:
            if alert.status == "firing" and not alert.muted:
                self.parts.correlator.unmuted(alert, now)
