"""A stand-in for Grafana Tempo: search by a part of TraceQL, and traces by id in OTLP, over spans stored in memory."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sre_copilot.testing.servers.json_server import Request, Response, serving
from sre_copilot.testing.servers.stored_spans import SpanStore, StoredSpan, document_of

_CONDITION = re.compile(r'^(resource\.service\.name|name|status)\s*=\s*("?)([^"]*)\2$')
_IDS = ("traceId", "spanId", "parentSpanId")
VERSION = "2.7.0"
LIMIT = 20  # traces of an answer when the question names no limit


@dataclass
class TempoServer:
    """Where it listens and what it stores.

    `tenant`: the only one that is let in ('' = no tenants); `has_v2`: whether it has the second API by id; `partial`: ids of
    traces of which it says that a part is missing.
    """

    url: str = ""
    store: SpanStore = field(default_factory=SpanStore)
    tenant: str = ""
    has_v2: bool = True
    partial: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def answer(self, request: Request) -> Response:
        """Answer one request."""
        self.asked.append(request.path)
        if request.path == "/api/status/buildinfo":
            return Response({"version": VERSION, "revision": "", "branch": "", "goVersion": ""})
        if self.tenant and request.headers.get("x-scope-orgid") != self.tenant:
            return Response(text="no org id", status=401)
        if request.path == "/api/search":
            return _search(self.store, request.query)
        if request.path.startswith("/api/v2/traces/") and self.has_v2:
            return self._by_id(request, second=True)
        if request.path.startswith("/api/traces/"):
            return self._by_id(request, second=False)
        return Response(text="404 page not found", status=404)

    def _by_id(self, request: Request, *, second: bool) -> Response:
        wanted = request.path.rpartition("/")[2].lower()
        trace = self.store.traces.get(wanted) or self.store.traces.get(wanted.zfill(32))
        if trace is None:
            return Response(text="trace not found", status=404)
        document = _encoded(document_of([trace]))
        if not second:
            return Response({"batches": document["resourceSpans"]})
        status = {"status": "PARTIAL", "message": "a part is missing"} if wanted in self.partial else {}
        return Response({"trace": document, "metrics": {}, **status})


@contextmanager
def tempo(*, tenant: str = "", has_v2: bool = True) -> Iterator[TempoServer]:
    """Run one while the context is open."""
    server = TempoServer(tenant=tenant, has_v2=has_v2)
    with serving(server.answer) as url:
        server.url = url
        yield server


def _search(store: SpanStore, query: Mapping[str, str]) -> Response:
    """Traces of which a span fits, and which lie in the time at least in part, in no order that means anything."""
    try:
        conditions = [_conditions(each) for each in _spansets(query.get("q", "{}"))]
        start, end = int(query.get("start") or 0), int(query.get("end") or 2**33)
    except ValueError as error:
        return Response(text=f"invalid TraceQL query or time: {error}", status=400)
    found = [
        trace
        for trace in store.traces.values()
        if all(any(_fits(span, wanted) for span in trace) for wanted in conditions)
        and min(span.start_ns for span in trace) < end * 10**9
        and max(span.start_ns + span.duration_ns for span in trace) >= start * 10**9
    ]
    return Response(
        {"traces": [_summary(trace) for trace in found[: int(query.get("limit") or LIMIT)]], "metrics": {}}
    )


def _spansets(query: str) -> list[str]:
    if not re.fullmatch(r"\s*\{[^{}]*\}(\s*&&\s*\{[^{}]*\})*\s*", query):
        raise ValueError(query)
    return re.findall(r"\{([^{}]*)\}", query)


def _conditions(spanset: str) -> dict[str, str]:
    found = {}
    for part in filter(None, (each.strip() for each in spanset.split("&&"))):
        match = _CONDITION.match(part)
        if match is None:
            raise ValueError(part)
        found[match.group(1)] = match.group(3)
    return found


def _fits(span: StoredSpan, wanted: Mapping[str, str]) -> bool:
    failed = (span.span.get("status") or {}).get("code") == 2
    has = {"resource.service.name": span.service, "name": span.name, "status": "error" if failed else "unset"}
    return all(has[key] == value for key, value in wanted.items())


def _summary(trace: Sequence[StoredSpan]) -> dict[str, Any]:
    first = min(trace, key=lambda span: span.start_ns)
    end = max(span.start_ns + span.duration_ns for span in trace)
    return {
        "traceID": first.trace_id.lstrip("0"),  # it leaves leading zeros out
        "rootServiceName": first.service,
        "rootTraceName": first.name,
        "startTimeUnixNano": str(first.start_ns),
        "durationMs": (end - first.start_ns) // 10**6,
    }


def _encoded(document: Mapping[str, Any]) -> dict[str, Any]:
    """Ids as base64, as protobuf's JSON writes bytes."""
    return {
        "resourceSpans": [
            {
                "resource": resource["resource"],
                "scopeSpans": [
                    {"scope": scope["scope"], "spans": [_span(span) for span in scope["spans"]]}
                    for scope in resource["scopeSpans"]
                ],
            }
            for resource in document["resourceSpans"]
        ]
    }


def _span(span: Mapping[str, Any]) -> dict[str, Any]:
    ids = {key: base64.b64encode(bytes.fromhex(span[key])).decode() for key in _IDS if span.get(key)}
    return {**span, **ids}
