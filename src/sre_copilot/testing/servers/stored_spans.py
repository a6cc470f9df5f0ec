"""Spans that a stand-in holds, as OTLP in JSON gives them, and the searches that tracing systems make over them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Document = Mapping[str, Any]
_VALUE = ("stringValue", "intValue", "boolValue", "doubleValue", "bytesValue")


@dataclass(frozen=True, slots=True)
class StoredSpan:
    """One span with the resource and the scope that it came with, each as it came."""

    resource: Document
    scope: Document
    span: Document

    @property
    def trace_id(self) -> str:
        """Its trace, in lower case."""
        return str(self.span.get("traceId", "")).lower()

    @property
    def service(self) -> str:
        """What recorded it."""
        return str(texts(self.resource.get("attributes")).get("service.name", ""))

    @property
    def name(self) -> str:
        """Its operation."""
        return str(self.span.get("name", ""))

    @property
    def start_ns(self) -> int:
        """When it began."""
        return int(self.span.get("startTimeUnixNano", 0))

    @property
    def duration_ns(self) -> int:
        """How long it took."""
        return int(self.span.get("endTimeUnixNano", 0)) - self.start_ns

    @property
    def everything_said(self) -> set[tuple[str, str]]:
        """All attributes as text: its own, and those of its resource, scope, events and links."""
        lists = [self.span.get("attributes"), self.resource.get("attributes"), self.scope.get("attributes")]
        lists += [event.get("attributes") for event in self.span.get("events") or ()]
        lists += [link.get("attributes") for link in self.span.get("links") or ()]
        return {pair for each in lists for pair in texts(each).items()}


@dataclass(slots=True)
class SpanStore:
    """All spans, by trace, in the order in which they came."""

    traces: dict[str, list[StoredSpan]] = field(default_factory=dict)

    def add(self, document: Document) -> None:
        """Store the spans of an OTLP document."""
        for resource in document.get("resourceSpans") or ():
            for scope in resource.get("scopeSpans") or ():
                for span in scope.get("spans") or ():
                    stored = StoredSpan(resource.get("resource") or {}, scope.get("scope") or {}, span)
                    self.traces.setdefault(stored.trace_id, []).append(stored)

    def spans(self) -> Iterator[StoredSpan]:
        """Every span."""
        for trace in self.traces.values():
            yield from trace

    def find(self, wanted: Wanted) -> list[list[StoredSpan]]:
        """Traces in which one span has all that is wanted, the latest first."""
        found = [trace for trace in self.traces.values() if any(wanted.fits(span) for span in trace)]
        found.sort(key=lambda trace: max(span.start_ns for span in trace), reverse=True)
        return found[: wanted.limit]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What one span of a trace must have; times in nanoseconds, the end belongs to it."""

    service: str = ""
    operation: str = ""
    tags: frozenset[tuple[str, str]] = frozenset()
    start_ns: int = 0
    end_ns: int = 2**63
    least_ns: int = 0
    most_ns: int = 0
    limit: int = 20

    def fits(self, span: StoredSpan) -> bool:
        """Whether a span has it all."""
        return (
            (not self.service or span.service == self.service)
            and (not self.operation or span.name == self.operation)
            and self.start_ns <= span.start_ns <= self.end_ns
            and span.duration_ns >= self.least_ns
            and (not self.most_ns or span.duration_ns <= self.most_ns)
            and (not self.tags or self.tags <= span.everything_said)
        )


def texts(pairs: Any) -> dict[str, str]:
    """Attributes with their values as text, as searches compare them."""
    found = {}
    for pair in pairs or ():
        value = pair.get("value") or {}
        kind = next((each for each in _VALUE if each in value), "")
        found[pair["key"]] = as_text(value.get(kind))
    return found


def as_text(value: Any) -> str:
    """One value as text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def document_of(traces: list[list[StoredSpan]]) -> dict[str, Any]:
    """Traces as one OTLP document, a resource a span: that is allowed, and what storage by span gives."""
    return {
        "resourceSpans": [
            {"resource": each.resource, "scopeSpans": [{"scope": each.scope, "spans": [each.span]}]}
            for trace in traces
            for each in trace
        ]
    }


def otlp_trace(service: str, start_ns: int, *, trace_id: str, duration_ns: int = 1_000_000) -> dict[str, Any]:
    """The shortest trace: one server span."""
    span = {
        "traceId": trace_id,
        "spanId": trace_id[-16:],
        "name": "work",
        "kind": 2,
        "startTimeUnixNano": str(start_ns),
        "endTimeUnixNano": str(start_ns + duration_ns),
        "status": {},
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {}, "spans": [span]}]}]}
