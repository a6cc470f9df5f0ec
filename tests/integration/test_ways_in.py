"""A server that is asked over the network: events as they come, a client that goes away, and the protocol for agents."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx
import httpx2
import pytest
import uvicorn
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from sre_copilot.api.server import create_app
from sre_copilot.app.serving import Service, make_service
from sre_copilot.cli.serve import options
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.series import SeriesKey
from sre_copilot.domain.signals import Window
from sre_copilot.mcp.http import mount
from sre_copilot.perception.source import Reading
from sre_copilot.settings.document import Settings
from sre_copilot.settings.section import Role
from sre_copilot.testing.synthetic import SyntheticSource

pytestmark = pytest.mark.integration
NOW = 1_760_000_040.0
DIAGNOSE = "why is service-001 slow?"


class HeldSource(SyntheticSource):
    """Invented series; while `held`, every reading but the first two waits: these tell the names of services."""

    def __init__(self) -> None:
        super().__init__()
        self.free = threading.Event()
        self.free.set()
        self.read_before = 0

    def read(self, window: Window) -> Reading:
        self.read_before += 1
        if self.read_before > 2:
            self.free.wait(20)
        return super().read(window)


@dataclass
class Running:
    url: str
    service: Service
    source: HeldSource
    app: Any

    def token(self, role: Role, name: str = "somebody") -> dict[str, str]:
        _, plain = self.service.tokens.create(name, role=role, now=NOW)
        return {"Authorization": f"Bearer {plain}"}

    def until(self, what: Callable[[], Any], seconds: float = 20.0) -> None:
        end = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < end, "it never came to be"
            time.sleep(0.02)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    source = HeldSource()
    source.disturb(SeriesKey("service-001", "latency"), start=NOW - 900, end=NOW, add=40.0)
    settings = Settings.model_validate({"store": {"folder": tmp_path}, "server": {"port": 0}})
    service = make_service(settings, sources=[source], clock=TurnedClock(NOW))
    app = create_app(service)
    mount(app, app.state.desk)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, **options(settings.server)))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Running(f"http://127.0.0.1:{port}", service, source, app)
    source.free.set()
    server.should_exit = True
    thread.join(10)
    service.close()
    assert not thread.is_alive()


def test_events_come_while_the_work_goes_on(running: Running) -> None:
    running.source.free.clear()
    headers = running.token("viewer") | {"Accept": "text/event-stream"}
    seen: list[str] = []
    with httpx.stream(
        "POST",
        f"{running.url}/api/v1/chat",
        json={"ask": DIAGNOSE},
        headers=headers,
        timeout=30,
        trust_env=False,
    ) as answer:
        assert answer.status_code == 200
        for line in answer.iter_lines():
            if line.startswith("event: "):
                seen.append(line.removeprefix("event: "))
                assert not (
                    seen == ["intent"] and running.source.free.is_set()
                )  # the work is held up meanwhile
                running.source.free.set()
            if line.startswith("data: "):
                last = json.loads(line.removeprefix("data: "))
    assert seen[:2] == ["intent", "plan"]
    assert seen[-1] == "ai_answer_end"
    assert "hypothesis" in seen or "note" in seen
    assert last["answer"]["headline"]
    assert last["answer"]["intent"] == "diagnose"


def test_a_client_that_goes_away_ends_the_work(running: Running) -> None:
    desk, source = running.app.state.desk, running.source
    source.free.clear()
    headers = running.token("viewer") | {"Accept": "text/event-stream"}
    client = httpx.Client(trust_env=False, timeout=30)
    with client.stream(
        "POST", f"{running.url}/api/v1/chat", json={"ask": DIAGNOSE}, headers=headers
    ) as answer:
        for line in answer.iter_lines():
            if line.startswith("event: intent"):
                break
        assert desk.limits.at_work == 1
    client.close()
    time.sleep(0.5)  # the server notices that nobody listens
    source.free.set()
    running.until(lambda: desk.limits.at_work == 0)
    owner = running.service.tokens.all()[0].id
    (session,) = running.service.sessions.page(owner=owner).rows
    assert running.service.sessions.last(session["id"], owner=owner) is None


def test_too_many_at_once_are_told_to_wait(running: Running) -> None:
    running.source.free.clear()
    headers = running.token("viewer") | {"Accept": "text/event-stream"}
    body = {"ask": DIAGNOSE}
    url = f"{running.url}/api/v1/chat"
    with (
        httpx.stream("POST", url, json=body, headers=headers, trust_env=False),
        httpx.stream("POST", url, json=body, headers=headers, trust_env=False),
    ):
        third = httpx.post(url, json=body, headers=headers, trust_env=False)
        assert third.status_code == 429
        assert third.headers["content-type"] == "application/problem+json"
        assert "chat.at_once_each" in third.json()["detail"]
        running.source.free.set()
    running.until(lambda: running.app.state.desk.limits.at_work == 0)


def test_agents_ask_over_http_with_a_token_and_its_role(running: Running) -> None:
    headers = running.token("viewer")

    async def talk() -> dict[str, Any]:
        http = httpx2.AsyncClient(headers=headers, timeout=60)
        async with Client(
            streamable_http_client(f"{running.url}/mcp", http_client=http), read_timeout_seconds=60
        ) as client:
            return {
                "tools": [tool.name for tool in (await client.list_tools()).tools],
                "asked": await client.call_tool("ask", {"question": DIAGNOSE}),
                "listed": await client.call_tool("list_anomalies", {}),
                "documents": [str(each.uri) for each in (await client.list_resources()).resources],
                "read": await client.read_resource("sre-copilot://anomalies/open"),
            }

    told = anyio.run(talk)
    assert {"ask", "investigate", "list_anomalies", "list_breaches"} <= set(told["tools"])
    assert len(told["tools"]) <= 17  # a short list: an agent reads all of it
    assert not told["asked"].is_error
    assert told["asked"].structured_content["intent"] == "diagnose"
    assert told["listed"].content[0].text == "no anomalies"
    assert told["documents"] == ["sre-copilot://anomalies/open", "sre-copilot://investigations/recent"]
    assert json.loads(told["read"].contents[0].text) == {"items": []}


def test_without_a_token_nobody_is_answered(running: Running) -> None:
    request = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    answer = httpx.post(f"{running.url}/mcp", json=request, trust_env=False)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    wrong = httpx.post(
        f"{running.url}/mcp", json=request, headers={"Authorization": "Bearer sre_x"}, trust_env=False
    )
    assert wrong.status_code == 401
    listening = httpx.get(f"{running.url}/mcp", headers=running.token("viewer"), trust_env=False)
    assert listening.status_code == 405
