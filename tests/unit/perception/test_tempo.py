from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sre_copilot.domain.signals import Window
from sre_copilot.errors import SourceRefused
from sre_copilot.perception.source import Reading
from sre_copilot.perception.tempo import TempoSettings, TempoSource
from sre_copilot.testing.servers.stored_spans import otlp_trace
from sre_copilot.testing.servers.tempo import TempoServer, tempo

AT = 1_700_000_000


@pytest.fixture(params=["second API", "first API"])
def server(request: pytest.FixtureRequest) -> Iterator[TempoServer]:
    with tempo(has_v2=request.param == "second API") as running:
        yield running


def source(server: TempoServer, **settings: Any) -> TempoSource:
    return TempoSource(TempoSettings(url=server.url, **{"requests_per_second": 1000, **settings}))


def read(server: TempoServer, **settings: Any) -> Reading:
    opened = source(server, **settings)
    try:
        return opened.read(Window(AT, AT + 60))
    finally:
        opened.close()


def fill(server: TempoServer, number: int) -> None:
    for each in range(number):
        server.store.add(otlp_trace("web", AT * 10**9 + each * 10**9, trace_id=f"{each + 1:032x}"))


def said(reading: Reading) -> dict[str, dict[str, Any]]:
    return {gap.message.key: dict(gap.message.params) for gap in reading.gaps}


def test_traces_are_found_and_fetched_whole_with_hexadecimal_ids(server: TempoServer) -> None:
    fill(server, 3)
    table = read(server).telemetry.traces
    assert table is not None
    assert table["trace_id"].to_list() == [f"{each:032x}" for each in (1, 2, 3)]
    assert table["kind"].to_list() == ["server"] * 3


def test_a_full_search_is_asked_again_in_halves(server: TempoServer) -> None:
    fill(server, 40)
    reading = read(server, limit=6)
    assert reading.telemetry.traces is not None
    assert reading.telemetry.traces.height == 40
    assert reading.gaps == ()


def test_how_many_traces_were_left_is_told_exactly_and_the_sample_is_the_same_each_time(
    server: TempoServer,
) -> None:
    fill(server, 30)
    first, second = read(server, most_traces=10), read(server, most_traces=10)
    assert said(first)["gap.traces.left"] == {"read": 10, "left": 20, "total": 30}
    assert first.telemetry.traces is not None
    assert first.telemetry.traces.equals(second.telemetry.traces)  # type: ignore[arg-type]


def test_only_traces_of_the_services_that_are_named_are_asked_for(server: TempoServer) -> None:
    fill(server, 1)
    server.store.add(otlp_trace("cart", AT * 10**9, trace_id="f" * 32))
    table = read(server, services=["web"]).telemetry.traces
    assert table is not None
    assert set(table["service"]) == {"web"}


def test_a_query_of_ones_own_is_bound_to_the_service(server: TempoServer) -> None:
    fill(server, 1)
    asked = read(server, services=["web"], query='{ name = "work" }').asked[0]
    assert "name+%3D+%22work%22" in asked.text
    assert "resource.service.name" in asked.text


def test_the_tenant_goes_in_a_header() -> None:
    with tempo(tenant="blue") as server:
        fill(server, 1)
        with pytest.raises(SourceRefused):
            read(server)
        table = read(server, headers={"X-Scope-OrgID": "blue"}).telemetry.traces
        assert table is not None
        assert table.height == 1
        assert not source(server).health().ok
        assert source(server, headers={"X-Scope-OrgID": "blue"}).health().version == "2.7.0"


def test_incomplete_traces_are_told() -> None:
    with tempo() as server:
        fill(server, 2)
        server.partial.add("1")
        assert said(read(server))["gap.traces.partial"] == {"partial": 1, "missing": 0, "total": 2}
