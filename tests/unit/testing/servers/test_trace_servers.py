"""The stand-ins for Jaeger, Zipkin and Tempo answer as upstream's golden files say."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from sre_copilot.domain.signals import Window
from sre_copilot.perception.jaeger import JaegerSettings, JaegerSource
from sre_copilot.perception.spans.otlp import spans_of, trace_ids
from sre_copilot.testing.servers.jaeger import JaegerServer, duration_ns, envelope, jaeger
from sre_copilot.testing.servers.stored_spans import SpanStore
from sre_copilot.testing.servers.tempo import tempo
from sre_copilot.testing.servers.zipkin import zipkin

CONTRACTS = os.environ.get("SRE_COPILOT_CONTRACTS", "")
GOLDEN = Path(CONTRACTS)
needs_golden_files = pytest.mark.skipif(not CONTRACTS, reason="SRE_COPILOT_CONTRACTS names no golden files")
QUERIES = json.loads((GOLDEN / "jaeger/search/queries.json").read_text()) if CONTRACTS else []


def loaded(path: str) -> Any:
    return json.loads((GOLDEN / path).read_text())


@pytest.fixture(scope="module")
def filled() -> Iterator[JaegerServer]:
    """A Jaeger that holds all traces of the golden searches."""
    with jaeger() as server:
        for file in sorted((GOLDEN / "jaeger/search/traces").glob("*.json")):
            server.store.add(json.loads(file.read_text()))
        yield server


def ids_of(names: list[str]) -> set[str]:
    return {trace for name in names for trace in trace_ids(loaded(f"jaeger/search/traces/{name}.json"))}


def microseconds(moment: str) -> int:
    return round(datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp() * 1e6)


def params_of(query: Mapping[str, Any]) -> dict[str, Any]:
    tags = {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in (query["Tags"] or {}).items()
    }
    wanted = {
        "service": query["ServiceName"],
        "operation": query["OperationName"],
        "tags": json.dumps(tags) if tags else "",
        "start": microseconds(query["StartTimeMin"]),
        "end": microseconds(query["StartTimeMax"]),
        "minDuration": f"{query['DurationMin']}ns" if query["DurationMin"] else "",
        "maxDuration": f"{query['DurationMax']}ns" if query["DurationMax"] else "",
        "limit": query["NumTraces"],
    }
    return {key: value for key, value in wanted.items() if value != ""}


@needs_golden_files
@pytest.mark.parametrize("case", QUERIES, ids=lambda case: case["Caption"])
def test_a_search_finds_the_traces_that_jaegers_own_stores_must_find(
    filled: JaegerServer, case: dict[str, Any]
) -> None:
    answer = httpx.get(f"{filled.url}/api/traces", params=params_of(case["Query"])).json()
    found = {trace["traceID"] for trace in answer["data"]}
    assert found == ids_of(case["ExpectedFixtures"])


@needs_golden_files
@pytest.mark.parametrize("api", ["query", "v3"])
@pytest.mark.parametrize(
    "case", [case for case in QUERIES if not case["Query"]["Tags"]], ids=lambda case: case["Caption"]
)
def test_the_client_finds_at_least_the_traces_of_a_service_in_the_window(
    filled: JaegerServer, case: dict[str, Any], api: str
) -> None:
    query = case["Query"]
    source = JaegerSource(
        JaegerSettings.model_validate(
            {"url": filled.url, "api": api, "services": [query["ServiceName"]], "requests_per_second": 1000}
        )
    )
    window = Window(microseconds(query["StartTimeMin"]) / 1e6, microseconds(query["StartTimeMax"]) / 1e6)
    traces = source.read(window).telemetry.traces
    source.close()
    assert traces is not None
    assert set(traces["trace_id"]) >= ids_of(case["ExpectedFixtures"])
    assert set(traces["service"]) == {query["ServiceName"]}


@needs_golden_files
def test_the_envelope_of_the_query_api_is_upstreams_to_the_letter() -> None:
    store = SpanStore()
    store.add(loaded("jaeger/api_traces/otlp2jaeger-in.json"))
    assert envelope(list(store.traces.values())) == loaded("jaeger/api_traces/otlp2jaeger-out.json")


@needs_golden_files
@pytest.mark.parametrize("name", ["FindTraces", "GetTrace"])
def test_answers_of_api_v3_have_upstreams_form(name: str) -> None:
    golden = loaded(f"jaeger/apiv3/{name}.json")
    (span,) = spans_of(golden["result"])
    assert (span.kind, span.status, span.operation, span.span_id) == (
        "server",
        "error",
        "foobar",
        "0" * 15 + "2",
    )
    with jaeger() as server:
        server.store.add(golden["result"])
        answer = httpx.get(f"{server.url}/api/v3/traces/{span.trace_id}").json()
    assert answer == golden


@needs_golden_files
def test_services_and_operations_of_api_v3_have_upstreams_form(filled: JaegerServer) -> None:
    services = httpx.get(f"{filled.url}/api/v3/services").json()
    assert services.keys() == loaded("jaeger/apiv3/GetServices.json").keys()
    asked = {"service": services["services"][0]}
    operations = httpx.get(f"{filled.url}/api/v3/operations", params=asked).json()
    golden = loaded("jaeger/apiv3/GetOperations.json")
    assert operations.keys() == golden.keys()
    assert operations["operations"][0].keys() == golden["operations"][0].keys()


@needs_golden_files
def test_the_parameters_that_the_client_sends_are_those_of_upstreams_description(
    filled: JaegerServer,
) -> None:
    described = loaded("jaeger/idl/api_v3/query_service.openapi.json")["paths"]["/api/v3/traces"]["get"]
    known = {parameter["name"] for parameter in described["parameters"]}
    source = JaegerSource(JaegerSettings(url=filled.url, api="v3", services=("query01-service",)))
    asked = source.read(Window(0, 1)).asked[-1]
    source.close()
    sent = httpx.URL("http://x" + asked.text.removeprefix("GET ")).params
    assert set(sent) <= known


@needs_golden_files
def test_traces_of_zipkin_come_back_as_they_were_sent() -> None:
    spans = loaded("zipkin/traces/yelp.json")
    with zipkin() as server:
        assert httpx.post(f"{server.url}/api/v2/spans", json=spans).status_code == 202
        trace = httpx.get(f"{server.url}/api/v2/trace/{spans[0]['traceId']}").json()
        services = httpx.get(f"{server.url}/api/v2/services").json()
    assert trace == spans
    assert services == sorted({each["localEndpoint"]["serviceName"].lower() for each in spans})


@needs_golden_files
def test_a_trace_goes_through_tempo_unchanged() -> None:
    document = loaded("opentelemetry/examples/trace.json")
    (sent,) = spans_of(document)
    with tempo() as server:
        server.store.add(document)
        second = httpx.get(f"{server.url}/api/v2/traces/{sent.trace_id}").json()["trace"]
        first = httpx.get(f"{server.url}/api/traces/{sent.trace_id}").json()
    assert list(spans_of(second)) == list(spans_of(first)) == [sent]
    assert first.keys() == loaded("tempo/trace.json").keys()


@pytest.mark.parametrize(
    ("text", "nanoseconds"), [("1.5ms", 1_500_000), ("1m30s", 90 * 10**9), ("4500ns", 4500)]
)
def test_durations_are_read_as_go_writes_them(text: str, nanoseconds: int) -> None:
    assert duration_ns(text) == nanoseconds


def test_a_question_that_makes_no_sense_is_refused_as_upstream_does() -> None:
    with jaeger() as server:
        assert httpx.get(f"{server.url}/api/traces").status_code == 400
        assert (
            httpx.get(f"{server.url}/api/traces", params={"service": "x", "minDuration": "long"}).status_code
            == 400
        )
        assert httpx.get(f"{server.url}/api/traces/{'1' * 32}").status_code == 404
    with tempo() as server:
        assert httpx.get(f"{server.url}/api/search", params={"q": "SELECT 1"}).status_code == 400
    with zipkin() as server:
        assert httpx.get(f"{server.url}/api/v2/traces", params={"endTs": "now"}).status_code == 400
