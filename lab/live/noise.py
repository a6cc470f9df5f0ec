"""The alerts around three faults that a storm consists of: victims' pods, repetitions, flapping, information; invented, and the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sre_copilot.clock import rfc3339

VICTIMS = ("gateway", "checkout", "cart")
"""Services of the shop whose pods complain, too: the whole shop suffers from what its callees do."""
PODS = 40
VICTIM_KINDS = (("PodSlow", "warning"), ("PodErrors", "warning"))
OTHERS = 3_000  # alerts of systems beside the shop
OTHER_KINDS = (("PodRestarted", "info"), ("DiskFilling", "info"), ("JobLate", "low"))
FLAPPING = 200  # probes that come and go all the time
REPEATED_SHARE, FLAPPING_SHARE = 0.5, 0.25
Labels = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """So many messages within so many seconds."""

    alerts: int = 100_000
    seconds: float = 60.0
    batch: int = 1_000
    seed: int = 0

    @property
    def batches(self) -> int:
        """How many messages to the intake that makes."""
        return -(-self.alerts // self.batch)

    def due(self, number: int) -> float:
        """When a batch is sent, seconds after the first."""
        return self.seconds * number / self.batches

    def body(self, number: int, *, now: float) -> dict[str, Any]:
        """A batch as Alertmanager sends it."""
        chance = random.Random(f"{self.seed}/{number}")
        size = min(self.batch, self.alerts - number * self.batch)
        return _message([_alert(chance, now) for _ in range(size)])

    def ends(self, *, now: float) -> Iterator[dict[str, Any]]:
        """Messages that end everything that the storm may have begun."""
        every = [*MAIN, *FLAPS, *OTHER]
        for start in range(0, len(every), self.batch):
            yield _message([_told(each, now, ended=True) for each in every[start : start + self.batch]])


def _labels(service: str, kind: str, severity: str, pod: int) -> Labels:
    return {"alertname": kind, "service": service, "severity": severity, "pod": f"{service}-{pod}"}


MAIN = tuple(_labels(each, *kind, pod) for each in VICTIMS for kind in VICTIM_KINDS for pod in range(PODS))
FLAPS = tuple(
    _labels(f"probe-{number % 20}", "ProbeFails", "warning", number // 20) for number in range(FLAPPING)
)
OTHER = tuple(
    _labels(f"batch-{number % 60}", *OTHER_KINDS[number % len(OTHER_KINDS)], number // 60)
    for number in range(OTHERS)
)


def _alert(chance: random.Random, now: float) -> dict[str, Any]:
    kind = chance.random()
    if kind < REPEATED_SHARE:
        return _told(chance.choice(MAIN), now)
    if kind < REPEATED_SHARE + FLAPPING_SHARE:
        return _told(chance.choice(FLAPS), now, ended=chance.random() < 0.5)
    return _told(chance.choice(OTHER), now)


def _told(labels: Labels, now: float, *, ended: bool = False) -> dict[str, Any]:
    at = rfc3339(float(int(now)))
    return {
        "status": "resolved" if ended else "firing",
        "labels": labels,
        "annotations": {},
        "startsAt": at,
        "endsAt": at if ended else "0001-01-01T00:00:00Z",
    }


def _message(alerts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"version": "4", "groupKey": "storm", "status": "firing", "receiver": "storm", "alerts": list(alerts)}  # fmt: skip
