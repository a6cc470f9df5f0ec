"""An invented storm of alerts: several faults at once, their victims, flapping, repetition and noise; the same for the same seed.

    storm = make_storm(alerts=100_000, seconds=60)
    told = replay(storm, Correlation())
    told.woken  # incident id -> when it woke somebody

Services stand in regions (edge -> api -> backend -> store, a gateway over all edges); each fault is at a backend of another region.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from sre_copilot.alerts.correlation.correlator import Correlator
from sre_copilot.alerts.correlation.placement import Placement
from sre_copilot.alerts.enrichment import Enricher
from sre_copilot.alerts.flapping import Flapping
from sre_copilot.alerts.labels import fingerprint
from sre_copilot.alerts.severity import Rating
from sre_copilot.alerts.state import AlertState
from sre_copilot.domain.alert import AlertEvent
from sre_copilot.domain.topology import Topology
from sre_copilot.settings.alerting.correlation import Correlation

GATEWAY = "gateway"
PODS = 20
REPEATED, FLAPPING = (
    0.55,
    0.25,
)  # shares of the stream; the rest are alerts of services that have no part in it
FAULT_KINDS = (("InstanceDown", "critical"), ("ErrorRateHigh", "critical"), ("QueueFull", "high"))
VICTIM_KINDS = (("LatencyHigh", "warning"), ("ErrorRateHigh", "warning"))
NOISE_KINDS = (("CpuThrottled", "warning"), ("PodRestarted", "warning"), ("DiskFilling", "info"))


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertStorm:
    """Events in the order of time, and what is behind them."""

    topology: Topology
    faults: tuple[str, ...]
    victims: dict[str, frozenset[str]]
    """By fault: services that depend on it, without the gateway, which depends on all."""
    events: tuple[AlertEvent, ...]


def make_storm(
    *,
    alerts: int = 100_000,
    seconds: float = 60.0,
    faults: int = 3,
    regions: int = 12,
    start: float = 1_700_000_000.0,
    seed: int = 0,
) -> AlertStorm:
    """Make a storm of so many messages within so many seconds."""
    chance = random.Random(seed)  # noqa: S311 - no secret: the same storm for the same seed
    topology = _topology(regions)
    culprits = tuple(f"backend-{region}-0" for region in range(faults))
    victims = {each: frozenset(topology.upstream(each)) - {each, GATEWAY} for each in culprits}
    mains = [
        *(
            _labels(service, kind, severity, pod)
            for service in culprits
            for kind, severity in FAULT_KINDS
            for pod in range(PODS)
        ),
        *(
            _labels(service, kind, severity, pod)
            for service in (*sorted(frozenset().union(*victims.values())), GATEWAY)
            for kind, severity in VICTIM_KINDS
            for pod in range(PODS)
        ),
    ]
    calm = sorted(set(topology.entities) - set(culprits) - {GATEWAY} - frozenset().union(*victims.values()))
    noise = [
        _labels(chance.choice(calm), *chance.choice(NOISE_KINDS), chance.randrange(200)) for _ in range(3000)
    ]
    flapping = noise[:200]
    moments = sorted(chance.uniform(0.0, seconds) for _ in range(alerts))
    events = tuple(_event(start + at, chance, mains, flapping, noise) for at in moments)
    return AlertStorm(topology=topology, faults=culprits, victims=victims, events=events)


def _topology(regions: int) -> Topology:
    edges = []
    for region in range(regions):
        edges.append((GATEWAY, f"edge-{region}"))
        for part in range(4):
            edges.append((f"edge-{region}", f"api-{region}-{part}"))
            edges.append((f"api-{region}-{part}", f"backend-{region}-{part % 2}"))
        edges.extend((f"backend-{region}-{part}", f"store-{region}") for part in range(2))
    return Topology.of(edges)


def _labels(service: str, kind: str, severity: str, pod: int) -> dict[str, str]:
    return {"alertname": kind, "service": service, "severity": severity, "pod": f"{service}-{pod}"}


def _event(
    at: float,
    chance: random.Random,
    mains: list[dict[str, str]],
    flapping: list[dict[str, str]],
    noise: list[dict[str, str]],
) -> AlertEvent:
    kind = chance.random()
    flaps = REPEATED <= kind < REPEATED + FLAPPING
    among = mains if kind < REPEATED else flapping if flaps else noise
    resolved = flaps and chance.random() < 0.5
    return AlertEvent(
        labels=chance.choice(among),
        status="resolved" if resolved else "firing",
        starts_at=at,
        ends_at=at if resolved else None,
        received_at=at,
        source="storm",
        provider="storm",
    )


@dataclass(slots=True)
class Replayed:
    """What became of a storm: alerts by fingerprint, members of each incident, and when it woke somebody."""

    alerts: dict[str, AlertState] = field(default_factory=dict)
    woken: dict[str, float] = field(default_factory=dict)
    whole: str = ""
    """The incident that stands for the rest of the storm."""
    taken: int = 0

    def services(self, incident_id: str) -> set[str]:
        """Services with an alert in an incident."""
        return {each.service for each in self.alerts.values() if each.incident_id == incident_id}


def replay(
    storm: AlertStorm,
    settings: Correlation,
    *,
    after: float = 120.0,
    heard: Callable[[Placement], None] = lambda placement: None,
) -> Replayed:
    """Let a storm come in and go on for a while, through deduplication, flap detection, enrichment and correlation, with a clock that is told.

    `heard` is told each decision.
    """
    return _Replay(storm, settings, heard).run(after)


class _Replay:
    def __init__(self, storm: AlertStorm, settings: Correlation, heard: Callable[[Placement], None]) -> None:
        numbers = count(1)
        self._storm = storm
        self._heard = heard
        self._flapping = Flapping.of(settings)
        self._rating = Rating.of(settings)
        self._enricher = Enricher.of(settings, storm.topology)
        self._correlator = Correlator(settings, storm.topology, new_id=lambda: f"INC-{next(numbers)}")
        self._done = Replayed()

    def run(self, after: float) -> Replayed:
        for now, event in self._with_turns(after):
            if event is None:
                for each in self._correlator.settle(now):
                    self._place(each, now)
            else:
                self._take(event, now)
        return self._done

    def _with_turns(self, after: float) -> Iterator[tuple[float, AlertEvent | None]]:
        """Events, and a turn each second."""
        first, last = self._storm.events[0].received_at, self._storm.events[-1].received_at + after
        turns = ((first + second, 1, None) for second in range(int(last - first) + 1))
        events = ((each.received_at, 0, each) for each in self._storm.events)
        for at, _, event in heapq.merge(events, turns, key=lambda each: each[:2]):
            yield at, event

    def _take(self, event: AlertEvent, now: float) -> None:
        key = fingerprint(event.labels)
        alert = self._done.alerts.get(key)
        if alert is None:
            alert = self._done.alerts[key] = _fresh(key, event)
        elif alert.status == event.status:
            alert.received += 1
            return
        alert.transitions, alert.flapping = self._flapping.note(
            alert.transitions, flapping=alert.flapping, now=now
        )
        alert.status, alert.changed_at = event.status, now
        if event.status == "resolved":
            self._correlator.resolved(alert, now)
            return
        alert.context = self._enricher.context(alert, now=now)
        alert.severity = self._rating.severity(event, alert.context)
        self._done.taken += 1
        self._place(self._correlator.take(alert, now=now), now)

    def _place(self, placement: Placement, now: float) -> None:
        self._heard(placement)
        if not placement.incident_id:
            return
        self._done.alerts[placement.fingerprint].incident_id = placement.incident_id
        if placement.wakes:
            self._done.woken.setdefault(placement.incident_id, now)
        if placement.storm:
            self._done.whole = placement.incident_id


def _fresh(key: str, event: AlertEvent) -> AlertState:
    return AlertState(
        fingerprint=key,
        correlation_key=event.name,
        labels=dict(event.labels),
        annotations=dict(event.annotations),
        source=event.source,
        provider=event.provider,
        status="firing",
        severity="warning",
        starts_at=event.starts_at,
        ends_at=event.ends_at,
        updated_at=event.received_at,
        first_received_at=event.received_at,
    )
