"""The Prometheus source against a real Prometheus."""

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
from sre_copilot.perception.prometheus import MetricsCollector, PrometheusSource
from sre_copilot.perception.promql.queries import filled, without_carry
from sre_copilot.testing.servers.real import missing, prometheus_server
from sre_copilot.testing.servers.remote_write import remote_write
from sre_copilot.testing.source_contract import NOW, SourceContract
from sre_copilot.testing.stored_samples import StoredSamples

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(bool(missing("prometheus")), reason=missing("prometheus")),
]
T0 = NOW - 7200


class TestPrometheusKeepsTheContract(SourceContract):
    @contextmanager
    def system(self, folder: Path) -> Iterator[StoredSamples]:
        with prometheus_server(folder) as server:
            yield StoredSamples(server.url)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with prometheus_server(tmp_path_factory.mktemp("prometheus")) as server:
        yield server.url


def source(url: str, /, **settings: Any) -> PrometheusSource:
    given = {"url": url, "core_metrics": False, "alerts": False, "requests_per_second": 1000}
    return PrometheusSource(PrometheusSource.Settings.model_validate(given | settings))


def test_a_value_is_not_carried_over_a_gap(url: str) -> None:
    remote_write(url, [({"__name__": "gauge", "job": "a"}, [(T0 + 60 * i, i) for i in (0, 1, 2, 7, 8)])])
    block = source(url, queries={"gauge": "gauge"}).series(Window(T0, T0 + 600), step_seconds=60)
    assert block.keys == (SeriesKey("a", "gauge"),)
    nan = math.nan
    np.testing.assert_array_equal(block.values[0], [0, 1, 2, nan, nan, nan, nan, 7, 8, nan])


def test_the_servers_own_lookback_carries_it_and_can_be_had(url: str) -> None:
    remote_write(url, [({"__name__": "carried", "job": "a"}, [(T0, 5.0)])])
    block = source(url, queries={"carried": "carried"}, lookback_seconds=0).series(
        Window(T0, T0 + 600), step_seconds=60
    )
    seen = ~np.isnan(block.values[0])
    assert seen[:5].all()
    assert not seen[6:].any()  # at just five minutes, versions differ


def test_a_counter_that_starts_anew_has_no_negative_rate(url: str) -> None:
    values = [(T0 + 15 * i, float(i * 30 if i < 20 else (i - 20) * 30)) for i in range(40)]
    remote_write(url, [({"__name__": "done_total", "service": "shop", "instance": "i"}, values)])
    query = "sum by ($service_labels, $instance_labels) (rate(done_total[$__rate_interval]))"
    block = source(url, queries={"done": query}).series(Window(T0 + 120, T0 + 600), step_seconds=60)
    assert block.keys == (SeriesKey("shop", "done", "i"),)
    assert np.nanmin(block.values) > 0
    np.testing.assert_allclose(block.values[0, :3], 2.0, rtol=1e-5)


def test_a_classic_histogram_gives_the_quantile_of_its_buckets(url: str) -> None:
    name = "http_request_duration_seconds_bucket"
    shares = {"0.1": 50, "0.5": 90, "1": 100, "+Inf": 100}
    for bound, share in shares.items():
        labels = {"__name__": name, "service": "pay", "le": bound}
        remote_write(url, [(labels, [(T0 + 15 * i, float(share * i)) for i in range(40)])])
    block = source(url, core_metrics=["request_latency_p95_seconds"]).series(
        Window(T0 + 300, T0 + 420), step_seconds=60
    )
    assert block.keys == (SeriesKey("pay", "request_latency_p95_seconds"),)
    np.testing.assert_allclose(block.values, 0.75, rtol=1e-5)  # halfway between 0.5 (90 %) and 1 (100 %)


def test_an_error_ratio_is_zero_only_where_a_status_is_told(url: str) -> None:
    for labels in ({"service": "told", "code": "200"}, {"service": "silent"}):
        remote_write(
            url,
            [({"__name__": "http_requests_total", **labels}, [(T0 + 15 * i, 9.0 * i) for i in range(40)])],
        )
    block = source(url, core_metrics=["request_error_ratio"]).series(
        Window(T0 + 300, T0 + 360), step_seconds=60
    )
    assert block.keys == (SeriesKey("told", "request_error_ratio"),)
    assert block.values[0, 0] == 0


def test_what_is_not_finite_is_no_value(url: str) -> None:
    samples = [(T0, math.inf), (T0 + 60, math.nan), (T0 + 120, 3.5), (T0 + 180, -math.inf)]
    remote_write(url, [({"__name__": "odd", "job": "a"}, samples)])
    block = source(url, queries={"odd": "odd"}).series(Window(T0, T0 + 240), step_seconds=60)
    np.testing.assert_array_equal(block.values[0], [math.nan, math.nan, 3.5, math.nan])


def test_a_long_window_comes_in_several_answers_and_whole(url: str) -> None:
    start = NOW - 86400 * 8
    samples = [(start + 60 * i, math.sin(i) * 1e6) for i in range(11_520)]
    remote_write(url, [({"__name__": "long", "job": "a"}, samples)])
    block = source(url, queries={"long": "long"}).series(Window(start, start + 60 * 11_520), step_seconds=60)
    np.testing.assert_array_equal(block.values[0], np.array([v for _, v in samples], np.float32))


def test_a_query_that_is_too_large_for_the_server_is_asked_in_parts(tmp_path: Path) -> None:
    with prometheus_server(tmp_path, arguments=["--query.max-samples=500"]) as server:
        series = [
            ({"__name__": "many", "job": f"j{j}"}, [(T0 + 60 * i, float(i + j)) for i in range(60)])
            for j in range(20)
        ]
        remote_write(server.url, series)
        block = source(server.url, queries={"many": "many"}).series(Window(T0, T0 + 3600), step_seconds=60)
    assert block.values.shape == (20, 60)
    assert not np.isnan(block.values).any()


def test_one_refused_query_is_a_gap_and_the_others_are_answered(url: str) -> None:
    remote_write(url, [({"__name__": "fine", "job": "a"}, [(T0, 1.0)])])
    bad = 'label_replace(fine, "x", "$1", "job", "(")'
    reading = source(url, queries={"fine": "fine", "bad": bad}).read(Window(T0, T0 + 60))
    assert reading.telemetry.metrics is not None
    assert reading.telemetry.metrics["metric"].to_list() == ["fine"]
    (gap,) = reading.gaps
    said = dict(gap.message.params)
    assert said["metric"] == "bad"
    assert "invalid regular expression" in str(said["problem"])
    assert "label_replace" in str(said["problem"])


def test_when_no_query_is_answered_the_error_quotes_server_and_query(url: str) -> None:
    remote_write(url, [({"__name__": "fine2", "job": "a"}, [(T0, 1.0)])])
    bad = 'label_replace(fine2, "x", "$1", "job", "(")'
    with pytest.raises(SourceRefused, match=r"invalid regular expression.*label_replace"):
        source(url, queries={"bad": bad}).read(Window(T0, T0 + 60))


def test_more_series_than_allowed_are_an_error_and_not_a_part_of_them(url: str) -> None:
    remote_write(url, [({"__name__": "wide", "job": f"j{j}"}, [(T0, 1.0)]) for j in range(30)])
    with pytest.raises(SourceRefused, match="max_series is 20") as caught:
        source(url, queries={"wide": "wide"}, max_series=20).read(Window(T0, T0 + 60))
    assert "raise max_series" in caught.value.remedy


def test_series_that_differ_in_ignored_labels_alone_are_kept_apart(url: str) -> None:
    for namespace in ("one", "two"):
        remote_write(url, [({"__name__": "twin", "job": "a", "namespace": namespace}, [(T0, 1.0)])])
    block = source(url, queries={"twin": "twin"}).series(Window(T0, T0 + 60), step_seconds=60)
    assert len(block.keys) == 2
    assert {"one" in key.metric for key in block.keys} == {True, False}


def test_a_query_with_a_newline_in_a_label_is_answered(url: str) -> None:
    remote_write(url, [({"__name__": "lines", "job": 'a "quoted"\nline \\ 中'}, [(T0, 2.0)])])
    block = source(url, queries={"lines": "lines"}).series(Window(T0, T0 + 60), step_seconds=60)
    assert block.keys == (SeriesKey('a "quoted"\nline \\ 中', "lines"),)


def test_the_server_accepts_every_query_of_the_catalogue(url: str) -> None:
    reading = source(url, core_metrics=True).read(Window(T0, T0 + 60))
    assert reading.gaps == ()
    assert len(reading.asked) >= 15


def test_the_rewritten_query_gives_what_the_query_gives_where_there_is_no_gap(url: str) -> None:
    for job in "ab":
        remote_write(
            url,
            [({"__name__": "steady", "job": job}, [(T0 + 15 * i, ord(job) + i) for i in range(60)])],
        )
    for query in (
        "sum(steady)",
        "steady * 2 > 100",
        "max by (job) (steady offset 1m)",
        "count(steady or vector(1))",
    ):
        ours = source(url, queries={"q": query}).series(Window(T0 + 300, T0 + 800), step_seconds=60)
        theirs = source(url, queries={"q": query}, lookback_seconds=0).series(
            Window(T0 + 300, T0 + 800), step_seconds=60
        )
        assert ours.keys == theirs.keys
        np.testing.assert_array_equal(ours.values, theirs.values)


def test_health_knows_version_clock_and_rights(url: str) -> None:
    health = source(url).health()
    assert health.ok
    assert health.version.startswith("2.")
    assert health.clock_skew_seconds is not None
    assert abs(health.clock_skew_seconds) < 1
    assert set(health.permissions) == {"+query", "+read metadata", "+read rules", "+read targets"}


def test_alerts_of_a_real_rule_are_read_with_their_time(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yml"
    rules.write_text(
        "groups: [{name: g, interval: 1s, rules: [{alert: Always, expr: vector(1) > 0, labels: {severity: page, service: shop}}]}]"
    )
    config = f"global: {{evaluation_interval: 1s}}\nrule_files: [{rules}]\n"
    with prometheus_server(tmp_path / "p", config=config) as server:
        reader = source(server.url, alerts=True, step_seconds=1, queries={"one": "vector(1)"})
        found: Any = None
        until = time.monotonic() + 20
        while not found and time.monotonic() < until:
            time.sleep(0.3)
            now = time.time()
            found = reader.read(Window(now - 30, now + 1)).telemetry.alerts
    (alert,) = found
    assert (alert.name, alert.entity, alert.kind) == ("Always", "shop", "page")
    assert alert.window is not None
    assert alert.window.seconds >= 1


def test_a_server_without_rules_cannot_say_that_nothing_fired(url: str) -> None:
    assert (
        source(url, alerts=True, queries={"one": "vector(1)"}).read(Window(T0, T0 + 60)).telemetry.alerts
        is None
    )


def test_discovery_counts_what_the_catalogue_finds_and_offers_the_rest(url: str) -> None:
    now = int(time.time())
    series = [
        ({"__name__": "process_resident_memory_bytes", "job": f"j{j}", "instance": "i"}, [(now, 1e6)])
        for j in range(3)
    ]
    remote_write(url, [*series, ({"__name__": "orders_total", "job": "a"}, [(now, 1.0)])])
    rows = source(url, core_metrics=True).discover()
    by_exporter = {(row.metric, row.exporter): row for row in rows}
    assert by_exporter["memory_usage_bytes", "client library"].series == 3
    assert by_exporter["memory_usage_bytes", "cAdvisor"].series == 0
    further = {row.metric: row for row in rows if not row.exporter}
    assert further["orders_total"].series == 1
    assert "rate(orders_total" in further["orders_total"].query
    assert "process_resident_memory_bytes" not in further


def test_the_collector_collects_by_hand(url: str) -> None:
    now = int(time.time())
    labels = {"__name__": "process_resident_memory_bytes", "job": "by_hand", "instance": "i"}
    remote_write(url, [(labels, [(now - 60, 5e6), (now, 6e6)])])
    table = MetricsCollector(url, alerts=False).collect_all()
    assert table.columns == ["ts", "service", "instance", "metric", "value"]
    mine = table.filter(table["service"] == "by_hand")
    assert set(mine["metric"]) == {"memory_usage_bytes"}
    assert mine["value"].to_list()[0] in {5e6, 6e6}


def test_the_rewriting_of_the_catalogue_is_understood_by_the_parser_again() -> None:
    settings = PrometheusSource.Settings(url="http://127.0.0.1:9")
    for query in PrometheusSource.CORE_METRICS.values():
        once = without_carry(filled(query, settings.placeholders(60)), 60)
        assert without_carry(once, 60) == once
