"""Metrics of the two stores for Prometheus, which has to ask somebody: one small HTTP server, a path a store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg
import redis

from lab.layout import Configuration
from lab.scrape import postgres_text, redis_text

ABSENT = (OSError, redis.RedisError, psycopg.Error)


@contextmanager
def exporting(configuration: Configuration) -> Iterator[int]:
    """Answer `/redis` and `/postgres` while the context is open; yields the port. A store that does not answer is a 503, so its `up` is 0."""
    asked = {
        "/redis": lambda: redis_text(configuration.redis_port),
        "/postgres": lambda: postgres_text(configuration.database),
    }
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(asked))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def _handler(asked: Mapping[str, Callable[[], str]]) -> type[BaseHTTPRequestHandler]:
    class Exporter(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                status, text = 200, asked[self.path]()
            except KeyError:
                status, text = 404, ""
            except ABSENT as error:
                status, text = 503, type(error).__name__
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Exporter
