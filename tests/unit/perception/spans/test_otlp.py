from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sre_copilot.perception.spans.otlp import kept_shares, otlp_id, spans_of, trace_ids

CONTRACTS = os.environ.get("SRE_COPILOT_CONTRACTS", "")
needs_golden_files = pytest.mark.skipif(not CONTRACTS, reason="SRE_COPILOT_CONTRACTS names no golden files")


def document(*spans: dict[str, object], **resource: str) -> dict[str, object]:
    about = [
        {"key": key.replace("_", "."), "value": {"stringValue": value}} for key, value in resource.items()
    ]
    return {"resourceSpans": [{"resource": {"attributes": about}, "scopeSpans": [{"spans": list(spans)}]}]}


def raw(**facts: object) -> dict[str, object]:
    return {
        "traceId": "0af7651916cd43dd8448eb211c80319c",
        "spanId": "b7ad6b7169203331",
        "startTimeUnixNano": "1700000000000000000",
        "endTimeUnixNano": "1700000000002500000",
        **facts,
    }


def text(key: str, value: str) -> dict[str, object]:
    return {"key": key, "value": {"stringValue": value}}


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        (2, {"code": 2}, ("server", "error")),
        ("SPAN_KIND_CLIENT", {"code": "STATUS_CODE_ERROR"}, ("client", "error")),
        (4, {"code": 1}, ("client", "ok")),
        ("SPAN_KIND_CONSUMER", {}, ("server", "")),
        (1, None, ("internal", "")),
        (None, {}, ("", "")),
    ],
)
def test_kinds_and_status_come_as_numbers_or_names(
    kind: object, status: object, expected: tuple[str, str]
) -> None:
    (found,) = spans_of(document(raw(kind=kind, status=status), service_name="shop"))
    assert (found.kind, found.status) == expected


def test_a_span_keeps_its_time_service_and_pod() -> None:
    (found,) = spans_of(document(raw(name="GET /"), service_name="shop", k8s_pod_name="shop-1"))
    assert (found.service, found.instance, found.operation) == ("shop", "shop-1", "GET /")
    assert (found.start_ns, found.duration_us) == (1_700_000_000_000_000_000, 2500)


def test_a_span_that_has_not_ended_has_no_duration() -> None:
    (found,) = spans_of(document(raw(endTimeUnixNano="0"), service_name="shop"))
    assert found.duration_us == -1


def test_a_server_error_by_its_http_status_is_an_error_and_a_client_error_is_none() -> None:
    code = {"key": "http.response.status_code", "value": {"intValue": "503"}}
    missing = {"key": "http.response.status_code", "value": {"intValue": "404"}}
    found = spans_of(document(raw(attributes=[code]), raw(attributes=[missing]), service_name="shop"))
    assert [each.status for each in found] == ["error", ""]


@pytest.mark.parametrize(
    ("attributes", "peer"),
    [
        ([text("db.system", "postgresql"), text("db.name", "orders")], ("postgresql/orders", "database")),
        ([text("db.system.name", "redis"), text("server.address", "cache")], ("cache", "database")),
        ([text("server.address", "10.0.0.7"), text("db.system", "mysql")], ("mysql", "database")),
        ([text("peer.service", "billing"), text("server.address", "x")], ("billing", "service")),
        ([text("server.address", "pay.shop.svc.cluster.local")], ("pay", "service")),
        ([text("messaging.system", "kafka"), text("messaging.destination.name", "t")], ("kafka/t", "queue")),
        ([text("server.address", "localhost")], ("", "")),
    ],
)
def test_a_client_names_the_other_side(attributes: list[object], peer: tuple[str, str]) -> None:
    client, server = spans_of(
        document(raw(kind=3, attributes=attributes), raw(kind=2, attributes=attributes), service_name="shop")
    )
    assert (client.peer, client.peer_kind) == peer
    assert server.peer == (peer[0] if peer[1] == "queue" else "")


@settings(deadline=None, max_examples=50)
@given(st.binary(min_size=8, max_size=8) | st.binary(min_size=16, max_size=16))
def test_an_id_is_the_same_in_hexadecimal_and_in_base64(value: bytes) -> None:
    assert otlp_id(base64.b64encode(value).decode()) == otlp_id(value.hex()) == otlp_id(value.hex().upper())


def test_traces_that_are_known_are_not_decoded_again() -> None:
    whole = document(raw(), service_name="shop")
    (trace,) = trace_ids(whole)
    assert list(spans_of(whole, skip={trace})) == []


def test_the_share_that_sampling_keeps_is_read_out_of_the_state() -> None:
    assert kept_shares(document(raw(traceState="ot=th:8;rv:1a"), raw(traceState="x=1"))) == {0.5}
    (share,) = kept_shares(document(raw(traceState="ot=th:e6666666666666")))
    assert share == pytest.approx(0.1)


@needs_golden_files
@pytest.mark.parametrize(
    ("file", "service", "kinds"),
    [
        ("opentelemetry/examples/trace.json", "my.service", {"server"}),
        ("tempo/trace.json", "my.service", {"server"}),
        ("jaeger/rca_cases/sibling_errors.json", "checkout", {"server", "client"}),
    ],
)
def test_upstream_documents_are_read(file: str, service: str, kinds: set[str]) -> None:
    spans = list(spans_of(json.loads((Path(CONTRACTS) / file).read_text())))
    mine = [each for each in spans if each.service == service]
    assert {each.kind for each in mine} == kinds
    assert all(each.span_id == each.span_id.lower() and each.duration_us >= 0 for each in spans)
