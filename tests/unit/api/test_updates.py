"""Updates as server-sent events: in order, from where one left off, with a heartbeat, for so many and no longer than the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import yaml
from starlette.requests import ClientDisconnect

from sre_copilot.api.problems import Problem
from sre_copilot.api.updates import Streams, Told, follow
from sre_copilot.testing.alerting_service import Deciding, deciding, listening


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deciding]:
    with deciding(tmp_path_factory.mktemp("updates")) as found:
        yield found


def row(number: int) -> dict[str, Any]:
    return {"id": number, "type": "t", "key": "k", "at": 0.0, "data": {"n": number}}


def told(rows: list[dict[str, Any]], *, known: int, looks: int, heartbeat_s: float = 10.0) -> list[bytes]:
    """What is told while the server lives for so many looks."""
    left = iter(range(looks))

    def read(after: int) -> list[Mapping[str, Any]]:
        return [each for each in rows if each["id"] > after]

    async def all_of() -> list[bytes]:
        found = follow(read, known, ended=lambda: next(left, None) is None, view=lambda each: each["data"], look_s=0.001, heartbeat_s=heartbeat_s)  # fmt: skip
        return [each async for each in found]

    return asyncio.run(all_of())


def test_it_tells_what_came_after_the_event_that_is_known_in_order() -> None:
    found = told([row(1), row(2), row(3)], known=1, looks=3)
    assert [each.split(b"\n")[0] for each in found[1:]] == [b"id: 2", b"id: 3"]
    assert orjson.loads(found[1].split(b"data: ")[1]) == {"n": 2}


def test_it_is_heard_where_nothing_happens_and_ends_with_the_server() -> None:
    found = told([], known=0, looks=30, heartbeat_s=0.01)
    assert found.count(b": heartbeat\n\n") >= 2
    assert len(found) < 30


def test_one_stream_more_than_may_be_is_refused_with_a_time_to_try_again() -> None:
    streams = Streams(1)
    streams.enter()
    with pytest.raises(Problem) as refused:
        streams.enter()
    assert refused.value.status == 429
    assert refused.value.headers["Retry-After"]
    streams.leave()
    streams.enter()


def test_it_counts_until_it_ended_though_its_client_was_gone_before_it_began() -> None:
    ended: list[bool] = []

    async def gone() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def refused(message: object) -> None:
        raise OSError("the client is gone")

    async def nothing() -> AsyncIterator[bytes]:
        yield b""

    scope = {"type": "http", "method": "GET", "headers": [], "asgi": {"spec_version": "2.4"}}
    with pytest.raises(ClientDisconnect):
        asyncio.run(Told(nothing(), ended=lambda: ended.append(True))(scope, gone, refused))
    assert ended == [True]


def test_it_ends_when_its_token_was_revoked_also_while_much_happens() -> None:
    async def all_of() -> list[bytes]:
        answers = iter((True, True, False))
        found = follow(lambda after: [row(after + 1)], 0, ended=lambda: False, view=lambda each: each["data"], may=lambda: next(answers), may_every_s=0.01)  # fmt: skip
        return [each async for each in found]

    assert asyncio.run(asyncio.wait_for(all_of(), 10))[-1] == b": the token was revoked\n\n"


def test_a_revoked_token_hears_no_more(tmp_path: Path) -> None:
    with deciding(tmp_path) as there, listening(there, role="viewer") as config:
        service = there.service
        token, plain = service.tokens.create("leaver", role="viewer", now=service.clock.now())
        port = yaml.safe_load(config.read_text(encoding="utf-8"))["server"]["port"]
        url, headers = f"http://127.0.0.1:{port}/api/v1/updates", {"Authorization": f"Bearer {plain}"}
        with httpx.stream("GET", url, headers=headers, timeout=20, trust_env=False) as answer:
            lines = answer.iter_lines()
            assert next(lines) == ": listening"
            service.tokens.revoke(token.id, now=service.clock.now())
            assert [each for each in lines if each] == [": the token was revoked"]
        there.until(lambda: there.application.state.streams.open == 0)
        assert httpx.get(url, headers=headers, trust_env=False).status_code == 401


def test_a_client_goes_on_after_the_last_event_it_knows(there: Deciding) -> None:
    before = there.service.alerting.records.last_event()
    there.fire("HighErrorRate", service="a", severity="critical")
    with listening(there, role="viewer") as config:
        port = yaml.safe_load(config.read_text(encoding="utf-8"))["server"]["port"]
        headers = {"Authorization": f"Bearer {there.token('viewer')}", "Last-Event-ID": str(before)}
        url = f"http://127.0.0.1:{port}/api/v1/updates"
        with httpx.stream("GET", url, headers=headers, timeout=20, trust_env=False) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            lines = answer.iter_lines()
            names = [next(each for each in lines if each.startswith("event: ")) for _ in range(2)]
            assert names == ["event: sre_copilot.alert.received.v1", "event: sre_copilot.incident.opened.v1"]
            assert there.application.state.streams.open == 1
        there.until(lambda: there.application.state.streams.open == 0)
        assert httpx.get(url, headers={"Authorization": "Bearer no"}, trust_env=False).status_code == 401
