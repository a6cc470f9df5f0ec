"""A Prometheus-compatible server as a system of `SourceContract`: its items are the samples of one series."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import httpx

from sre_copilot.perception.prometheus import PrometheusSource
from sre_copilot.perception.source import Reading
from sre_copilot.testing.servers.remote_write import remote_write

VISIBLE_S = 10.0  # VictoriaMetrics shows what it was sent after a second, or when it is told to


class StoredSamples:
    """A server that takes remote write and answers range queries."""

    page = 11_000

    def __init__(self, url: str) -> None:
        self.url = url

    def store(self, times: Sequence[int]) -> None:
        """Store one sample at each time, and return when the last of them can be read."""
        labels = {"__name__": "items", "job": "contract"}
        remote_write(self.url, [(labels, [(t, 1.0) for t in times])])
        wait_until_visible(self.url, "items", sorted(times)[0], sorted(times)[-1])

    def source(self, **settings: Any) -> PrometheusSource:
        """A source that reads the series at every second."""
        given = {
            "url": self.url,
            "queries": {"items": "items"},
            "core_metrics": False,
            "step_seconds": 1,
            "alerts": False,
            "requests_per_second": 1000,
        }
        return PrometheusSource(PrometheusSource.Settings.model_validate(given | settings))

    def times(self, reading: Reading) -> list[int]:
        """The times of the samples in a reading."""
        metrics = reading.telemetry.metrics
        return [] if metrics is None else metrics["ts"].to_list()


def wait_until_visible(url: str, selector: str, *moments: int) -> None:
    """Return when the server shows samples of a selector at these times; `TimeoutError` when it never does."""
    until = time.monotonic() + VISIBLE_S
    with httpx.Client(base_url=url, trust_env=False) as client:
        client.get("/internal/force_flush")  # of VictoriaMetrics; others do not know it
        while not all(_shown(client, selector, moment) for moment in moments):
            if time.monotonic() > until:
                raise TimeoutError(f"{url} does not show {selector} after {VISIBLE_S:g} s")
            time.sleep(0.05)


def _shown(client: httpx.Client, selector: str, moment: int) -> bool:
    query = f"last_over_time({selector}[1s])"
    answer = client.get("/api/v1/query", params={"query": query, "time": moment, "nocache": 1}).json()
    return bool(answer["data"]["result"])
