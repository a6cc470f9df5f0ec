"""A stand-in for Zipkin: its API v2 over spans that are stored in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sre_copilot.testing.servers.json_server import Request, Response, serving

Span = Mapping[str, Any]
NOT_FOUND = Response(text="404 not found", status=404)


@dataclass
class ZipkinServer:
    """Where it listens, and the spans that it stores, in the order in which they came."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def answer(self, request: Request) -> Response:
        """Answer one request."""
        self.asked.append(request.path)
        path = request.path.removeprefix("/api/v2")
        if path == "/spans" and request.method == "POST":
            self.spans += json.loads(request.body)
            return Response(status=202, text="")
        if path == "/services":
            return Response(sorted({name for span in self.spans if (name := _service(span))}))
        if path == "/spans":
            wanted = request.query.get("serviceName", "").lower()
            return Response(sorted({str(s.get("name", "")) for s in self.spans if _service(s) == wanted}))
        if path == "/traces":
            return self._traces(request.query)
        if path.startswith("/trace/"):
            found = self._by_trace().get(path.rpartition("/")[2].lower())
            return Response(found) if found else NOT_FOUND
        return Response({"status": "UP"}) if path == "/health" else NOT_FOUND

    def _by_trace(self) -> dict[str, list[Span]]:
        traces: dict[str, list[Span]] = {}
        for span in self.spans:
            traces.setdefault(str(span["traceId"]).lower(), []).append(span)
        return traces

    def _traces(self, query: Mapping[str, str]) -> Response:
        """Traces that began in the time and have the service, the nearest to the end first."""
        try:
            end, lookback = int(query["endTs"]) * 1000, int(query.get("lookback") or 86_400_000) * 1000
            limit = int(query.get("limit") or 10)
        except (KeyError, ValueError) as error:
            return Response(text=f"malformed parameter {error}", status=400)
        if lookback <= 0 or limit <= 0:
            return Response(text="lookback and limit must be > 0", status=400)
        wanted = query.get("serviceName", "").lower()
        found = [
            trace
            for trace in self._by_trace().values()
            if end - lookback <= _start(trace) // 1000 * 1000 <= end
            and (not wanted or wanted in {_service(span) for span in trace})
        ]
        found.sort(key=_start, reverse=True)
        return Response(found[:limit])


@contextmanager
def zipkin() -> Iterator[ZipkinServer]:
    """Run one while the context is open."""
    server = ZipkinServer()
    with serving(server.answer) as url:
        server.url = url
        yield server


def _service(span: Span) -> str:
    return str((span.get("localEndpoint") or {}).get("serviceName") or "").lower()


def _start(trace: Sequence[Span]) -> int:
    """When a trace began: its root, or the earliest span when that is missing."""
    roots = [span for span in trace if not span.get("parentId")]
    return min((int(span["timestamp"]) for span in roots or trace if span.get("timestamp")), default=0)
