"""Correlation alone on a stream of alerts, with the default waits of routes and incidents."""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, field
from itertools import count

from sre_copilot.alerts.correlation.correlator import Correlator
from sre_copilot.alerts.correlation.placement import Placement
from sre_copilot.alerts.enrichment import Enricher
from sre_copilot.alerts.labels import fingerprint
from sre_copilot.alerts.state import AlertState
from sre_copilot.domain.topology import Topology
from sre_copilot.eval.alerts.dataset import Scenario
from sre_copilot.eval.alerts.told import Incident, Run
from sre_copilot.settings.alerting.correlation import Correlation

LASTS_S = 5.0
"""An event has no end; it is taken to last so long, about the delay with which the same happening is seen elsewhere."""
GROUP_WAIT_S, GROUP_INTERVAL_S, RESOLVE_AFTER_S = 30.0, 300.0, 30.0  # the defaults of routes and incidents


@dataclass(slots=True)
class Spell:
    """An alert from its beginning to its end: what was received meanwhile, by phase."""

    alert: AlertState
    phases: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Open:
    """An incident that goes on: its alerts that fire, and what people know of it."""

    incident: Incident
    firing: set[str] = field(default_factory=set)
    ended_at: float | None = None
    told_at: float | None = None
    told: set[tuple[str, str]] = field(default_factory=set)
    pairs: set[tuple[str, str]] = field(default_factory=set)


def play(scenario: Scenario, settings: Correlation, *, lasts_s: float = LASTS_S) -> Run:
    """Let all alerts of a scenario come in, in their order; phases are carried along and decide nothing."""
    player = _Player(settings, lasts_s)
    for at, labels, phase in zip(scenario.times, scenario.labels, scenario.phases, strict=True):
        player.receive(at, labels, phase)
    return Run(scenario.name, len(scenario.times), player.finish())


class _Player:
    def __init__(self, settings: Correlation, lasts_s: float) -> None:
        numbers = count(1)
        self._lasts_s = lasts_s
        self._correlator = Correlator(settings, Topology(), new_id=lambda: f"INC-{next(numbers)}")
        self._enricher = Enricher.of(settings, Topology())
        self._keys: dict[int, str] = {}
        self._spells: dict[str, Spell] = {}
        self._all: list[Spell] = []
        self._latest: dict[str, Spell] = {}
        self._open: dict[str, Open] = {}
        self._incidents: dict[str, Incident] = {}
        self._timers: list[tuple[float, str, str]] = []

    def receive(self, at: float, labels: dict[str, str], phase: str) -> None:
        """One alert comes in."""
        self._turn(at)
        key = self._keys.get(id(labels))
        if key is None:
            key = self._keys[id(labels)] = fingerprint(labels)
        spell = self._spells.get(key)
        if spell is None:
            spell = self._begin(key, labels, at)
        spell.alert.ends_at = at + self._lasts_s
        spell.phases[phase] += 1

    def _begin(self, key: str, labels: dict[str, str], at: float) -> Spell:
        alert = AlertState(
            fingerprint=key,
            correlation_key=labels["alertname"],
            labels=labels,
            annotations={},
            source="events",
            provider="events",
            status="firing",
            severity="warning",
            starts_at=at,
            ends_at=at + self._lasts_s,
            updated_at=at,
            first_received_at=at,
            changed_at=at,
        )
        alert.context = self._enricher.context(alert, now=at)
        spell = self._spells[key] = self._latest[key] = Spell(alert)
        self._all.append(spell)
        self._put(self._correlator.take(alert, now=at), at)
        heapq.heappush(self._timers, (at + self._lasts_s, "expire", key))
        return spell

    # -- time passes ------------------------------------------------------------------------------------------------

    def _turn(self, now: float) -> None:
        """Do all that is due before `now`, in its order."""
        while True:
            settle = self._correlator.next_at(0.0)
            timer = self._timers[0][0] if self._timers else None
            moments = [each for each in (settle, timer) if each is not None and each <= now]
            if not moments:
                return
            if settle is not None and settle == min(moments):
                for each in self._correlator.settle(settle):
                    self._put(each, settle)
                if self._correlator.next_at(0.0) == settle:
                    return
            else:
                at, what, key = heapq.heappop(self._timers)
                self._expire(key, at) if what == "expire" else self._look_at(key, at)

    def _expire(self, key: str, at: float) -> None:
        spell = self._spells[key]
        ends_at = spell.alert.ends_at or at
        if ends_at > at:
            heapq.heappush(self._timers, (ends_at, "expire", key))
            return
        del self._spells[key]
        spell.alert.status = "resolved"
        self._correlator.resolved(spell.alert, at)
        matter = self._open.get(spell.alert.incident_id)
        if matter is not None:
            matter.firing.discard(key)
            if not matter.firing:
                matter.ended_at = at
                heapq.heappush(self._timers, (at + RESOLVE_AFTER_S, "look", matter.incident.id))

    def _look_at(self, key: str, at: float) -> None:
        """Tell what is due of an incident, and end it when nothing of it fires any more."""
        matter = self._open.get(key)
        if matter is None:
            return
        if matter.incident.woken and matter.told_at is None:
            matter.told_at = at
            self._tell(matter)
        over = not matter.firing and matter.ended_at is not None and at >= matter.ended_at + RESOLVE_AFTER_S
        if over:
            if matter.told_at is not None:
                matter.incident.messages += 1
            self._correlator.close(key)
            del self._open[key]
        elif (
            matter.told_at is not None
            and matter.pairs - matter.told
            and at >= matter.told_at + GROUP_INTERVAL_S
        ):
            matter.told_at = at
            self._tell(matter)

    def _tell(self, matter: Open) -> None:
        matter.incident.messages += 1
        matter.told = set(matter.pairs)

    # -- what correlation says --------------------------------------------------------------------------------------

    def _put(self, placement: Placement, at: float) -> None:
        spell = self._latest[placement.fingerprint]
        alert = spell.alert
        before = self._open.get(alert.incident_id)
        if not placement.incident_id:
            return
        if before is not None and alert.incident_id != placement.incident_id:
            before.firing.discard(alert.fingerprint)
            self._drop_if_empty(before)
        alert.incident_id = placement.incident_id
        matter = self._open.get(placement.incident_id) or self._opened(placement.incident_id)
        if alert.status == "firing":
            matter.firing.add(alert.fingerprint)
        matter.pairs.add((alert.name, str(alert.context.get("host", ""))))
        if placement.wakes and not matter.incident.woken:
            matter.incident.woken = True
        if matter.incident.woken:
            due = at + GROUP_WAIT_S if matter.told_at is None else max(at, matter.told_at + GROUP_INTERVAL_S)
            heapq.heappush(self._timers, (due, "look", matter.incident.id))

    def _opened(self, key: str) -> Open:
        incident = self._incidents.setdefault(key, Incident(key))
        self._open[key] = Open(incident)
        return self._open[key]

    def _drop_if_empty(self, matter: Open) -> None:
        if not matter.firing and not matter.incident.woken:
            self._open.pop(matter.incident.id, None)

    def finish(self) -> tuple[Incident, ...]:
        """Let everything end, and count what each incident holds."""
        self._turn(float("inf"))
        for spell in self._all:
            incident = self._incidents.get(spell.alert.incident_id)
            if incident is not None:
                incident.phases += spell.phases
                incident.kinds.add(spell.alert.name)
        return tuple(each for each in self._incidents.values() if each.phases)
