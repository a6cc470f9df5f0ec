"""What a server that is broken or means ill can do to the HTTP client: nothing."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from sre_copilot.errors import SourceAnswerError, SourceRefused
from sre_copilot.perception import http
from sre_copilot.perception.http import HttpClient, HttpSettings
from sre_copilot.perception.pace import clock_skew


def client(answer: Callable[[httpx.Request], httpx.Response], **given: Any) -> HttpClient:
    defaults = {"url": "http://127.0.0.1:9/base", "requests_per_second": 1000}
    settings = HttpSettings.model_validate(defaults | given)
    return HttpClient(settings, name="shop", transport=httpx.MockTransport(answer))


def test_an_address_on_another_server_gets_no_credentials() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json={})

    speaker = client(answer, bearer_token="t0ken")  # noqa: S106
    for other in ("http://evil.example/x", "https://127.0.0.1:9/x", "http://127.0.0.1:10/x"):
        with pytest.raises(SourceRefused, match="not that of this source"):
            speaker.get(other)
        with pytest.raises(SourceRefused), speaker.stream("GET", other):
            pass
    speaker.get("http://127.0.0.1:9/y")
    assert asked == ["http://127.0.0.1:9/y"]


def test_a_redirection_is_not_followed() -> None:
    answer = httpx.Response(302, headers={"location": "http://evil.example/"})
    with pytest.raises(SourceRefused, match="answered 302"):
        client(lambda _: answer).get("/x")


@pytest.mark.parametrize("status", [200, 500])
def test_a_small_answer_cannot_become_a_large_one(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "LARGEST_ANSWER", 2**20)
    packed = gzip.compress(bytes(2**26))
    speaker = client(
        lambda _: httpx.Response(status, content=packed, headers={"content-encoding": "gzip"}), attempts=1
    )
    with pytest.raises(SourceAnswerError, match="larger than 1 MB"):
        speaker.get("/x")


def test_an_answer_that_trickles_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "LONGEST_ANSWER", 1)

    def drops() -> Iterator[bytes]:
        while True:
            time.sleep(0.02)
            yield b" "

    with pytest.raises(SourceAnswerError, match="does not end"):
        client(lambda _: httpx.Response(200, content=drops()), timeout_seconds=0.1).get("/x")


@pytest.mark.parametrize(
    "value", ["\u00b2", "Mon, 99 Jan 2024 99:99:99 GMT", "soon", "", "Mon, 01 Jan 99999 00:00:00 GMT"]
)
def test_a_date_that_is_none_is_no_date(value: str) -> None:
    assert clock_skew(value, 0.0, 1.0) is None
    busy = httpx.Response(503, headers=[(b"retry-after", value.encode("latin-1"))])
    with pytest.raises(SourceAnswerError, match="503"):
        client(lambda _: busy, attempts=2).get("/x")
