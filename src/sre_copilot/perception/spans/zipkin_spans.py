"""The JSON of Zipkin's API v2: spans with endpoints and tags."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from sre_copilot.perception.spans.peers import NOBODY, Peer, failed_by_code, peer_of
from sre_copilot.perception.spans.table import KINDS, UNKNOWN, Span, hex_id, whole

Trace = Sequence[Mapping[str, Any]]
# Beginnings of the tags that instrumentation of stores and brokers writes.
_STORES = ("sql.", "db.", "jdbc.", "cassandra.", "mongodb.", "redis.", "memcached.", "elasticsearch.")
_BROKERS = ("kafka.", "rabbit.", "jms.", "messaging.", "sqs.", "activemq.")


def trace_id_of(trace: Trace) -> str:
    """The id of a trace."""
    return hex_id(trace[0].get("traceId", "")) if trace else ""


def spans_of(traces: Sequence[Trace], *, skip: Set[str] = frozenset()) -> Iterator[Span]:
    """Read every span; those of the traces in `skip` are left out, and halves of one span are put together."""
    for trace in traces:
        if trace_id_of(trace) not in skip:
            for span in _whole(trace):
                yield _span(span)


def _whole(trace: Trace) -> Iterator[Mapping[str, Any]]:
    """A report that begins a span and one that ends it are united; two whole reports under one id are two calls."""
    found: dict[tuple[str, str, bool, str], dict[str, Any]] = {}
    for span in trace:
        service = (span.get("localEndpoint") or {}).get("serviceName") or ""
        key = (span.get("id", ""), span.get("kind") or "", bool(span.get("shared")), service)
        known = found.get(key)
        if known is None or (known.get("duration") is None) == (span.get("duration") is None):
            found[key if known is None else (*key[:3], f"{service}#{len(found)}")] = dict(span)
        else:
            known.update({name: value for name, value in span.items() if known.get(name) is None})
    yield from found.values()


def _span(span: Mapping[str, Any]) -> Span:
    local, tags = span.get("localEndpoint") or {}, span.get("tags") or {}
    kind = KINDS.get(str(span.get("kind") or "").lower(), "")
    peer = _peer(span, kind)
    return Span(
        trace_id=hex_id(span.get("traceId", "")),
        span_id=hex_id(span.get("id", "")),
        parent_id=hex_id(span.get("parentId") or ""),
        service=str(local.get("serviceName") or ""),
        instance=str(local.get("ipv4") or local.get("ipv6") or ""),
        operation=str(span.get("name") or ""),
        start_ns=whole(span.get("timestamp"), times=1000),
        duration_us=whole(span.get("duration") or UNKNOWN),
        kind=kind,
        status="error" if "error" in tags or failed_by_code(tags) else "",
        peer=peer.name,
        peer_kind=peer.kind,
    )


def _peer(span: Mapping[str, Any], kind: str) -> Peer:
    """The other side: the remote endpoint's name, of which the tags tell the sort; else what OpenTelemetry's names say."""
    name = str((span.get("remoteEndpoint") or {}).get("serviceName") or "")
    tags = span.get("tags") or {}
    messaging = span.get("kind") in ("PRODUCER", "CONSUMER") or any(tag.startswith(_BROKERS) for tag in tags)
    if not name:
        return peer_of(tags, kind)
    if kind == "server" and not messaging:
        return NOBODY  # a server's remote side is its caller
    if messaging:
        return Peer(name, "queue")
    return Peer(name, "database" if any(tag.startswith(_STORES) for tag in tags) else "service")
