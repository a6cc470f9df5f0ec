"""A stand-in for Jaeger's query service: its query API and API v3 over spans that are stored in memory.

with jaeger() as server:
    server.store.add(otlp_document)
    httpx.get(server.url + "/api/traces", params={"service": "shop", "start": 0, "end": 2**53, "limit": 20})
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sre_copilot.testing.servers.json_server import Request, Response, serving
from sre_copilot.testing.servers.stored_spans import SpanStore, StoredSpan, Wanted, as_text, document_of

_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
_TYPES = {
    "stringValue": "string",
    "intValue": "int64",
    "boolValue": "bool",
    "doubleValue": "float64",
    "bytesValue": "binary",
}
MISSING = Response(text="404 page not found", status=404)
EXACT = 2**53  # larger integers are text, for pages read numbers as floats


@dataclass
class JaegerServer:
    """Where it listens, what it stores, and whether it has API v3."""

    url: str = ""
    store: SpanStore = field(default_factory=SpanStore)
    has_v3: bool = True
    asked: list[str] = field(default_factory=list)

    def answer(self, request: Request) -> Response:
        """Answer one request."""
        self.asked.append(request.path)
        if request.path.startswith("/api/v3/"):
            return _answer_v3(self.store, request) if self.has_v3 else MISSING
        pages: dict[str, Callable[[], Response]] = {
            "/api/services": lambda: _listed(_services(self.store)),
            "/api/operations": lambda: _operations(self.store, request.query),
            "/api/traces": lambda: _traces(self.store, request.query),
        }
        if request.path in pages:
            return pages[request.path]()
        folder, _, trace_id = request.path.rpartition("/")
        return _one(self.store, trace_id) if folder == "/api/traces" else MISSING


@contextmanager
def jaeger(*, has_v3: bool = True) -> Iterator[JaegerServer]:
    """Run one while the context is open."""
    server = JaegerServer(has_v3=has_v3)
    with serving(server.answer) as url:
        server.url = url
        yield server


def envelope(traces: Sequence[Sequence[StoredSpan]]) -> dict[str, Any]:
    """What `/api/traces` returns."""
    return {
        "data": [_trace(trace) for trace in traces],
        "total": 0,
        "limit": 0,
        "offset": 0,
        "errors": None,
    }


def duration_ns(text: str) -> int:
    """A duration as Go writes it, for example `1.5ms` or `1m30s`."""
    if not re.fullmatch(r"(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+", text):
        raise ValueError(text)
    parts = re.findall(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)", text)
    return round(sum(float(number) * _UNITS[unit] for number, unit in parts))


def _traces(store: SpanStore, query: Mapping[str, str]) -> Response:
    try:
        wanted = Wanted(
            service=query["service"],
            operation=query.get("operation", ""),
            tags=_tags(query.get("tags", "")),
            start_ns=int(query.get("start") or 0) * 1000,
            end_ns=int(query["end"]) * 1000 + 999 if query.get("end") else 2**63,
            least_ns=duration_ns(query["minDuration"]) if query.get("minDuration") else 0,
            most_ns=duration_ns(query["maxDuration"]) if query.get("maxDuration") else 0,
            limit=int(query.get("limit") or 20),
        )
    except KeyError:
        return _failed(400, "parameter 'service' is required")
    except ValueError as error:
        return _failed(400, f"unable to parse param: {error}")
    return Response(envelope(store.find(wanted)))


def _tags(text: str) -> frozenset[tuple[str, str]]:
    return frozenset((key, as_text(value)) for key, value in json.loads(text or "{}").items())


def _one(store: SpanStore, trace_id: str) -> Response:
    wanted = trace_id.lower().zfill(32)
    found = next((trace for key, trace in store.traces.items() if key.zfill(32) == wanted), None)
    return Response(envelope([found])) if found else _failed(404, "trace not found")


def _operations(store: SpanStore, query: Mapping[str, str]) -> Response:
    if not query.get("service"):
        return _failed(400, "parameter 'service' is required")
    found = {(span.name, _kind(span)) for span in store.spans() if span.service == query["service"]}
    return _listed([{"name": name, "spanKind": kind} for name, kind in sorted(found)])


def _listed(data: Sequence[Any]) -> Response:
    return Response({"data": list(data), "total": len(data), "limit": 0, "offset": 0, "errors": None})


def _failed(status: int, message: str) -> Response:
    errors = [{"code": status, "msg": message}]
    return Response({"data": None, "total": 0, "limit": 0, "offset": 0, "errors": errors}, status)


def _services(store: SpanStore) -> list[str]:
    return sorted({span.service for span in store.spans()})


def _kind(span: StoredSpan) -> str:
    return _KINDS.get(int(span.span.get("kind") or 0), "")


def _trace(trace: Sequence[StoredSpan]) -> dict[str, Any]:
    keys = {json.dumps(each.resource, sort_keys=True): each.resource for each in trace}
    named = {key: f"p{number}" for number, key in enumerate(keys, start=1)}
    return {
        "traceID": trace[0].trace_id,
        "spans": [_span(each, named[json.dumps(each.resource, sort_keys=True)]) for each in trace],
        "processes": {named[key]: _process(resource) for key, resource in keys.items()},
        "warnings": None,
    }


def _process(resource: Mapping[str, Any]) -> dict[str, Any]:
    tags = _pairs(resource.get("attributes"))
    name = next((tag["value"] for tag in tags if tag["key"] == "service.name"), "")
    return {"serviceName": name, "tags": [tag for tag in tags if tag["key"] != "service.name"]}


def _span(stored: StoredSpan, process: str) -> dict[str, Any]:
    return {
        "traceID": stored.trace_id,
        "spanID": stored.span.get("spanId", ""),
        "operationName": stored.name,
        "references": _references(stored),
        "startTime": stored.start_ns // 1000,
        "duration": stored.duration_ns // 1000,
        "tags": [*_scope(stored.scope), *_pairs(stored.span.get("attributes")), *_status(stored)],
        "logs": [
            {"timestamp": int(event.get("timeUnixNano", 0)) // 1000, "fields": _event(event)}
            for event in stored.span.get("events") or ()
        ],
        "processID": process,
        "warnings": None,
    }


def _event(event: Mapping[str, Any]) -> list[dict[str, Any]]:
    name = [{"key": "event", "type": "string", "value": event["name"]}] if event.get("name") else []
    return [*name, *_pairs(event.get("attributes"))]


def _references(stored: StoredSpan) -> list[dict[str, str]]:
    found = []
    if parent := stored.span.get("parentSpanId"):
        found.append({"refType": "CHILD_OF", "traceID": stored.trace_id, "spanID": parent})
    for link in stored.span.get("links") or ():
        said = {tag["key"]: tag["value"] for tag in _pairs(link.get("attributes"))}
        kind = "CHILD_OF" if said.get("opentracing.ref_type") == "child_of" else "FOLLOWS_FROM"
        found.append({"refType": kind, "traceID": link.get("traceId", ""), "spanID": link.get("spanId", "")})
    return found


def _scope(scope: Mapping[str, Any]) -> list[dict[str, Any]]:
    named = (("otel.scope.name", scope.get("name")), ("otel.scope.version", scope.get("version")))
    return [{"key": key, "type": "string", "value": value} for key, value in named if value]


def _status(stored: StoredSpan) -> list[dict[str, Any]]:
    """The tags that kind and status become."""
    tags: list[dict[str, Any]] = []
    if kind := _kind(stored):
        tags.append({"key": "span.kind", "type": "string", "value": kind})
    code = (stored.span.get("status") or {}).get("code")
    if code == 2:
        tags.append({"key": "otel.status_code", "type": "string", "value": "ERROR"})
        tags.append({"key": "error", "type": "bool", "value": True})
    elif code == 1:
        tags.append({"key": "otel.status_code", "type": "string", "value": "OK"})
    return tags


def _pairs(attributes: Any) -> list[dict[str, Any]]:
    found = []
    for pair in attributes or ():
        kind, value = next(iter((pair.get("value") or {"stringValue": ""}).items()))
        if kind == "intValue":
            value = int(value) if abs(int(value)) <= EXACT else str(value)
        found.append({"key": pair["key"], "type": _TYPES.get(kind, "string"), "value": value})
    return found


def _answer_v3(store: SpanStore, request: Request) -> Response:
    query, path = request.query, request.path
    if path == "/api/v3/services":
        return Response({"services": _services(store)})
    if path == "/api/v3/operations":
        found = {(span.name, _kind(span)) for span in store.spans() if span.service == query.get("service")}
        return Response({"operations": [{"name": name, "spanKind": kind} for name, kind in sorted(found)]})
    if path == "/api/v3/traces":
        return _traces_v3(store, query)
    trace = store.traces.get(path.rpartition("/")[2].lower())
    return _found_v3([trace] if trace else [])


def _traces_v3(store: SpanStore, query: Mapping[str, str]) -> Response:
    try:
        wanted = Wanted(
            service=query.get("query.serviceName", ""),
            operation=query.get("query.operationName", ""),
            start_ns=_moment_ns(query["query.startTimeMin"]),
            end_ns=_moment_ns(query["query.startTimeMax"]) - 1,
            least_ns=duration_ns(query.get("query.durationMin") or "0s"),
            most_ns=duration_ns(query.get("query.durationMax") or "0s"),
            limit=int(query.get("query.searchDepth") or 20),
        )
    except (KeyError, ValueError) as error:
        return Response({"error": {"httpCode": 400, "message": f"malformed parameter {error}"}}, 400)
    return _found_v3(store.find(wanted))


def _found_v3(traces: list[list[StoredSpan]]) -> Response:
    if not traces:
        return Response({"error": {"httpCode": 404, "message": "No traces found"}}, 404)
    return Response({"result": document_of(traces)})


def _moment_ns(text: str) -> int:
    whole = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return int(whole.replace(microsecond=0).timestamp()) * 10**9 + whole.microsecond * 1000
