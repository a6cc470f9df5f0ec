from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sre_copilot.domain.signals import Window
from sre_copilot.errors import SourceAnswerError, SourceRefused
from sre_copilot.perception.http_answers import understood
from sre_copilot.perception.jaeger import JaegerSettings, JaegerSource
from sre_copilot.perception.source import Asked, Reading
from sre_copilot.perception.spans import jaeger_ui, otlp, zipkin_spans
from sre_copilot.perception.spans.table import span_table
from sre_copilot.testing.servers.jaeger import JaegerServer, jaeger
from sre_copilot.testing.servers.json_server import Request, Response, serving
from sre_copilot.testing.servers.stored_spans import otlp_trace

CONTRACTS = os.environ.get("SRE_COPILOT_CONTRACTS", "")
needs_golden_files = pytest.mark.skipif(not CONTRACTS, reason="SRE_COPILOT_CONTRACTS names no golden files")
AT = 1_700_000_000
FIELDS = [
    *(
        "traceID",
        "spans",
        "processes",
        "spanID",
        "startTime",
        "duration",
        "tags",
        "key",
        "value",
        "references",
    ),
    *("traceId", "id", "parentId", "kind", "timestamp", "localEndpoint", "serviceName"),
    *(
        "resourceSpans",
        "resource",
        "attributes",
        "scopeSpans",
        "spanId",
        "startTimeUnixNano",
        "endTimeUnixNano",
    ),
]


@pytest.fixture(params=["query", "v3"])
def server(request: pytest.FixtureRequest) -> Iterator[JaegerServer]:
    with jaeger(has_v3=request.param == "v3") as running:
        yield running


def read(url: str, **settings: Any) -> Reading:
    source = JaegerSource(JaegerSettings(url=url, **{"requests_per_second": 1000, **settings}))
    try:
        return source.read(Window(AT, AT + 60))
    finally:
        source.close()


def keys(reading: Reading) -> list[str]:
    return [gap.message.key for gap in reading.gaps]


def searches(reading: Reading) -> list[Asked]:
    return [asked for asked in reading.asked if "traces?" in asked.text]


def call(client: str, server: str, start_ns: int, *, trace: str, clock_ns: int = 0) -> dict[str, Any]:
    """A call of two services: a client span of 10 ms around a server span of 6 ms, whose clock is behind by `clock_ns`."""

    def part(service: str, **span: Any) -> dict[str, Any]:
        about = [{"key": "service.name", "value": {"stringValue": service}}]
        return {"resource": {"attributes": about}, "scopeSpans": [{"spans": [{"traceId": trace, **span}]}]}

    begin = start_ns + 2_000_000 - clock_ns
    return {
        "resourceSpans": [
            part(client, spanId="a" * 16, kind=3, name="call", **times(start_ns, 10_000_000)),
            part(
                server,
                spanId="b" * 16,
                parentSpanId="a" * 16,
                kind=2,
                name="serve",
                **times(begin, 6_000_000),
            ),
        ]
    }


def times(start_ns: int, duration_ns: int) -> dict[str, str]:
    return {"startTimeUnixNano": str(start_ns), "endTimeUnixNano": str(start_ns + duration_ns)}


def test_both_apis_give_the_same_table() -> None:
    tables = []
    for has_v3 in (False, True):
        with jaeger(has_v3=has_v3) as running:
            for number in range(5):
                running.store.add(call("web", "cart", (AT + number) * 10**9, trace=f"{number + 1:032x}"))
            tables.append(read(running.url).telemetry.traces)
            assert ("/api/v3/traces" in running.asked) == has_v3
    assert tables[0] is not None
    assert tables[0].equals(tables[1])  # type: ignore[arg-type]
    assert tables[0].height == 10


def test_a_server_whose_api_v3_does_not_understand_us_is_asked_by_the_query_api() -> None:
    early = JaegerServer()
    early.store.add(otlp_trace("web", AT * 10**9, trace_id="1" * 32))

    def answer(request: Request) -> Response:
        if request.path == "/api/v3/traces":
            return Response({"error": {"message": "malformed parameter query.start_time_min"}}, 400)
        return early.answer(request)

    with serving(answer) as url:
        traces = read(url).telemetry.traces
        assert traces is not None
        assert traces.height == 1
        with pytest.raises(SourceRefused, match="start_time_min"):
            read(url, api="v3")


def test_who_calls_whom_is_read_out_of_the_spans(server: JaegerServer) -> None:
    server.store.add(call("web", "cart", AT * 10**9, trace="1" * 32))
    reading = read(server.url)
    assert reading.topology is not None
    assert reading.topology.edges == (("web", "cart"),)
    assert reading.inventory is not None
    assert reading.inventory.relations[0].sources == ("jaeger",)


def test_a_trace_that_two_services_share_stands_once(server: JaegerServer) -> None:
    server.store.add(call("web", "cart", AT * 10**9, trace="1" * 32))
    reading = read(server.url)
    assert reading.telemetry.traces is not None
    assert reading.telemetry.traces["service"].to_list() == ["web", "cart"]
    assert [asked.target for asked in searches(reading)] == ["cart", "web"]


def test_more_traces_than_an_answer_holds_are_read_in_halves_of_the_time(server: JaegerServer) -> None:
    for number in range(40):
        server.store.add(otlp_trace("web", AT * 10**9 + number * 10**8, trace_id=f"{number + 1:032x}"))
    reading = read(server.url, limit=4)
    assert reading.telemetry.traces is not None
    assert reading.telemetry.traces.height == 40
    assert reading.gaps == ()


def test_what_cannot_be_cut_finer_is_told(server: JaegerServer) -> None:
    for number in range(6):
        server.store.add(otlp_trace("web", AT * 10**9, trace_id=f"{number + 1:032x}"))
    reading = read(server.url, limit=4)
    assert reading.telemetry.traces is not None
    assert reading.telemetry.traces.height == 4
    (gap,) = reading.gaps
    assert gap.message.key == "gap.traces.cut"
    assert dict(gap.message.params) == {"service": "web", "seconds": 0.001, "read": 4}


def test_no_more_is_asked_than_allowed_and_the_rest_is_told(server: JaegerServer) -> None:
    for number in range(64):
        server.store.add(otlp_trace("web", AT * 10**9 + number * 10**8, trace_id=f"{number + 1:032x}"))
    reading = read(server.url, limit=4, most_queries=5)
    assert len(searches(reading)) <= 5
    assert keys(reading) == ["gap.traces.cut"]


def test_services_can_be_chosen_and_left_out(server: JaegerServer) -> None:
    for number, service in enumerate(("web", "cart", "jaeger-query")):
        server.store.add(otlp_trace(service, AT * 10**9, trace_id=f"{number + 1:032x}"))
    assert {asked.target for asked in searches(read(server.url, exclude_services=["jaeger-query"]))} == {
        "web",
        "cart",
    }
    assert {asked.target for asked in searches(read(server.url, services=["cart"]))} == {"cart"}


def test_clocks_that_differ_are_told_and_times_stay_as_recorded(server: JaegerServer) -> None:
    server.store.add(call("web", "cart", (AT + 1) * 10**9, trace="1" * 32, clock_ns=65_000_000))
    reading = read(server.url)
    (gap,) = reading.gaps
    assert dict(gap.message.params) == {"caller": "web", "callee": "cart", "ms": 63.0, "spans": 1}
    assert reading.telemetry.traces is not None
    assert reading.telemetry.traces["service"].to_list() == ["cart", "web"]


def test_sampling_that_is_known_is_told(server: JaegerServer) -> None:
    server.store.add(otlp_trace("web", AT * 10**9, trace_id="1" * 32))
    assert keys(read(server.url, kept_share=0.1)) == ["gap.traces.sampled"]
    assert keys(read(server.url, kept_share=1.0)) == []


def test_masked_columns_are_hashed_before_anything_is_made_of_them(server: JaegerServer) -> None:
    server.store.add(call("web", "cart", AT * 10**9, trace="1" * 32))
    reading = read(server.url, mask=["operation", "service"])
    assert reading.telemetry.traces is not None
    shown = str(reading.telemetry.traces.to_dicts()) + str(reading.inventory)
    assert not any(word in shown for word in ("'serve'", "'web'", "'cart'"))
    assert reading.topology is not None
    assert len(reading.topology.edges) == 1


def test_an_answer_of_another_form_is_an_error_that_names_the_question() -> None:
    def wrong(request: Request) -> Response:
        if request.path == "/api/services":
            return Response({"data": ["web"]})
        return Response({"data": [{"traceID": "1", "spans": [{"startTime": "soon"}]}]})

    with serving(wrong) as url, pytest.raises(SourceAnswerError, match="/api/traces"):
        read(url, api="query")


def test_what_jaeger_says_of_itself_is_passed_on() -> None:
    trace = {"traceID": "1" * 32, "spans": [], "processes": {}, "warnings": ["clock skew not adjusted"]}

    def warning(request: Request) -> Response:
        return Response({"data": ["cart", "web"] if request.path == "/api/services" else [trace]})

    with serving(warning) as url:
        (gap,) = read(url, api="query").gaps
    assert dict(gap.message.params) == {
        "number": 1,
        "first": f"trace {'1' * 32}: clock skew not adjusted",
    }


def test_the_share_of_a_probabilistic_sampler_is_read() -> None:
    tags = [{"key": "sampler.type", "value": "probabilistic"}, {"key": "sampler.param", "value": 0.01}]
    assert jaeger_ui.kept_shares([{"spans": [{"tags": tags}, {"tags": []}]}]) == {0.01}


def test_a_reference_to_another_trace_is_no_parent() -> None:
    far = {"refType": "CHILD_OF", "traceID": "2" * 16, "spanID": "f" * 16}
    after = {"refType": "FOLLOWS_FROM", "traceID": "1" * 16, "spanID": "e" * 16}
    near = {"refType": "CHILD_OF", "traceID": "1" * 16, "spanID": "d" * 16}
    assert jaeger_ui.parent_of({"traceID": "1" * 16, "references": [far]}) == ""
    assert jaeger_ui.parent_of({"traceID": "1" * 16, "references": [far, after]}) == "e" * 16
    assert jaeger_ui.parent_of({"traceID": "1" * 16, "references": [far, after, near]}) == "d" * 16


DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5),
    max_leaves=12,
)


@settings(deadline=None, max_examples=50)
@given(st.lists(DOCUMENTS, max_size=2), st.sampled_from([jaeger_ui.spans_of, zipkin_spans.spans_of]))
def test_an_answer_of_any_form_is_read_or_refused_in_words(answer: list[Any], decode: Any) -> None:
    with suppress(SourceAnswerError), understood("x", "/api"):
        assert span_table(decode(answer)).height >= 0


@settings(deadline=None, max_examples=50)
@given(DOCUMENTS.filter(lambda document: isinstance(document, dict)))
def test_otlp_of_any_form_is_read_or_refused_in_words(answer: dict[str, Any]) -> None:
    with suppress(SourceAnswerError), understood("x", "/api"):
        assert span_table(otlp.spans_of(answer)).height >= 0


@needs_golden_files
def test_the_pages_of_a_real_jaeger_are_read() -> None:
    trace = json.loads((Path(CONTRACTS) / "jaeger/ui_model/ui_01.json").read_text())
    spans = list(jaeger_ui.spans_of([trace]))
    by_name = {span.operation: span for span in spans}
    assert len(spans) == 5
    assert by_name["reference-test"].parent_id == "0000000000000002"
    assert by_name["preserveParentID-test"].parent_id == "0000000000000004"
    failed = [span for span in spans if span.status == "error"]
    assert [(span.service, span.start_ns, span.duration_us) for span in failed] == [
        ("service-x", 1485467191639875000, 5)
    ]
    assert len(jaeger_ui.remarks_of([trace])) == 3
