"""A link forwards, delays and resets."""

import asyncio
import time

import pytest

pytest.importorskip("prometheus_client", reason="the `lab` extra is not installed")

from lab.proxy import Behaviour, Link


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1000):
        writer.write(data)
    writer.close()


async def _ask(behaviour: Behaviour, *, times: int = 1, target: int | None = None) -> tuple[bytes, float]:
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    link = Link(target or server.sockets[0].getsockname()[1])
    front = await link.listen(0)
    link.behaviour = behaviour
    reader, writer = await asyncio.open_connection("127.0.0.1", front.sockets[0].getsockname()[1])
    started, answers = time.perf_counter(), b""
    try:
        for _ in range(times):
            writer.write(b"ping")
            answers += await asyncio.wait_for(reader.readexactly(4), 5)
        return answers, time.perf_counter() - started
    finally:
        writer.close()
        front.close()
        server.close()


def test_a_normal_link_forwards_both_ways_without_delay() -> None:
    answers, seconds = asyncio.run(_ask(Behaviour(), times=3))
    assert answers == b"pingpingping"
    assert seconds < 0.5


def test_a_delayed_link_adds_its_delay_in_each_direction() -> None:
    answers, seconds = asyncio.run(_ask(Behaviour(delay_s=0.1), times=2))
    assert answers == b"pingping"
    assert 0.4 <= seconds < 1.5


def test_a_resetting_link_ends_the_connection_with_rst() -> None:
    with pytest.raises(ConnectionResetError):
        asyncio.run(_ask(Behaviour(reset_share=1.0)))


def test_a_link_to_a_target_that_is_down_resets() -> None:
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        asyncio.run(_ask(Behaviour(), target=1))
