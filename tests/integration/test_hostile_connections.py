"""Requests that no client of ours would send, byte by byte at a real server: each is answered cleanly or cut off, and the server goes on."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from sre_copilot.testing.serving import Serving, serving, write_config

pytestmark = pytest.mark.integration
BODY = b'{"version":"4","alerts":[]}'
CHUNKED = b"1b\r\n" + BODY + b"\r\n0\r\n\r\n"
WAY_IN = b"POST /api/v1/intake/alertmanager HTTP/1.1\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    folder = tmp_path_factory.mktemp("hostile")
    write_config(folder, prometheus={"url": "http://127.0.0.1:9"})
    with serving(folder) as found:
        yield found


def line_to(server: Serving) -> socket.socket:
    place = urlsplit(server.url)
    return socket.create_connection((str(place.hostname), place.port or 80), timeout=10)


def answered(server: Serving, sent: bytes, *, seconds: float = 3.0) -> bytes:
    """All that comes back until the server closes the connection, or says nothing more for so long."""
    found = b""
    with line_to(server) as line:
        with suppress(ConnectionError):
            line.sendall(sent)
        line.settimeout(seconds)
        with suppress(TimeoutError, ConnectionError):
            while part := line.recv(65_536):
                found += part
    return found


def statuses(found: bytes) -> list[int]:
    """The status of each answer on a connection."""
    return [int(line.split()[1]) for line in found.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]


def headers(server: Serving, *more: bytes) -> bytes:
    host = urlsplit(server.url).netloc.encode()
    token = server.token.encode()
    return b"\r\n".join([b"Host: " + host, b"Authorization: Bearer " + token, *more]) + b"\r\n\r\n"


def goes_on(server: Serving) -> bool:
    return bool(server.get("/healthz") is not None and server.process.poll() is None)


MALFORMED = {
    "no request at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "zero bytes": b"\0" * 4096,
    "a zero byte in a header": b"GET /status HTTP/1.1\r\nHost: a\r\nX-A: b\0c\r\n\r\n",
    "a zero byte in the address": b"GET /sta\0tus HTTP/1.1\r\nHost: a\r\n\r\n",
    "a line break within a header": b"GET /status HTTP/1.1\r\nHost: a\r\nX-A: b\rX-C: d\r\n\r\n",
    "a space before the colon": b"GET /status HTTP/1.1\r\nHost : a\r\n\r\n",
    "a version that there is not": b"GET /status HTTP/9.9\r\nHost: a\r\n\r\n",
    "a length that is no number": WAY_IN + b"Host: a\r\nContent-Length: ten\r\n\r\n",
    "a length below zero": WAY_IN + b"Host: a\r\nContent-Length: -1\r\n\r\n",
    "two lengths": WAY_IN + b"Host: a\r\nContent-Length: 27\r\nContent-Length: 3\r\n\r\n" + BODY,
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_what_is_no_request_is_refused_and_hurts_nobody(server: Serving, kind: str) -> None:
    found = statuses(answered(server, MALFORMED[kind]))
    assert set(found) <= {400, 401, 413}, found
    assert len(found) <= 1
    assert goes_on(server)


def test_headers_without_end_are_cut_off(server: Serving) -> None:
    long = b"GET /status HTTP/1.1\r\nHost: a\r\n" + b"".join(
        b"X-%d: %s\r\n" % (i, b"a" * 8000) for i in range(500)
    )
    found = statuses(answered(server, long))
    assert set(found) <= {400, 401, 413, 431}, found
    assert goes_on(server)


def test_bad_chunks_are_refused(server: Serving) -> None:
    for chunks in (
        b"zz\r\nabc\r\n0\r\n\r\n",
        b"-5\r\nabc\r\n0\r\n\r\n",
        b"5\r\nabcdefgh\r\n0\r\n\r\n",
        b"f" * 40 + b"\r\n",
    ):
        sent = (
            WAY_IN
            + headers(server, b"Content-Type: application/json", b"Transfer-Encoding: chunked")
            + chunks
        )
        found = statuses(answered(server, sent))
        assert set(found) <= {400}, (chunks, found)
    assert goes_on(server)


def test_good_chunks_are_taken_where_alerts_come_in_and_nowhere_else(server: Serving) -> None:
    more = (b"Content-Type: application/json", b"Transfer-Encoding: chunked", b"Connection: close")
    assert statuses(answered(server, WAY_IN + headers(server, *more) + CHUNKED)) == [202]
    elsewhere = b"POST /api/v1/silences HTTP/1.1\r\n" + headers(server, *more) + CHUNKED
    assert statuses(answered(server, elsewhere)) == [411]


@pytest.mark.parametrize(
    "second", [b"chunked", b" chunked", b"CHUNKED", b"chunked, identity", b"identity, chunked", b"x"]
)
def test_a_request_is_not_smuggled_behind_one_with_two_lengths(server: Serving, second: bytes) -> None:
    hidden = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    more = (b"Content-Type: application/json", b"Transfer-Encoding: " + second)
    for length in (4, len(CHUNKED) + len(hidden)):
        sent = WAY_IN + headers(server, b"Content-Length: %d" % length, *more) + CHUNKED + hidden
        found = answered(server, sent)
        assert len(statuses(found)) <= 1, found
        assert b"smuggled" not in found
        assert not {status for status in statuses(found) if status < 400}, found
    assert goes_on(server)


def test_a_long_body_is_given_up_where_it_becomes_too_long(server: Serving) -> None:
    stated = b"POST /api/v1/silences HTTP/1.1\r\n" + headers(server, b"Content-Length: 99999999999")
    assert statuses(answered(server, stated)) == [413]
    piece = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    sent = (
        WAY_IN
        + headers(server, b"Content-Type: application/json", b"Transfer-Encoding: chunked")
        + piece * 40
    )
    found = statuses(answered(server, sent))
    assert found in ([413], []), found  # it may be cut off while it still sends
    assert goes_on(server)


def test_slow_bodies_hold_up_nobody(server: Serving) -> None:
    start = WAY_IN + headers(server, b"Content-Type: application/json", b"Content-Length: %d" % len(BODY))
    lines = [line_to(server) for _ in range(40)]
    try:
        for line in lines:
            line.sendall(start + BODY[:3])
        began = time.monotonic()
        assert goes_on(server)
        assert time.monotonic() - began < 5
        lines[0].sendall(BODY[3:])
        assert statuses(lines[0].recv(65_536)) == [202]
    finally:
        for line in lines:
            line.close()
    assert goes_on(server)


def test_what_is_sent_in_single_bytes_is_read(server: Serving) -> None:
    with line_to(server) as line:
        for byte in b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n":
            line.sendall(bytes([byte]))
        assert statuses(line.recv(65_536)) == [200]


def test_nothing_of_it_is_an_error_of_ours(server: Serving) -> None:
    said = "".join(server.said)
    assert "Traceback" not in said
    assert "a request failed" not in said
