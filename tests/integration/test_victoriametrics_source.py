"""The Prometheus source against a real VictoriaMetrics."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sre_copilot.domain.series import SeriesKey
from sre_copilot.domain.signals import Window
from sre_copilot.errors import SourceRefused
from sre_copilot.perception.prometheus import PrometheusSource
from sre_copilot.testing.servers.real import missing, victoria_metrics_server
from sre_copilot.testing.servers.remote_write import remote_write
from sre_copilot.testing.source_contract import NOW, SourceContract
from sre_copilot.testing.stored_samples import StoredSamples, wait_until_visible

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(bool(missing("victoria-metrics")), reason=missing("victoria-metrics")),
]
T0 = NOW - 7200


class TestVictoriaMetricsKeepsTheContract(SourceContract):
    @contextmanager
    def system(self, folder: Path) -> Iterator[StoredSamples]:
        with victoria_metrics_server(folder) as server:
            yield StoredSamples(server.url)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with victoria_metrics_server(tmp_path_factory.mktemp("victoriametrics")) as server:
        yield server.url


def source(url: str, /, **settings: Any) -> PrometheusSource:
    given = {"url": url, "core_metrics": False, "requests_per_second": 1000}
    return PrometheusSource(PrometheusSource.Settings.model_validate(given | settings))


def store(url: str, name: str, samples: list[tuple[int, float]], **labels: str) -> None:
    remote_write(url, [({"__name__": name, **labels}, samples)])
    wait_until_visible(url, name, samples[0][0], samples[-1][0])


def test_a_value_is_not_carried_over_a_gap(url: str) -> None:
    store(url, "gauge", [(T0 + 60 * i, i) for i in (0, 1, 2, 7, 8)], job="a")
    block = source(url, queries={"gauge": "gauge"}).series(Window(T0, T0 + 600), step_seconds=60)
    assert block.keys == (SeriesKey("a", "gauge"),)
    nan = math.nan
    np.testing.assert_array_equal(block.values[0], [0, 1, 2, nan, nan, nan, nan, 7, 8, nan])


def test_times_are_those_that_were_asked_for_even_off_the_step(url: str) -> None:
    start = T0 + 7
    store(url, "shifted", [(start + 60 * i, float(i)) for i in range(200)], job="a")
    block = source(url, queries={"shifted": "shifted"}).series(Window(start, start + 12_000), step_seconds=60)
    assert block.start == start
    np.testing.assert_array_equal(block.values[0], np.arange(200))


def test_metricsql_is_sent_as_it_is(url: str) -> None:
    store(url, "level", [(T0 + 15 * i, float(i)) for i in range(40)], job="a")
    block = source(url, queries={"m": "range_max(level)"}, dialect="metricsql").series(
        Window(T0 + 60, T0 + 300), step_seconds=60
    )
    assert block.keys == (SeriesKey("a", "m"),)
    np.testing.assert_array_equal(block.values[0], [16.0] * 4)


def test_the_server_accepts_every_query_of_the_catalogue(url: str) -> None:
    reading = source(url, core_metrics=True).read(Window(T0, T0 + 60))
    assert reading.gaps == ()
    assert len(reading.asked) >= 15
    assert reading.telemetry.alerts is None  # it evaluates no rules


def test_a_refusal_quotes_the_server_and_the_query(url: str) -> None:
    store(url, "fine", [(T0, 1.0)], job="a")
    bad = 'label_replace(fine, "x", "$1", "job", "(")'
    with pytest.raises(SourceRefused, match="label_replace"):
        source(url, queries={"bad": bad}).read(Window(T0, T0 + 60))


def test_health_tells_a_clock_from_values_that_are_shown_late(url: str) -> None:
    health = source(url).health()
    assert health.ok
    assert health.clock_skew_seconds is not None
    assert abs(health.clock_skew_seconds) < 1
    assert "+query" in health.permissions
    assert "VictoriaMetrics" in health.version
    assert "30 s late" in health.problem
    assert "latencyOffset" in health.remedy


def test_discovery_counts_what_the_catalogue_finds(url: str) -> None:
    now = int(time.time()) - 60  # it shows the latest half minute later
    store(url, "process_resident_memory_bytes", [(now - 30, 1e6), (now, 1e6)], job="j", instance="i")
    rows = source(url, core_metrics=True, lookback_seconds=300).discover()
    counts = {(row.metric, row.exporter): row.series for row in rows}
    assert counts["memory_usage_bytes", "client library"] == 1
    assert counts["memory_usage_bytes", "cAdvisor"] == 0
