"""The shop's spans behind Jaeger's query API: what the receiver takes is searchable a second later, and forgotten after an hour."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from lab.collector import Collector
from sre_copilot.testing.servers.jaeger import jaeger
from sre_copilot.testing.servers.stored_spans import SpanStore, StoredSpan, Wanted

KEPT_S = 3600.0  # an investigation looks back three quarters of an hour
LONGEST_TRACE_S = 60.0
PAUSE_S = 0.5


@dataclass(slots=True)
class RecentSpans(SpanStore):
    """Spans of the last hour; a search looks only at traces of its time, for one runs every few seconds."""

    newest_ns: int = 0
    examples: dict[tuple[str, str, int], StoredSpan] = field(default_factory=dict)

    def take(self, body: bytes) -> None:
        """Store one export request."""
        for resource, span in _spans(body):
            stored = StoredSpan(resource, {}, span)
            self.traces.setdefault(stored.trace_id, []).append(stored)
            self.examples[stored.service, stored.name, int(span["kind"])] = stored
            self.newest_ns = max(self.newest_ns, stored.start_ns)

    def forget(self) -> None:
        """Drop what is old; traces lie in the order in which they came."""
        while self.traces:
            key = next(iter(self.traces))
            if self.traces[key][0].start_ns >= self.newest_ns - KEPT_S * 1e9:
                return
            del self.traces[key]

    def spans(self) -> Iterator[StoredSpan]:
        """One span of each service and operation, which is all that listings of them need."""
        yield from list(self.examples.values())

    def find(self, wanted: Wanted) -> list[list[StoredSpan]]:
        """Traces in which one span has all that is wanted, the latest first."""
        found: list[list[StoredSpan]] = []
        for trace in reversed(list(self.traces.values())):
            if trace[0].start_ns < wanted.start_ns - LONGEST_TRACE_S * 1e9:
                break
            if any(wanted.fits(span) for span in list(trace)):
                found.append(list(trace))
        found.sort(key=lambda trace: max(span.start_ns for span in trace), reverse=True)
        return found[: wanted.limit]


@contextmanager
def searchable(collector: Collector) -> Iterator[str]:
    """Serve what the receiver takes while the context is open; yields the address."""
    ended = threading.Event()
    with jaeger() as server:
        store = RecentSpans()
        server.store = store
        thread = threading.Thread(target=_move, args=(collector, store, ended), daemon=True)
        thread.start()
        try:
            yield server.url
        finally:
            ended.set()
            thread.join(5)


def _move(collector: Collector, store: RecentSpans, ended: threading.Event) -> None:
    while not ended.wait(PAUSE_S):
        bodies = collector.bodies[:]
        del collector.bodies[: len(bodies)]
        for body in bodies:
            store.take(body)
        store.forget()


def _spans(body: bytes) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Resource and span of each span of an export request, as OTLP in JSON has them."""
    for group in ExportTraceServiceRequest.FromString(body).resource_spans:
        resource = {
            "attributes": [_pair(item.key, item.value.string_value) for item in group.resource.attributes]
        }
        for scope in group.scope_spans:
            for span in scope.spans:
                yield resource, _document(span)


def _pair(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


def _document(span: Span) -> dict[str, Any]:
    return {
        "traceId": span.trace_id.hex(),
        "spanId": span.span_id.hex(),
        "parentSpanId": span.parent_span_id.hex(),
        "name": span.name,
        "kind": int(span.kind),
        "startTimeUnixNano": str(span.start_time_unix_nano),
        "endTimeUnixNano": str(span.end_time_unix_nano),
        "status": {"code": int(span.status.code)},
    }
