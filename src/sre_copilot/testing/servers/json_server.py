"""A small HTTP server for stand-ins: a function from a request to an answer, on a free port of the loopback address."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked: method, path without the query, the query's values, headers in lower case, body."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """What is answered: a document as JSON, or a text."""

    document: Any = None
    status: int = 200
    text: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asked is gone, which is no fault of this server's; anything else is told."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serving(answer: Callable[[Request], Response]) -> Iterator[str]:
    """Answer requests while the context is open; its value is the address."""
    server = _Server(("127.0.0.1", 0), _handler(answer))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _handler(answer: Callable[[Request], Response]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(length)
            if len(body) < length:  # whoever sent it died meanwhile: that is no request
                self.close_connection = True
                return
            request = Request(
                method=self.command,
                path=parts.path,
                query={
                    key: values[-1] for key, values in parse_qs(parts.query, keep_blank_values=True).items()
                },
                headers={key.lower(): value for key, value in self.headers.items()},
                body=body,
            )
            self._send(answer(request))

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - names of the base class

        def _send(self, response: Response) -> None:
            plain = response.text is not None
            body = response.text if response.text is not None else json.dumps(response.document)
            content = body.encode()
            self.send_response(response.status)
            self.send_header("content-type", "text/plain" if plain else "application/json")
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler
