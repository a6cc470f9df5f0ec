"""Puts each alert into an incident, and says which incidents are worth waking somebody."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sre_copilot.alerts.correlation.matter import Matter
from sre_copilot.alerts.correlation.matters import Matters
from sre_copilot.alerts.correlation.placement import Placement, Reason, placement, reason
from sre_copilot.alerts.correlation.relation import Traits
from sre_copilot.alerts.correlation.rules import rule_of, rules_of
from sre_copilot.alerts.correlation.settling import Settling
from sre_copilot.alerts.correlation.sweeping import Sweep
from sre_copilot.alerts.correlation.worth import weighty, worth_of
from sre_copilot.alerts.novelty import Learned, Novelty
from sre_copilot.alerts.state import AlertState, IncidentState
from sre_copilot.alerts.storm import Storm
from sre_copilot.domain.topology import Topology
from sre_copilot.settings.alerting.correlation import Correlation

__all__ = ["Correlator", "Placement"]
OPEN = ("firing", "acknowledged")
FOREVER_S = float("inf")  # an alert that fires again belongs to its incident however long that lasts


@dataclass(frozen=True, slots=True)
class Arrival:
    """An alert that begins, what of it is compared, and what it is worth and why."""

    alert: AlertState
    traits: Traits
    worth: float
    reasons: tuple[Reason, ...]


class Correlator:
    """All open incidents as correlation sees them; one thread uses it, and the time is told."""

    def __init__(self, settings: Correlation, topology: Topology, *, new_id: Callable[[], str]) -> None:
        self._settings = settings
        self._rules = rules_of(settings)
        self._new_id = new_id
        self._learned = Learned(settings)
        self._matters = Matters(settings, topology)
        self._sweep = Sweep(settings.storm)
        self._restored: list[Placement] = []
        """Where alerts that waited without an incident found one when all was read again."""
        self.storm = Storm(settings.storm)
        """Whether so much fires that people are told of the whole."""
        self._settling = Settling(self._matters, self.storm, self._sweep, rule=self._rules[-1], new_id=new_id)

    def renew(self, topology: Topology) -> None:
        """Use another topology from now on."""
        self._matters.renew(topology)

    # -- what comes in ----------------------------------------------------------------------------------------------

    def take(self, alert: AlertState, *, now: float) -> Placement:
        """Place an alert that begins to fire, and learn it; sets `alert.novelty`."""
        stormy = self.storm.note(now)
        traits = Traits.of(alert)
        text = alert.context.get("text", ())
        novelty = self._learned.see(traits.name, traits.place, alert.labels, text, now)
        alert.novelty = novelty.value
        arrival = Arrival(alert, traits, *worth_of(alert, novelty, self._settings))
        known = self._matters.of.get(alert.fingerprint)
        if known is not None and known.lives(now, longest_s=FOREVER_S):
            return self._join(arrival, known, now, reason("again", 1.0, name=traits.name))
        if self._routine(alert, novelty):
            return _outside(arrival, reason("routine", 0.0, name=traits.name, times=round(novelty.known, 1)))
        if stormy and (swept := self._sweep.holds((traits.name, traits.place))) is not None:
            return self._join(arrival, swept, now, reason("storm"))
        return self._placed(arrival, now, stormy=stormy)

    def _routine(self, alert: AlertState, novelty: Novelty) -> bool:
        return novelty.value < self._settings.routine_novelty and not weighty(alert)

    def _placed(self, arrival: Arrival, now: float, *, stormy: bool) -> Placement:
        """Into the nearest matter, or into one of its own."""
        alert, traits, worth = arrival.alert, arrival.traits, arrival.worth
        found = self._matters.nearest(traits, now)
        if found is not None:
            matter, related = found
            self._matters.tie(matter, traits, worth)
            return self._join(arrival, matter, now, *related.parts, tied=related.tied)
        matter = self._matters.fresh(
            "" if stormy else self._new_id(), rule_of(alert.labels, self._rules), now
        )
        self._matters.begin(matter, traits)
        self._matters.tie(matter, traits, worth)
        self._matters.add(matter, alert, traits, worth, tied=True)
        self._settling.look_at(matter, now + self._wait(stormy=stormy))
        return placement(alert.fingerprint, matter, (reason("opened"), *arrival.reasons), new=not stormy)

    def _wait(self, *, stormy: bool) -> float:
        return self._settings.storm.wait_seconds if stormy else self._settings.settle_seconds

    def _join(
        self, arrival: Arrival, matter: Matter, now: float, *why: Reason, tied: bool = True
    ) -> Placement:
        self._matters.add(matter, arrival.alert, arrival.traits, arrival.worth, tied=tied)
        matter.last_at = max(matter.last_at, now)
        if not matter.woken and matter.due_at is None and matter.enough:
            self._settling.look_at(matter, max(now, matter.opened_at + self._settings.settle_seconds))
        return placement(arrival.alert.fingerprint, matter, (*why, *arrival.reasons))

    # -- what waited ------------------------------------------------------------------------------------------------

    def settle(self, now: float) -> tuple[Placement, ...]:
        """Decide on what waited until now: it wakes, becomes part of another incident, is left to the storm, or stays quiet."""
        restored, self._restored = self._restored, []
        return (*restored, *self._settling.settle(now))

    def next_at(self, now: float) -> float | None:
        """When `settle` has something to do next."""
        moments = [each for each in (self._settling.next_at(), self.storm.next_at()) if each is not None]
        return max(now, min(moments)) if moments else None

    # -- what happens to alerts and incidents -----------------------------------------------------------------------

    def resolved(self, alert: AlertState, now: float) -> None:
        """An alert is over: what it said of its incident stays, but the incident reaches no further than its last alert lets it."""
        matter = self._matters.of.get(alert.fingerprint)
        if matter is None:
            return
        matter.firing.discard(alert.fingerprint)
        if self._is_complete(matter):
            self._settling.look_at(matter, now)

    def _is_complete(self, matter: Matter) -> bool:
        """Whether nothing can change what it is worth, so that it is decided on before one of its alerts comes again and is part of another: mere events that are over, with no known place in the calls where a cause could still appear."""
        waits = matter.due_at is not None and not matter.woken and not self.storm.on
        return waits and matter.brief and not matter.firing and not matter.roots

    def unmuted(self, alert: AlertState, now: float) -> None:
        """What kept an alert from people is gone: from now on it counts."""
        matter = self._matters.of.get(alert.fingerprint)
        if matter is None:
            return
        matter.counts(alert.fingerprint, self._worth_again(alert))
        if not matter.woken and matter.enough:
            self._settling.look_at(matter, now)

    def close(self, incident_id: str) -> None:
        """An incident is over: nothing joins it any more."""
        matter = self._matters.by_id.get(incident_id)
        if matter is not None:
            self._matters.forget(matter)
            self._sweep.forget(matter)

    def move(self, fingerprint: str, incident_id: str) -> None:
        """Put an alert into an incident, as a person says or because it comes back; people know of that incident."""
        member = self._matters.taken_out(fingerprint)
        matter = self._matters.by_id.get(incident_id)
        if matter is None:
            matter = self._matters.fresh(incident_id, self._rules[-1], 0.0)
            matter.woken = True
        if member is not None:
            self._matters.put(matter, fingerprint, member)

    # -- beginning again --------------------------------------------------------------------------------------------

    def load(
        self, alerts: Iterable[AlertState], incidents: Iterable[IncidentState], memory: Mapping[str, Any]
    ) -> None:
        """Go on from what was kept; alerts that waited without an incident wait again."""
        self._learned.load(memory.get("novelty", {}))
        self.storm.load(memory.get("storm", {}))
        self._sweep.load(memory.get("swept", {}))
        for incident in incidents:
            if incident.status in OPEN:
                self._restore(incident, storm=incident.id == memory.get("swept", {}).get("id"))
        for alert in alerts:
            if alert.incident_id in self._matters.by_id or alert.status == "firing":
                self._restore_alert(alert)

    def reopen(self, incident: IncidentState, alerts: Iterable[AlertState]) -> None:
        """An incident that was over goes on: what belongs to it joins it again."""
        if incident.id not in self._matters.by_id:
            self._restore(incident, storm=False)
            for alert in alerts:
                self._restore_alert(alert)

    def _restore(self, incident: IncidentState, *, storm: bool) -> None:
        matter = self._matters.fresh(incident.id, self._rules[-1], incident.opened_at)
        matter.woken = incident.woken
        if storm:
            matter.storm = matter.woken = True
            self._sweep.begin(matter)
        elif not matter.woken:
            self._settling.look_at(matter, incident.opened_at + self._settings.settle_seconds)

    def _restore_alert(self, alert: AlertState) -> None:
        matter = self._matters.by_id.get(alert.incident_id)
        traits, worth = Traits.of(alert), self._worth_again(alert)
        if matter is None:
            if not alert.incident_id and alert.novelty >= self._settings.routine_novelty:
                arrival = Arrival(alert, traits, worth, ())
                found = self._placed(arrival, alert.changed_at, stormy=self.storm.on)
                self._restored += [found] if found.incident_id else []
            return
        if not matter.members:
            matter.needs = rule_of(alert.labels, self._rules)
            self._matters.begin(matter, traits)
        if matter.storm:
            self._sweep.keep([(traits.name, traits.place)])
        else:
            self._matters.tie(matter, traits, worth)
        self._matters.add(matter, alert, traits, worth, tied=True)
        matter.last_at = max(matter.last_at, alert.changed_at)
        if alert.status != "firing":
            matter.firing.discard(alert.fingerprint)

    def _worth_again(self, alert: AlertState) -> float:
        """The worth that an alert was found to have when it began."""
        learning = self._learned.learning(alert.changed_at)
        then = Novelty(alert.novelty, 1.0, 1.0, 0.0, "", 0.0, 0.0, learning)
        return worth_of(alert, then, self._settings)[0]

    def memory(self, *, changed_only: bool = False) -> dict[str, Any]:
        """What is learned, as plain JSON: `novelty` in shards (those that changed since the last call where so asked), `storm`, `swept`."""
        return {
            "novelty": self._learned.memory(changed_only=changed_only),
            "storm": self.storm.memory(),
            "swept": self._sweep.memory(),
        }


def _outside(arrival: Arrival, why: Reason) -> Placement:
    return Placement(
        fingerprint=arrival.alert.fingerprint,
        incident_id="",
        new=False,
        wakes=False,
        worth=arrival.worth,
        reasons=(why, *arrival.reasons),
    )
