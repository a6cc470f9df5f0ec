"""A small OTLP/HTTP receiver: keeps what arrives, and decodes it into rows when the recording is over."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

_KIND = {
    Span.SPAN_KIND_CLIENT: "client",
    Span.SPAN_KIND_SERVER: "server",
    Span.SPAN_KIND_INTERNAL: "internal",
}
_STATUS = {Status.STATUS_CODE_OK: "ok", Status.STATUS_CODE_ERROR: "error"}


class Collector:
    """Listens on a free port of the loopback interface while it is entered."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.url = ""
        self._server: ThreadingHTTPServer | None = None

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        bodies = self.bodies

        class Receiver(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        return Receiver

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1/traces"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()

    def rows(self, start: float, end: float) -> list[dict[str, Any]]:
        """The spans that started in `start <= t < end` (epoch seconds)."""
        found = (row for body in self.bodies for row in decode(body))
        return [row for row in found if start * 1e9 <= row["start_ns"] < end * 1e9]


def decode(body: bytes) -> Iterator[dict[str, Any]]:
    """The spans of one export request as rows of `traces.parquet`."""
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        names = {item.key: item.value.string_value for item in resource.resource.attributes}
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield _row(span, names)


def _row(span: Span, names: dict[str, str]) -> dict[str, Any]:
    return {
        "trace_id": span.trace_id.hex(),
        "span_id": span.span_id.hex(),
        "parent_id": span.parent_span_id.hex(),
        "service": names.get("service.name", ""),
        "instance": names.get("service.instance.id", ""),
        "operation": span.name,
        "start_ns": span.start_time_unix_nano,
        "duration_us": (span.end_time_unix_nano - span.start_time_unix_nano) // 1000,
        "kind": _KIND.get(span.kind, ""),
        "status": _STATUS.get(span.status.code, ""),
    }
