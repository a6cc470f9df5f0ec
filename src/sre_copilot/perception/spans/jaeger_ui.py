"""The JSON of Jaeger's query API: traces with their processes, references and typed tags."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from sre_copilot.perception.spans.peers import failed_by_code, instance_of, peer_of
from sre_copilot.perception.spans.table import KINDS, UNKNOWN, Span, hex_id, whole


def spans_of(traces: Sequence[Mapping[str, Any]], *, skip: Set[str] = frozenset()) -> Iterator[Span]:
    """Read every span; those of the traces in `skip` are left out."""
    for trace in traces:
        if hex_id(trace.get("traceID", "")) in skip:
            continue
        processes = {key: _process(value) for key, value in (trace.get("processes") or {}).items()}
        for span in trace.get("spans") or ():
            yield _span(span, processes)


def remarks_of(traces: Sequence[Mapping[str, Any]]) -> set[str]:
    """What Jaeger itself remarks about traces and spans, for example a clock that it could not adjust."""
    found = set()
    for trace in traces:
        about = f"trace {trace.get('traceID', '')}"
        found |= {f"{about}: {warning}" for warning in trace.get("warnings") or ()}
        for span in trace.get("spans") or ():
            said = span.get("warnings") or ()
            found |= {f"{about}, span {span.get('spanID', '')}: {warning}" for warning in said}
    return found


def kept_shares(traces: Sequence[Mapping[str, Any]]) -> set[float]:
    """With which chance traces were kept, where their first spans say so."""
    found = set()
    for trace in traces:
        for span in trace.get("spans") or ():
            tags = tags_of(span.get("tags"))
            share = tags.get("sampler.param")
            if (
                tags.get("sampler.type") == "probabilistic"
                and isinstance(share, int | float)
                and 0 < share <= 1
            ):
                found.add(float(share))
    return found


def tags_of(tags: Sequence[Mapping[str, Any]] | None) -> dict[str, Any]:
    """Tags by their keys; large integers come as text and stay so."""
    return {tag["key"]: tag.get("value") for tag in tags or ()}


def parent_of(span: Mapping[str, Any]) -> str:
    """The parent: a `CHILD_OF` in the same trace, else a `FOLLOWS_FROM` in it; a reference to another trace is no parent."""
    own = hex_id(span.get("traceID", ""))
    references = [each for each in span.get("references") or () if hex_id(each.get("traceID", "")) == own]
    for kind in ("CHILD_OF", "FOLLOWS_FROM"):
        for each in references:
            if each.get("refType") == kind:
                return hex_id(each.get("spanID", ""))
    return hex_id(span.get("parentSpanID") or "")


def _process(process: Mapping[str, Any]) -> tuple[str, str]:
    return str(process.get("serviceName") or ""), instance_of(tags_of(process.get("tags")))


def _span(span: Mapping[str, Any], processes: Mapping[str, tuple[str, str]]) -> Span:
    inline = span.get("process")
    service, instance = _process(inline) if inline else processes.get(span.get("processID", ""), ("", ""))
    about = tags_of(span.get("tags"))
    kind = KINDS.get(str(about.get("span.kind") or "").lower(), "")
    peer = peer_of(about, kind)
    duration = span.get("duration")
    return Span(
        trace_id=hex_id(span.get("traceID", "")),
        span_id=hex_id(span.get("spanID", "")),
        parent_id=parent_of(span),
        service=service,
        instance=instance,
        operation=str(span.get("operationName") or ""),
        start_ns=whole(span.get("startTime"), times=1000),
        duration_us=UNKNOWN if duration is None else whole(duration),
        kind=kind,
        status=_status(about),
        peer=peer.name,
        peer_kind=peer.kind,
    )


def _status(about: Mapping[str, Any]) -> str:
    """`error` where any of the three ways to say so does."""
    said = about.get("otel.status_code")
    if said == "ERROR" or str(about.get("error", "")).lower() == "true":
        return "error"
    if said == "OK":
        return "ok"
    return "error" if failed_by_code(about) else ""
