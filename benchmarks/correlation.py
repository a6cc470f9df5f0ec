"""Placing one alert into an incident while ten thousand others fire, on one core."""

from __future__ import annotations

import random
import time
from itertools import count

from benchmarks.figure import Figure, Peers
from sre_copilot.alerts.correlation.correlator import Correlator
from sre_copilot.alerts.enrichment import Enricher
from sre_copilot.alerts.labels import fingerprint
from sre_copilot.alerts.state import AlertState
from sre_copilot.domain.topology import Topology
from sre_copilot.settings.alerting.correlation import Correlation

NAME = "correlation"
ABOUT = "placing an alert into an incident beside 10,000 active ones, 1,000 services; placements a second"

ACTIVE = 10_000
SERVICES = 1_000
TAKEN = 2_000
ROUNDS = 5  # the best is told, in time of the processor: others use the machine as well
START = 1_700_000_000.0
SPREAD_S = 3600.0


def measure(peers: Peers) -> Figure:
    """Time `take` on alerts of random services and kinds, in calm and in a storm; a scan over all active alerts beside it."""
    calm, storm, scan = [], [], []
    for seed in range(ROUNDS):
        calm.append(_timed(seed, every_s=1.0))
        storm.append(_timed(seed, every_s=0.001))
        scan.append(_scanned(seed))
    best = min(calm)
    return Figure(
        unit="placements/s",
        ours=1 / best,
        peer=1 / min(scan),
        detail={
            "microseconds_a_placement": 1e6 * best,
            "microseconds_in_a_storm": 1e6 * min(storm),
            "peer": "the same comparison of labels with every active alert, without an index",
        },
    )


def _timed(seed: int, *, every_s: float) -> float:
    """Seconds a placement."""
    numbers = count(1)
    topology = _topology()
    settings = Correlation()
    correlator = Correlator(settings, topology, new_id=lambda: f"INC-{next(numbers)}")
    enricher = Enricher.of(settings, topology)
    alerts = [_alert(each, seed, enricher) for each in range(ACTIVE + TAKEN)]
    for place, alert in enumerate(alerts[:ACTIVE]):
        at = START + place * SPREAD_S / ACTIVE
        correlator.take(alert, now=at)
        correlator.settle(at)
    begin = START + SPREAD_S
    began = time.process_time()
    for place, alert in enumerate(alerts[ACTIVE:]):
        correlator.take(alert, now=begin + place * every_s)
    return (time.process_time() - began) / TAKEN


def _scanned(seed: int) -> float:
    """Seconds an alert when it is compared with all that are active."""
    enricher = Enricher(Topology())
    active = [frozenset(_alert(each, seed, enricher).labels.items()) for each in range(ACTIVE)]
    taken = active[:20]
    began = time.process_time()
    for labels in taken:
        max(len(labels & other) / len(labels | other) for other in active)
    return (time.process_time() - began) / len(taken)


def _topology() -> Topology:
    chance = random.Random(0)  # noqa: S311 - no secret: the same each time
    return Topology.of(
        (f"service-{chance.randrange(max(1, each))}", f"service-{each}")
        for each in range(1, SERVICES)
        for _ in range(2)
    )


def _alert(number: int, seed: int, enricher: Enricher) -> AlertState:
    chance = random.Random(f"{seed}/{number}")  # noqa: S311 - no secret: the same each time
    service = f"service-{chance.randrange(SERVICES)}"
    labels = {
        "alertname": f"Kind{chance.randrange(60)}",
        "service": service,
        "severity": chance.choice(("critical", "high", "warning", "warning", "info")),
        "pod": f"{service}-{number}",
        "namespace": f"team-{chance.randrange(20)}",
    }
    alert = AlertState(
        fingerprint=fingerprint(labels),
        correlation_key=labels["alertname"],
        labels=labels,
        annotations={"summary": f"{labels['alertname']} at {service} is above its limit"},
        source="bench",
        provider="bench",
        status="firing",
        severity=labels["severity"],  # type: ignore[arg-type]
        starts_at=START,
        ends_at=None,
        updated_at=START,
        first_received_at=START,
    )
    alert.context = enricher.context(alert, now=START)
    return alert
