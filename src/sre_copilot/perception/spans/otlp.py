"""OTLP in JSON: spans of the OpenTelemetry protocol, as Tempo, Jaeger's API v3 and exporters write them."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from sre_copilot.perception.spans.peers import failed_by_code, instance_of, peer_of
from sre_copilot.perception.spans.table import KINDS, UNKNOWN, Span, hex_id, whole

_KIND_NUMBERS = {1: "internal", 2: "server", 3: "client", 4: "client", 5: "server"}
_HEX = frozenset("0123456789abcdefABCDEF")
_THRESHOLD = re.compile(r"\bth:([0-9a-f]{1,14})\b")
_VALUES = ("stringValue", "intValue", "boolValue", "doubleValue", "bytesValue")


def spans_of(document: Mapping[str, Any], *, skip: Set[str] = frozenset()) -> Iterator[Span]:
    """Read every span of a document; those of the traces in `skip` are left out.

    The list of resources is called `resourceSpans`, in Tempo's first API `batches`; the list of scopes `scopeSpans`, in older
    versions `instrumentationLibrarySpans`. Ids may be hexadecimal or base64, kinds and status codes numbers or names.
    """
    for resource, spans in _resources(document):
        about = attributes_of(resource.get("attributes"))
        service, instance = str(about.get("service.name") or ""), instance_of(about)
        for span in spans:
            trace_id = otlp_id(span.get("traceId", ""))
            if trace_id and trace_id not in skip:
                yield _span(span, trace_id, service, instance)


def trace_ids(document: Mapping[str, Any]) -> set[str]:
    """The ids of all traces that a document holds spans of."""
    return {otlp_id(each) for each in {span.get("traceId", "") for span in _raw_spans(document)}}


def kept_shares(document: Mapping[str, Any]) -> set[float]:
    """With which chance spans were kept, where their `traceState` names the threshold of sampling."""
    shares = (_kept_share(span.get("traceState") or "") for span in _raw_spans(document))
    return {share for share in shares if share is not None}


def _kept_share(state: str) -> float | None:
    """The share out of `ot=th:…`: the threshold is up to 14 hexadecimal digits, trailing zeros left out."""
    threshold = _THRESHOLD.search(state)
    return 1.0 - int(threshold.group(1).ljust(14, "0"), 16) / 16**14 if threshold else None


def _raw_spans(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for _, spans in _resources(document):
        yield from spans


def _resources(
    document: Mapping[str, Any],
) -> Iterator[tuple[Mapping[str, Any], Iterator[Mapping[str, Any]]]]:
    """Each resource with its spans, whatever the lists are called."""
    for resource in document.get("resourceSpans") or document.get("batches") or ():
        scopes = resource.get("scopeSpans") or resource.get("instrumentationLibrarySpans") or ()
        yield resource.get("resource") or {}, (span for scope in scopes for span in scope.get("spans") or ())


def attributes_of(pairs: Sequence[Mapping[str, Any]] | None) -> dict[str, Any]:
    """Attributes by their keys; lists and maps are left out, for nothing that is read here is one."""
    found = {}
    for pair in pairs or ():
        value = pair.get("value") or {}
        for kind in _VALUES:
            if kind in value:
                found[pair["key"]] = int(value[kind]) if kind == "intValue" else value[kind]
    return found


def otlp_id(text: str) -> str:
    """An id as hexadecimal digits: 16 and 32 such digits are, anything else of 8 or 16 bytes is base64."""
    if len(text) in (16, 32) and _HEX.issuperset(text):
        return hex_id(text)
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return hex_id(text)
    return hex_id(raw.hex()) if len(raw) in (8, 16) else hex_id(text)


def _span(span: Mapping[str, Any], trace_id: str, service: str, instance: str) -> Span:
    start = whole(span.get("startTimeUnixNano"))
    end = whole(span.get("endTimeUnixNano"))
    about = attributes_of(span.get("attributes"))
    kind = kind_of(span.get("kind"))
    peer = peer_of(about, kind)
    return Span(
        trace_id=trace_id,
        span_id=otlp_id(span.get("spanId", "")),
        parent_id=otlp_id(span.get("parentSpanId") or ""),
        service=service,
        instance=instance,
        operation=str(span.get("name") or ""),
        start_ns=start,
        duration_us=(end - start) // 1000 if end >= start > 0 else UNKNOWN,
        kind=kind,
        status=_status(span.get("status"), about),
        peer=peer.name,
        peer_kind=peer.kind,
    )


def kind_of(value: int | str | None) -> str:
    """The kind of a span out of its number or name."""
    if isinstance(value, int):
        return _KIND_NUMBERS.get(value, "")
    return KINDS.get(str(value or "").lower().removeprefix("span_kind_"), "")


def _status(status: Mapping[str, Any] | None, about: Mapping[str, Any]) -> str:
    code = (status or {}).get("code")
    if code in (2, "STATUS_CODE_ERROR"):
        return "error"
    if code in (1, "STATUS_CODE_OK"):
        return "ok"
    return "error" if failed_by_code(about) else ""
