"""Alerts as a large installation sends them: ten thousand that fire all the time, told again and again, and a few that begin or end."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import orjson

ACTIVE = 10_000
REPEATED = 0.9  # of what comes; the rest begins or ends, by halves
NAMES = 30
SERVICES = 200
SEVERITIES = ("critical", "warning", "warning", "info")
STARTED = "2026-01-01T00:00:00Z"
NEVER = "0001-01-01T00:00:00Z"


class Mixture:
    """Makes batches as Alertmanager's webhook has them; what fires is remembered."""

    def __init__(self) -> None:
        self._chance = random.Random(1)  # noqa: S311 - the same mixture in each run
        self._next = ACTIVE
        self._firing: deque[int] = deque(range(ACTIVE))

    def first(self, size: int) -> list[tuple[int, bytes]]:
        """Batches in which each of those that fire all the time begins."""
        numbers = range(ACTIVE)
        return [
            _body([_alert(each) for each in numbers[start : start + size]])
            for start in range(0, ACTIVE, size)
        ]

    def batch(self, size: int, *, new_only: bool = False) -> tuple[int, bytes]:
        """One batch."""
        return _body([self._new() if new_only else self._one() for _ in range(size)])

    def as_posted(self, size: int = 100) -> list[bytes]:
        """What fires at first, as Prometheus posts it to Alertmanager."""
        alerts = [_alert(each) for each in range(ACTIVE)]
        for each in alerts:
            del each["endsAt"], each["status"]
        return [orjson.dumps(alerts[start : start + size]) for start in range(0, ACTIVE, size)]

    def _one(self) -> dict[str, Any]:
        drawn = self._chance.random()
        if drawn < REPEATED:
            return _alert(self._firing[self._chance.randrange(len(self._firing))])
        return self._new() if drawn < REPEATED + (1 - REPEATED) / 2 else self._over()

    def _new(self) -> dict[str, Any]:
        self._firing.append(self._next)
        self._next += 1
        return _alert(self._next - 1)

    def _over(self) -> dict[str, Any]:
        return {**_alert(self._firing.popleft()), "status": "resolved", "endsAt": STARTED}


def single_bodies(mixture: Mixture, count: int) -> list[tuple[int, bytes]]:
    """Requests of one alert each."""
    return [mixture.batch(1) for _ in range(count)]


def _body(alerts: list[dict[str, Any]]) -> tuple[int, bytes]:
    return len(alerts), orjson.dumps({"version": "4", "alerts": alerts})


def _alert(number: int) -> dict[str, Any]:
    """About half a kilobyte."""
    drawn = number * 2_654_435_761 % 2**32  # scattered, and the same for the same number
    service = f"service-{drawn % SERVICES:03d}"
    labels = {
        "alertname": f"Symptom{drawn // 7 % NAMES}",
        "service": service,
        "instance": f"10.{number // 62_500}.{number // 250 % 250}.{number % 250}:9100",
        "namespace": "shop",
        "severity": SEVERITIES[drawn // 3 % len(SEVERITIES)],
        "cluster": "north",
    }
    return {
        "status": "firing",
        "labels": labels,
        "annotations": {"summary": f"{service} is slow", "description": "12 % of its requests last longer"},
        "startsAt": STARTED,
        "endsAt": NEVER,
        "generatorURL": "http://prometheus.example/graph?g0.expr=x",
    }
