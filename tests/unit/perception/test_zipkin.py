from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sre_copilot.domain.signals import Window
from sre_copilot.perception.source import Reading
from sre_copilot.perception.zipkin import ZipkinSettings, ZipkinSource
from sre_copilot.testing.servers.zipkin import ZipkinServer, zipkin

CONTRACTS = os.environ.get("SRE_COPILOT_CONTRACTS", "")
needs_golden_files = pytest.mark.skipif(not CONTRACTS, reason="SRE_COPILOT_CONTRACTS names no golden files")
AT = 1_700_000_000
MINUTE = Window(AT, AT + 60)


@pytest.fixture
def server() -> Iterator[ZipkinServer]:
    with zipkin() as running:
        yield running


def read(server: ZipkinServer, window: Window = MINUTE, **settings: Any) -> Reading:
    source = ZipkinSource(ZipkinSettings(url=server.url, **{"requests_per_second": 1000, **settings}))
    try:
        return source.read(window)
    finally:
        source.close()


def table(reading: Reading) -> pl.DataFrame:
    assert reading.telemetry.traces is not None
    return reading.telemetry.traces


def span(id: str, service: str, **facts: Any) -> dict[str, Any]:
    about = {"traceId": "1" * 16, "timestamp": AT * 10**6, "duration": 1000}
    return {**about, "id": id * 16, "localEndpoint": {"serviceName": service, "ipv4": "10.0.0.1"}, **facts}


def test_a_call_whose_sides_share_an_id_becomes_a_client_and_its_server(server: ZipkinServer) -> None:
    server.spans = [
        span("2", "web", kind="CLIENT"),
        span("2", "cart", kind="SERVER", shared=True, duration=700),
        span("3", "cart", parentId="2" * 16),
    ]
    found = table(read(server)).sort("duration_us", "span_id", descending=[True, False])
    assert dict(found.select("span_id", "parent_id").iter_rows()) == {
        "2" * 16 + ":client": "",
        "2" * 16: "2" * 16 + ":client",
        "3" * 16: "2" * 16,
    }
    assert read(server).topology.edges == (("web", "cart"),)  # type: ignore[union-attr]


def test_reports_of_one_side_in_parts_are_one_span(server: ZipkinServer) -> None:
    started = {key: value for key, value in span("2", "web", kind="CLIENT").items() if key != "duration"}
    server.spans = [started, {**started, "timestamp": None, "duration": 5000}]
    reading = read(server)
    assert table(reading)["duration_us"].to_list() == [5000]
    assert reading.gaps == ()


def test_spans_without_a_service_or_an_end_are_told(server: ZipkinServer) -> None:
    server.spans = [span("2", "web"), span("3", ""), span("4", "web", duration=None)]
    reading = read(server)
    assert table(reading).height == 1
    assert sorted(gap.message.key for gap in reading.gaps) == ["gap.traces.nameless", "gap.traces.unfinished"]


def test_an_error_tag_is_an_error(server: ZipkinServer) -> None:
    server.spans = [
        span("2", "web", tags={"error": ""}),
        span("3", "web", tags={"http.status_code": "503"}),
        span("4", "web", tags={"http.status_code": "404"}),
    ]
    assert table(read(server)).sort("span_id")["status"].to_list() == ["error", "error", ""]


def test_stores_and_queues_that_record_nothing_are_part_of_the_estate(server: ZipkinServer) -> None:
    server.spans = [
        span(
            "2",
            "web",
            kind="CLIENT",
            remoteEndpoint={"serviceName": "orders"},
            tags={"sql.query": "select 1"},
        ),
        span("3", "web", kind="PRODUCER", remoteEndpoint={"serviceName": "bus"}),
        span("4", "mailer", kind="CONSUMER", remoteEndpoint={"serviceName": "bus"}, parentId="3" * 16),
        span("5", "web", kind="SERVER", remoteEndpoint={"serviceName": "browser"}),
    ]
    inventory = read(server).inventory
    assert inventory is not None
    assert {entity.name: entity.kind for entity in inventory.entities} == {
        "bus": "queue",
        "mailer": "service",
        "orders": "database",
        "web": "service",
    }
    assert inventory.topology().edges == (("mailer", "bus"), ("web", "mailer"), ("web", "orders"))


def test_a_trace_that_began_before_the_window_gives_its_later_spans(server: ZipkinServer) -> None:
    server.spans = [
        span("2", "web", timestamp=(AT - 5) * 10**6, duration=9_000_000),
        span("3", "web", parentId="2" * 16, timestamp=(AT + 1) * 10**6),
    ]
    assert table(read(server))["span_id"].to_list() == ["3" * 16]
    assert table(read(server, reach_seconds=0)).height == 0


def test_one_question_is_asked_for_all_services_unless_some_are_left_out(server: ZipkinServer) -> None:
    server.spans = [span("2", "web"), {**span("3", "cart"), "traceId": "2" * 16}]
    assert len(read(server).asked) == 1
    assert [asked.target for asked in read(server, exclude_services=["web"]).asked] == ["cart"]


def golden(server: ZipkinServer, name: str) -> Reading:
    server.spans = json.loads((Path(CONTRACTS) / f"zipkin/traces/{name}.json").read_text())
    times = [each["timestamp"] / 1e6 for each in server.spans]
    return read(server, Window(int(min(times)), int(max(times)) + 1))


@needs_golden_files
@pytest.mark.parametrize(
    ("name", "spans"),
    [
        ("ascend", 8),
        ("messaging-kafka", 28),
        ("messaging", 4),
        ("messaging2", 11),
        ("simple-db-p6", 5),
        ("skew", 4),
        ("smartthings-oauth-authorization", 156),
        ("yelp", 16),
    ],
)
def test_traces_of_real_systems_are_read_whole(server: ZipkinServer, name: str, spans: int) -> None:
    reading = golden(server, name)
    found = table(reading)
    ended = [each for each in server.spans if each.get("duration")]
    told = {gap.message.key: dict(gap.message.params) for gap in reading.gaps}
    assert found.height == len(ended) == spans
    assert told.get("gap.traces.unfinished", {}).get("spans", 0) == len(server.spans) - spans
    missing = {each["parentId"] for each in ended if each.get("parentId")} - {each["id"] for each in ended}
    assert {parent.removesuffix(":client") for parent in found["parent_id"]} - set(found["span_id"]) - {
        ""
    } <= missing


@needs_golden_files
def test_a_real_skewed_clock_is_told(server: ZipkinServer) -> None:
    reading = golden(server, "skew")
    said = {gap.message.key: dict(gap.message.params) for gap in reading.gaps}
    assert said["gap.traces.clock_skew"]["ms"] == pytest.approx(65.4, abs=0.1)
    assert reading.topology is not None
    assert reading.topology.edges == (("servicea", "serviceb"),)


@needs_golden_files
def test_a_real_proxy_that_names_no_service_is_told(server: ZipkinServer) -> None:
    reading = golden(server, "envoy")
    assert table(reading).height == 0
    assert [gap.message.key for gap in reading.gaps] == ["gap.traces.nameless"]


@needs_golden_files
def test_real_messages_lead_from_producer_to_consumer_and_to_the_broker(server: ZipkinServer) -> None:
    reading = golden(server, "messaging")
    assert reading.topology is not None
    assert reading.topology.edges == (("backend", "rabbitmq"), ("frontend", "backend"))
    reading = golden(server, "simple-db-p6")
    assert reading.inventory is not None
    assert reading.inventory.by_name["app_db"].kind == "database"


@needs_golden_files
@pytest.mark.parametrize("name", ["zipkin2-client", "zipkin2-chinese"])
def test_single_spans_of_upstream_are_read(server: ZipkinServer, name: str) -> None:
    one = json.loads((Path(CONTRACTS) / f"zipkin/spans/{name}.json").read_text())
    server.spans = [one]
    start = one["timestamp"] / 1e6
    (row,) = table(read(server, Window(int(start), int(start) + 1))).to_dicts()
    assert (row["service"], row["operation"]) == (one["localEndpoint"]["serviceName"], one["name"])
    assert row["kind"] == one["kind"].lower()
