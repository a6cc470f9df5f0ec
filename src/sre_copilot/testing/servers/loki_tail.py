"""The tail of the stand-in for Loki: new lines by WebSocket, as far as RFC 6455 is needed to send them."""

from __future__ import annotations

import base64
import hashlib
from http.server import BaseHTTPRequestHandler
from threading import Event

import orjson

from sre_copilot.testing.servers.loki_answers import FLAGS, listed
from sre_copilot.testing.servers.loki_logql import parse
from sre_copilot.testing.servers.loki_requests import Params, tailed
from sre_copilot.testing.servers.loki_store import Kept, LokiStore

MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
FOREVER = 2**63 - 1
PAUSE_S = 0.02


def tail(handler: BaseHTTPRequestHandler, store: LokiStore, over: Event, params: Params) -> None:
    """Send what comes until the other side or the server ends."""
    start, limit = tailed(params)
    query = parse(params.get("query", ""))
    handler.close_connection = True
    if handler.headers.get("upgrade", "").lower() != "websocket":
        handler.send_response(426)
        handler.send_header("content-length", "0")
        handler.end_headers()
        return
    _accept(handler)
    categorised = "categorize-labels" in handler.headers.get("x-loki-response-encoding-flags", "")
    given: set[tuple[int, str, tuple[tuple[str, str], ...]]] = set()
    while not over.is_set():
        found = store.entries(query, start, FOREVER, limit=0, forward=True)
        fresh = [each for each in found if _key(each) not in given][: limit or None]
        given |= {_key(each) for each in fresh}
        if fresh and not _sent(handler, fresh, categorised=categorised):
            return
        over.wait(PAUSE_S)


def _key(entry: Kept) -> tuple[int, str, tuple[tuple[str, str], ...]]:
    return entry.ts_ns, entry.line, tuple(sorted(entry.labels.items()))


def _accept(handler: BaseHTTPRequestHandler) -> None:
    asked = handler.headers.get("sec-websocket-key", "")
    digest = hashlib.sha1((asked + MAGIC).encode(), usedforsecurity=False).digest()
    handler.send_response(101)
    handler.send_header("upgrade", "websocket")
    handler.send_header("connection", "Upgrade")
    handler.send_header("sec-websocket-accept", base64.b64encode(digest).decode())
    handler.end_headers()


def _sent(handler: BaseHTTPRequestHandler, entries: list[Kept], *, categorised: bool) -> bool:
    flags = {"encodingFlags": FLAGS} if categorised else {}
    body = orjson.dumps(
        {"streams": listed(entries, categorised=categorised), "dropped_entries": None, **flags}
    )
    try:
        handler.wfile.write(_frame(body))
        handler.wfile.flush()
    except OSError:
        return False
    return True


def _frame(body: bytes) -> bytes:
    """One unmasked text frame."""
    size = len(body)
    if size < 126:
        head = bytes((0x81, size))
    elif size < 2**16:
        head = bytes((0x81, 126)) + size.to_bytes(2)
    else:
        head = bytes((0x81, 127)) + size.to_bytes(8)
    return head + body
