"""A stand-in for Loki: what is pushed to it can be queried, by the paths, parameters and answers of Loki's HTTP API.

with loki_server() as loki:
    httpx.post(loki.url + "/loki/api/v1/push", json={"streams": [{"stream": {"app": "a"}, "values": [["1", "line"]]}]})

It knows push (JSON, plain, gzip, deflate), query, query_range, labels, label values, series, index/stats, patterns (of which it holds
none), tail (by WebSocket) and buildinfo. It does not know push by protobuf, and of LogQL what `loki_logql` and `loki_expressions` name.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson

from sre_copilot.testing.servers import loki_requests as requests
from sre_copilot.testing.servers.loki_answers import matrix, streams, vector
from sre_copilot.testing.servers.loki_expressions import expression
from sre_copilot.testing.servers.loki_logql import Query, QueryError, parse
from sre_copilot.testing.servers.loki_requests import BadRequest
from sre_copilot.testing.servers.loki_store import LokiStore
from sre_copilot.testing.servers.loki_tail import tail

API = "/loki/api/v1/"
VERSION = "3.4.0"


class LokiServer:
    """Where it listens, what it holds, and its limits."""

    def __init__(self, *, service_names: bool, max_entries: int) -> None:
        self.url = ""
        self.store = LokiStore(service_names=service_names)
        self.max_entries = max_entries
        self.asked: list[str] = []
        self.tenants: list[str] = []
        self.over = threading.Event()


@contextmanager
def loki_server(*, service_names: bool = True, max_entries: int = 5000) -> Iterator[LokiServer]:
    """Run it while the context is open.

    `service_names` adds a `service_name` label at push, as Loki does by default; `max_entries` is `max_entries_limit_per_query`.
    """
    loki = LokiServer(service_names=service_names, max_entries=max_entries)
    server = _Server(loki)
    loki.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield loki
    finally:
        loki.over.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


Params = dict[str, str]


class _Handler(BaseHTTPRequestHandler):
    """Answers requests for the stand-in that its server carries."""

    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer("")

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        if urlsplit(self.path).path in {API + "push", "/api/prom/push"}:
            self._guarded(lambda: self._push(body))
        else:
            self._answer(body.decode())

    def _answer(self, form: str) -> None:
        loki, parts = self.server.loki, urlsplit(self.path)
        loki.asked.append(self.path)
        loki.tenants.append(self.headers.get("x-scope-orgid", ""))
        params = dict(parse_qsl(f"{parts.query}&{form}", keep_blank_values=True))
        self._guarded(lambda: self._route(parts.path, params))

    def _guarded(self, act: Callable[[], None]) -> None:
        try:
            act()
        except (BadRequest, QueryError) as error:
            self._send(400, str(error).encode(), "text/plain; charset=utf-8")

    def _push(self, body: bytes) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        for labels, entries in requests.pushed(body, headers):
            self.server.loki.store.push(labels, entries)
        self._send(204, b"", "")

    def _route(self, path: str, params: Params) -> None:
        loki, name = self.server.loki, path.removeprefix(API)
        if name == "tail":
            tail(self, loki.store, loki.over, params)
        elif name == "ready" or path == "/ready":
            self._send(200, b"ready\n", "text/plain; charset=utf-8")
        elif (document := _document(loki, name, params, self._categorised())) is None:
            self._send(404, b"404 page not found\n", "text/plain; charset=utf-8")
        else:
            self._send(200, orjson.dumps(document), "application/json; charset=UTF-8")

    def _categorised(self) -> bool:
        return "categorize-labels" in self.headers.get("x-loki-response-encoding-flags", "")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        if kind:
            self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    """A listening socket and the stand-in behind it."""

    daemon_threads = True

    def __init__(self, loki: LokiServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.loki = loki


def _document(loki: LokiServer, name: str, params: Params, categorised: bool) -> Any:
    """The answer to a question; None for a path that there is not."""
    if name.startswith("label/") and name.endswith("/values"):
        start, end = requests.window(params)
        return _success(loki.store.values(unquote(name.split("/")[1]), start, end))
    asked = {
        "query_range": _query_range, "query": _query, "labels": _labels, "label": _labels, "series": _series,
        "index/stats": _stats, "patterns": _patterns,
    }.get(name)  # fmt: skip
    if name == "status/buildinfo":
        return {"version": VERSION, "revision": "stand-in", "branch": "", "goVersion": ""}
    return asked(loki, params, categorised) if asked else None


def _query_range(loki: LokiServer, params: Params, categorised: bool) -> Any:
    asked = requests.range_query(params, loki.max_entries)
    if (metric := expression(params.get("query", ""))) is not None:
        return matrix(loki.store, metric, asked.start, asked.end, asked.step)
    query = parse(params.get("query", ""))
    entries = loki.store.entries(query, asked.start, asked.end, limit=asked.limit, forward=asked.forward)
    return streams(entries, categorised=categorised)


def _query(loki: LokiServer, params: Params, categorised: bool) -> Any:
    asked = requests.instant_query(params, loki.max_entries)
    if (metric := expression(params.get("query", ""))) is not None:
        return vector(loki.store, metric, asked.end)
    query = parse(params.get("query", ""))
    entries = loki.store.entries(query, 0, asked.end, limit=asked.limit, forward=asked.forward)
    return streams(entries, categorised=categorised)


def _labels(loki: LokiServer, params: Params, _: bool) -> Any:
    return _success(loki.store.names(*requests.window(params)))


def _series(loki: LokiServer, params: Params, _: bool) -> Any:
    query = _matching(params.get("match[]") or params.get("match") or "{}")
    return _success(loki.store.series(query, *requests.window(params)))


def _stats(loki: LokiServer, params: Params, _: bool) -> Any:
    start, end = requests.window(params)
    found = list(loki.store.entries(_matching(params.get("query", "{}")), start, end, limit=0, forward=True))
    kinds = {tuple(sorted(each.labels.items())) for each in found}
    size = sum(len(each.line.encode()) for each in found)
    return {"streams": len(kinds), "chunks": len(kinds), "bytes": size, "entries": len(found)}


def _patterns(_: LokiServer, params: Params, __: bool) -> Any:
    requests.patterns(params, int(time.time() * 1e9))
    return _success([])


def _matching(text: str) -> Query:
    return parse(text, empty_allowed=True)


def _success(data: Any) -> Any:
    return {"status": "success", "data": data}
