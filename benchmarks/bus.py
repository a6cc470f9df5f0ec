"""Events a second over each transport, from `publish` to the handler; the bare client of the same broker beside it, in the same run."""

from __future__ import annotations

import asyncio
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure, Peers
from sre_copilot.bus.envelope import encode
from sre_copilot.bus.opening import open_bus
from sre_copilot.domain.event import Event, EventType
from sre_copilot.settings.bus import BusSettings
from sre_copilot.testing.servers.brokers import broker_process, missing_broker

NAME = "bus"
ABOUT = "events a second from publish to the handler over Kafka's protocol, against the bare client; all transports below"

EVENTS = 4_000
AT_ONCE = 500  # as the outbox sends them
KEYS = 200
WAIT_S = 60.0


def measure(_: Peers) -> Figure:
    """Send and handle so many events over each transport, and the same bodies over the bare client."""
    rates: dict[str, tuple[float, float]] = {"memory": (ours(BusSettings()), encoding())}
    detail: dict[str, float | str] = {}
    for kind, bare in (("kafka", bare_kafka), ("nats", bare_nats), ("redis", bare_redis)):
        if reason := missing_broker(kind):
            detail[f"{kind}_missing"] = reason
            continue
        with tempfile.TemporaryDirectory() as folder, broker_process(kind, Path(folder)) as broker:
            rate = ours(BusSettings(transport=kind, url=broker.url))
            rates[kind] = (rate, EVENTS / asyncio.run(bare(broker.url)))
    for kind, (rate, peer) in rates.items():
        detail |= {
            f"{kind}_events_per_s": rate,
            f"{kind}_peer_events_per_s": peer,
            f"{kind}_ratio": rate / peer,
        }
    detail["peer_of_memory"] = "encoding and decoding each event once, without any bus"
    rate, peer = rates.get("kafka", rates["memory"])
    return Figure(unit="events/s", ours=rate, peer=peer, of_limit=None, detail=detail)


def ours(settings: BusSettings) -> float:
    """Events a second over our own bus, from the first `publish` to the last call of the handler."""
    bus, done, count = open_bus(settings), threading.Event(), 0
    lock = threading.Lock()

    def handle(_: Event) -> None:
        nonlocal count
        with lock:
            count += 1
            if count == EVENTS:
                done.set()

    bus.subscribe("bench", handle)
    events = made()
    began = time.perf_counter()
    for start in range(0, EVENTS, AT_ONCE):
        bus.publish(*events[start : start + AT_ONCE])
    if not done.wait(WAIT_S):
        raise RuntimeError(f"{settings.transport}: only {count} of {EVENTS} events arrived")
    seconds = time.perf_counter() - began
    bus.close()
    return EVENTS / seconds


def encoding() -> float:
    """Events a second when they are only written and read."""
    from sre_copilot.bus.envelope import decode  # noqa: PLC0415

    began = time.perf_counter()
    for body in bodies():
        decode(body)
    return EVENTS / (time.perf_counter() - began)


def made() -> list[Event]:
    """Events of many keys."""
    data = {"verdict": "right", "by": "wang", "at": 1.0, "comment": "x" * 200}
    kind = EventType.FEEDBACK_GIVEN
    return [Event(id=f"e{n}", type=kind, key=f"k{n % KEYS}", at=1.0, data=data) for n in range(EVENTS)]


def bodies() -> list[bytes]:
    """The same, as they travel."""
    return [encode(event, source="/bench", max_bytes=900_000) for event in made()]


async def bare_kafka(url: str) -> float:
    """Seconds that aiokafka takes, committing a batch at a time."""
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer  # noqa: PLC0415

    sent = bodies()
    producer = AIOKafkaProducer(bootstrap_servers=url, acks="all")
    more: dict[str, Any] = {"enable_auto_commit": False, "auto_offset_reset": "earliest"}
    consumer = AIOKafkaConsumer("bare", bootstrap_servers=url, group_id="bare", **more)
    await producer.start()
    await producer.send_and_wait("bare", b"first")
    await consumer.start()
    began, count = time.perf_counter(), 0

    async def consume() -> None:
        nonlocal count
        while count < EVENTS + 1:
            found = await consumer.getmany(timeout_ms=1000, max_records=100)
            count += sum(map(len, found.values()))
            await consumer.commit()

    async def send() -> None:
        for start in range(0, EVENTS, AT_ONCE):
            chunk = [await producer.send("bare", body) for body in sent[start : start + AT_ONCE]]
            await asyncio.gather(*chunk)

    await asyncio.gather(consume(), send())
    seconds = time.perf_counter() - began
    await consumer.stop()
    await producer.stop()
    return seconds


async def bare_nats(url: str) -> float:
    """Seconds that nats-py takes, pulling and acknowledging batches in no order of keys."""
    import nats  # noqa: PLC0415

    sent = bodies()
    client = await nats.connect(url)
    stream = client.jetstream()
    await stream.add_stream(name="bare", subjects=["bare"])
    pulled = await stream.pull_subscribe("bare", durable="bare")
    began = time.perf_counter()

    async def consume() -> None:
        count = 0
        while count < EVENTS:
            for message in await pulled.fetch(100, timeout=10):
                await message.ack()
                count += 1

    await asyncio.gather(consume(), in_chunks(sent, lambda body: stream.publish("bare", body)))
    seconds = time.perf_counter() - began
    await client.close()
    return seconds


async def bare_redis(url: str) -> float:
    """Seconds that redis-py takes, with a group on one stream in no order of keys."""
    from redis.asyncio import Redis  # noqa: PLC0415

    sent = bodies()
    client: Any = Redis.from_url(url)
    await client.xgroup_create("bare", "bare", id="0", mkstream=True)
    began = time.perf_counter()

    async def consume() -> None:
        count = 0
        while count < EVENTS:
            found = await client.xreadgroup("bare", "me", {"bare": ">"}, count=100, block=1000)
            for _, entries in found or ():
                await client.xack("bare", "bare", *(each for each, _ in entries))
                count += len(entries)

    async def send() -> None:
        for start in range(0, EVENTS, AT_ONCE):
            pipe = client.pipeline(transaction=False)
            for body in sent[start : start + AT_ONCE]:
                pipe.xadd("bare", {"event": body})
            await pipe.execute()

    await asyncio.gather(consume(), send())
    seconds = time.perf_counter() - began
    await client.aclose()
    return seconds


async def in_chunks(sent: Sequence[bytes], send: Callable[[bytes], Any]) -> None:
    """Send some at once, and wait for them."""
    for start in range(0, len(sent), AT_ONCE):
        await asyncio.gather(*(send(body) for body in sent[start : start + AT_ONCE]))
