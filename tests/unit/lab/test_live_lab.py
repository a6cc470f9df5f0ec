"""What is put together for the live lab: the scrape configuration, the spans, the held series, customers of another process."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from lab.layout import CALLS, SERVICES, STORES, Configuration
from lab.live import copilot, prometheus
from lab.live.replay import HeldSource, Replayed, Told
from lab.live.spans import RecentSpans
from lab.load import DistantLoad, told
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from sre_copilot.domain.series import SeriesBlock, SeriesKey
from sre_copilot.domain.signals import Window
from sre_copilot.perception.topology_file import TopologyFileSettings, TopologyFileSource
from sre_copilot.settings.document import Settings
from sre_copilot.testing.servers.stored_spans import Wanted

PORTS = {name: 1000 + place for place, name in enumerate(SERVICES)}
SHOP = Configuration("/shop", PORTS, PORTS, PORTS, "", 6379, "")


def test_prometheus_scrapes_every_service_and_store_under_its_own_name() -> None:
    jobs = yaml.safe_load(prometheus.configuration_text(SHOP, 99))["scrape_configs"]
    named = {job["static_configs"][0]["labels"]["service"] for job in jobs}
    assert named == {*SERVICES, *STORES}
    paths = {job["job_name"]: (job["static_configs"][0]["targets"][0], job["metrics_path"]) for job in jobs}
    assert paths["redis"] == ("127.0.0.1:99", "/redis")
    assert paths["cart"] == (f"127.0.0.1:{PORTS['cart']}", "/metrics")


def test_the_configuration_for_serve_is_one_that_it_takes(tmp_path: Path) -> None:
    given = copilot.configuration(
        tmp_path, shop=tmp_path, prometheus="http://p", jaeger="http://j", interval=10, days=7, port=0
    )
    settings = Settings.model_validate(json.loads(json.dumps(given)))
    assert settings.check_interval_seconds == 10
    assert {source["type"] for source in settings.sources} == {
        "prometheus", "promql_transactions", "jaeger", "files", "topology_file",
    }  # fmt: skip


def test_the_topology_file_tells_every_call(tmp_path: Path) -> None:
    file = tmp_path / "topology.yaml"
    file.write_text(json.dumps(copilot.topology()))
    reading = TopologyFileSource(TopologyFileSettings(files=(file,))).read(Window(0, 1))
    assert reading.gaps == ()
    assert reading.topology is not None
    assert set(reading.topology.edges) == {
        (caller, callee) for caller, called in CALLS.items() for callee in called
    }


def span(store: RecentSpans, *, service: str, start_s: int, trace: bytes) -> None:
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    attribute = group.resource.attributes.add()
    attribute.key = "service.name"
    attribute.value.string_value = service
    one = group.scope_spans.add().spans.add()
    one.trace_id, one.span_id, one.name, one.kind = trace * 16, trace * 8, "GET /", 2
    one.start_time_unix_nano, one.end_time_unix_nano = start_s * 10**9, start_s * 10**9 + 10**6
    store.take(request.SerializeToString())


def test_spans_are_found_by_service_and_time_and_forgotten_after_an_hour() -> None:
    store = RecentSpans()
    span(store, service="cart", start_s=1000, trace=b"a")
    span(store, service="cart", start_s=1500, trace=b"b")
    span(store, service="checkout", start_s=5000, trace=b"c")
    found = store.find(Wanted(service="cart", start_ns=1400 * 10**9))
    assert [trace[0].trace_id for trace in found] == [(b"b" * 16).hex()]
    store.forget()
    assert set(store.traces) == {(b"b" * 16).hex(), (b"c" * 16).hex()}
    assert {one.service for one in store.spans()} == {"cart", "checkout"}


def test_customers_of_another_process_come_as_often_as_they_are_told(tmp_path: Path) -> None:
    load = DistantLoad(tmp_path)
    assert load.factor == 1.0
    load.factor = 3.0
    assert told(tmp_path / "customers.control.json") == 3.0


def held() -> HeldSource:
    return HeldSource(
        SeriesBlock((SeriesKey("cart", "up"),), 600, 60, np.arange(4, dtype=np.float32)[None, :])
    )


def test_a_held_series_has_its_columns_and_nothing_outside_of_them() -> None:
    block = held().series(Window(540, 781), step_seconds=60)
    assert block.start == 540
    assert block.values[0].tolist()[1:4] == [0, 1, 2]
    assert np.isnan(block.values[0, 0])
    assert held().series(Window(780, 901), step_seconds=60).values.shape == (1, 3)
    with pytest.raises(ValueError, match="60 s is held"):
        held().series(Window(540, 781), step_seconds=10)


def test_what_is_told_is_counted_by_day() -> None:
    told_twice = tuple(
        Told(day=day, entity="cart", metric="up", method="ensemble/step", score=0.8) for day in (0, 2)
    )
    result = Replayed(days=3, series=1, ticks=3, seconds=0.0, told=told_twice)
    assert result.by_day() == [1, 0, 1]
