"""What the pipeline remembers between turns, what of it changed in this turn, and when it has to look again."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Literal

from sre_copilot.alerts.changes import Changes, Happening
from sre_copilot.alerts.escalation import next_at as next_step_at
from sre_copilot.alerts.state import AlertState, GroupState, IncidentState
from sre_copilot.domain.event import Event, EventType

MOST_NAMED = 100  # alerts that the record of an incident names; each alert names its incident
Timer = Literal["flush", "expire", "resolve", "escalate", "wake", "forget"]
"""A group is due, an alert ends by itself, an incident may be over, a step of an escalation is due, a snooze is over, an old alert may be forgotten."""


class Memory:
    """Records by id; one thread uses it."""

    def __init__(self) -> None:
        self.alerts: dict[str, AlertState] = {}
        self.groups: dict[str, GroupState] = {}
        self.incidents: dict[str, IncidentState] = {}
        self.firing: Counter[str] = Counter()
        """How many alerts fire, by incident."""
        self._members: defaultdict[str, dict[str, AlertState]] = defaultdict(dict)
        """The alerts that are remembered, by incident, in the order in which they came into it."""
        self.number = 0
        """Of the latest incident."""
        self._changes = Changes()
        self._timers: list[tuple[float, int, Timer, str]] = []
        self._armed: dict[tuple[Timer, str], float] = {}
        self._order = 0

    def load(
        self, alerts: Iterable[AlertState], groups: Iterable[GroupState], incidents: Iterable[IncidentState]
    ) -> None:
        """Begin with what was kept."""
        self.alerts = {each.fingerprint: each for each in alerts}
        self.groups = {each.key: each for each in groups}
        self.incidents = {each.id: each for each in incidents}
        self.number = max((each.number for each in self.incidents.values()), default=0)
        self.firing = Counter(
            each.incident_id for each in self.alerts.values() if each.status == "firing" and each.incident_id
        )
        self._gather()
        self.rearm()

    def _gather(self) -> None:
        """Put incidents together from their alerts."""
        ranks = {
            key: {fingerprint: rank for rank, fingerprint in enumerate(each.fingerprints)}
            for key, each in self.incidents.items()
        }

        def order(alert: AlertState) -> tuple[int, int, float, str]:
            rank = ranks.get(alert.incident_id, {}).get(alert.fingerprint, len(self.alerts))
            return alert.place, rank, alert.first_received_at, alert.fingerprint

        self._members.clear()
        for alert in sorted((each for each in self.alerts.values() if each.incident_id), key=order):
            self._members[alert.incident_id][alert.fingerprint] = alert
        for incident in self.incidents.values():
            del incident.fingerprints[MOST_NAMED:]

    def _due_again(self) -> Iterator[tuple[float, Timer, str]]:
        for alert in self.alerts.values():
            if alert.status == "firing" and alert.ends_at is not None:
                yield alert.ends_at, "expire", alert.fingerprint
            elif alert.status == "resolved":
                yield alert.updated_at, "forget", alert.fingerprint
        for group in self.groups.values():
            if group.next_flush_at is not None:
                yield group.next_flush_at, "flush", group.key
        for incident in self.incidents.values():
            if incident.resolve_at is not None:
                yield incident.resolve_at, "resolve", incident.id
            if incident.snoozed_until is not None:
                yield incident.snoozed_until, "wake", incident.id
            moment = next_step_at(incident.escalation) if incident.escalation else None
            if moment is not None:
                yield moment, "escalate", incident.id

    def new_id(self) -> str:
        """The next incident's id."""
        self.number += 1
        return f"INC-{self.number}"

    # -- timers -----------------------------------------------------------------------------------------------------

    def at(self, moment: float, timer: Timer, key: str) -> None:
        """Look at something at a time; whether it is still due is seen then. One timer of a kind is kept for each thing: the earliest."""
        armed = self._armed.get((timer, key))
        if armed is not None and armed <= moment:
            return
        self._armed[timer, key] = moment
        self._order += 1
        heapq.heappush(self._timers, (moment, self._order, timer, key))

    def due(self, now: float) -> Iterator[tuple[Timer, str]]:
        """Timers whose time has come, in their order, those too that are set meanwhile."""
        while self._timers and self._timers[0][0] <= now:
            moment, _, timer, key = heapq.heappop(self._timers)
            if self._armed.get((timer, key)) == moment:
                del self._armed[timer, key]
                yield timer, key

    def rearm(self) -> None:
        """Set all timers anew, from the records: the clock was set back, and what lies ahead may be due by now."""
        self._timers.clear()
        self._armed.clear()
        for timer in self._due_again():
            self.at(*timer)

    def next_at(self) -> float | None:
        """When the next timer is due."""
        return self._timers[0][0] if self._timers else None

    # -- changes ----------------------------------------------------------------------------------------------------

    def alert_changed(self, alert: AlertState) -> None:
        """Keep an alert at the end of this turn."""
        if alert.fingerprint not in self._changes.alerts:
            if self._changes.repeated.pop(alert.fingerprint, None) is None:
                alert.revision += 1
            self._changes.alerts[alert.fingerprint] = alert

    def alert_repeated(self, alert: AlertState) -> None:
        """Keep, at the end of this turn, that an alert was told again."""
        changes = self._changes
        if alert.fingerprint not in changes.alerts and alert.fingerprint not in changes.repeated:
            alert.revision += 1
            changes.repeated[alert.fingerprint] = alert

    def incident_changed(self, incident: IncidentState, now: float) -> None:
        """Keep an incident at the end of this turn."""
        incident.updated_at = max(incident.updated_at, now)
        if incident.id not in self._changes.incidents:
            incident.revision += 1
            self._changes.incidents[incident.id] = incident

    def group_changed(self, group: GroupState) -> None:
        """Keep a group at the end of this turn."""
        self._changes.groups[group.key] = group

    def group_gone(self, group: GroupState) -> None:
        """Forget a group."""
        self.groups.pop(group.key, None)
        self._changes.groups.pop(group.key, None)
        self._changes.gone_groups.add(group.key)

    def happened(
        self,
        incident: IncidentState,
        now: float,
        kind: str,
        *,
        key: str = "",
        who: str = "",
        data: Any = None,
        **params: Any,
    ) -> None:
        """Note something in an incident's timeline; its sentence is `key`, or `incident.KIND`."""
        self._changes.timeline.append(
            Happening(
                incident_id=incident.id,
                at=now,
                kind=kind,
                key=key or f"incident.{kind}",
                params=params,
                who=who,
                data=data or {},
            )
        )

    def emit(self, kind: EventType, key: str, now: float, ident: str, **data: Any) -> None:
        """Let others know; `ident` makes the event the same however often it is told."""
        self._changes.events[ident] = Event(id=ident, type=kind, key=key, at=now, data=data)

    @property
    def latest(self) -> float:
        """The latest time that a record speaks of: the clock was set back when it lies ahead."""
        moments = [each.updated_at for each in self.alerts.values()]
        return max([*moments, *(each.updated_at for each in self.incidents.values())], default=0.0)

    @property
    def changes(self) -> Changes:
        """Of this turn."""
        return self._changes

    def drain(self) -> Changes:
        """Take the changes of this turn, and begin the next."""
        changes, self._changes = self._changes, Changes()
        return changes

    def belongs(self, alert: AlertState, incident: IncidentState) -> None:
        """Let an alert belong to an incident, and no longer to the one before."""
        firing = int(alert.status == "firing")
        if alert.incident_id:
            self.firing[alert.incident_id] -= firing
            self._leaves(alert)
        members = self._members[incident.id]
        alert.incident_id = incident.id
        alert.place = members[next(reversed(members))].place + 1 if members else 1
        members[alert.fingerprint] = alert
        self.firing[incident.id] += firing
        incident.alert_count += 1
        if len(incident.fingerprints) < MOST_NAMED:
            incident.fingerprints.append(alert.fingerprint)

    def _leaves(self, alert: AlertState) -> None:
        members = self._members[alert.incident_id]
        members.pop(alert.fingerprint, None)
        incident = self.incidents.get(alert.incident_id)
        if incident is None:
            return
        incident.alert_count -= 1
        if alert.fingerprint in incident.fingerprints:
            incident.fingerprints.remove(alert.fingerprint)
            named = set(incident.fingerprints)
            following = (each for each in members if each not in named)
            incident.fingerprints += islice(following, MOST_NAMED - len(named))

    def left(self, alert: AlertState) -> None:
        """Forget an alert that was over long ago, and its incident with its last one."""
        del self.alerts[alert.fingerprint]
        members = self._members[alert.incident_id]
        members.pop(alert.fingerprint, None)
        incident = self.incidents.get(alert.incident_id)
        if incident is not None and incident.status in {"resolved", "merged"} and not members:
            del self.incidents[incident.id], self._members[incident.id]
            self.firing.pop(incident.id, None)

    # -- questions --------------------------------------------------------------------------------------------------

    def of_incident(self, incident: IncidentState) -> list[AlertState]:
        """Its alerts that are remembered."""
        members = self._members.get(incident.id)
        return list(members.values()) if members else []
