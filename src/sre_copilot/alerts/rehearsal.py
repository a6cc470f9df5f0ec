"""A dry run: the same alerts through two sets of rules under a turned clock, and the difference that people would notice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sre_copilot.alerts.pipeline.flow import Pipeline
from sre_copilot.alerts.pipeline.memory import Memory
from sre_copilot.alerts.pipeline.parts import Parts
from sre_copilot.domain.alert import AlertEvent

TURN_S = 15.0  # of the turned clock, where nothing else asks for a turn: half of the usual `group_wait`


@dataclass(slots=True)
class Rehearsed:
    """What one set of rules made of the alerts."""

    alerts: int = 0
    incidents: int = 0
    woken: int = 0
    muted: int = 0
    told: Counter[str] = field(default_factory=Counter)
    """Messages by receiver."""
    states: Counter[str] = field(default_factory=Counter)
    """Messages by state."""
    incident_of: dict[str, str] = field(default_factory=dict)
    """By alert: the title of the incident that it came into last."""
    receivers_of: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By alert: the receivers of the routes that it matches."""

    @property
    def notifications(self) -> int:
        """All messages."""
        return sum(self.told.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How another set of rules would have gone on; the alerts are those that would reach others, or come into another incident."""

    before: Rehearsed
    after: Rehearsed
    other_receivers: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]
    other_incidents: Mapping[str, tuple[str, str]]


class Rehearsal:
    """One set of rules that alerts go through in the order in which they came."""

    def __init__(self, memory: Memory, parts: Parts) -> None:
        self._pipeline = Pipeline(memory, parts)
        self._at: float | None = None
        self.found = Rehearsed()
        self._seen: set[str] = set()

    def take(self, events: Iterable[AlertEvent], at: float) -> None:
        """Let the clock come to a time, then take what came in then."""
        self._come_to(at)
        found = list(events)
        self.found.alerts += len(found)
        self._pipeline.take(found, at)
        self._note()

    def finish(self, at: float) -> Rehearsed:
        """Let the clock come to the end."""
        self._come_to(at)
        return self.found

    def _come_to(self, at: float) -> None:
        while self._at is not None and self._at < at:
            due = self._pipeline.next_at(self._at)
            self._at = at if due is None else min(at, max(due, self._at + TURN_S))
            self._pipeline.turn(self._at)
            self._note()
        self._at = at

    def _note(self) -> None:
        changes = self._pipeline.drain()
        found = self.found
        for notification in changes.notifications:
            found.told[notification.receiver] += 1
            found.states[notification.state] += 1
        for alert in changes.alerts.values():
            incident = self._pipeline.memory.incidents.get(alert.incident_id)
            if incident is not None:
                found.incident_of[alert.fingerprint] = incident.title
            routes = self._pipeline.parts.routes.by_id
            found.receivers_of[alert.fingerprint] = tuple(
                dict.fromkeys(routes[each].receiver for each in alert.routes if each in routes)
            )
            found.muted += int(alert.muted and alert.revision == 1)
        for incident in changes.incidents.values():
            new = incident.id not in self._seen
            found.incidents += int(new)
            self._seen.add(incident.id)
            if incident.woken and f"{incident.id}/woken" not in self._seen:
                self._seen.add(f"{incident.id}/woken")
                found.woken += 1


def difference(before: Rehearsed, after: Rehearsed) -> Difference:
    """What differs for the same alerts."""
    both = before.receivers_of.keys() & after.receivers_of.keys()
    return Difference(
        before=before,
        after=after,
        other_receivers={
            each: (before.receivers_of[each], after.receivers_of[each])
            for each in sorted(both)
            if before.receivers_of[each] != after.receivers_of[each]
        },
        other_incidents={
            each: (before.incident_of.get(each, ""), after.incident_of.get(each, ""))
            for each in sorted(both)
            if before.incident_of.get(each, "") != after.incident_of.get(each, "")
        },
    )
