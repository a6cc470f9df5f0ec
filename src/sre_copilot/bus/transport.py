"""What a broker must be able to do, and the bus over it: a loop of its own in a thread, for everything else here is plain calls."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol, TypeVar
from zlib import crc32

from prometheus_client import CollectorRegistry

from sre_copilot.bus.envelope import dead_letter, encode
from sre_copilot.bus.handling import Handling
from sre_copilot.bus.metrics import BusMetrics
from sre_copilot.bus.port import Handler, Stored
from sre_copilot.domain.event import Event
from sre_copilot.errors import BusError
from sre_copilot.settings.bus import BusSettings
from sre_copilot.telemetry import log

T = TypeVar("T")
Work = Callable[[Sequence[bytes]], Awaitable[int]]
"""Handles bodies of one part in their order; how many are done."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 15.0  # between attempts to reach a broker that is away
FIRST_LOOK_S = 3.0  # so long `subscribe` waits for the broker; a server must not wait longer for its start


class Transport(Protocol):
    """One kind of broker. Every method may raise `BusError`; what it needs it connects by itself."""

    async def send(self, messages: Sequence[tuple[str, bytes]], *, dead_letters: bool) -> None:
        """Return when the broker has all of them (key and body), in their order for each key."""
        ...

    async def place(self, group: str, start: str) -> None:
        """Make a group known that is not: it begins at `start`."""
        ...

    async def consume(self, group: str, work: Work, stopping: asyncio.Event) -> None:
        """Hand out what comes, until told to stop; return when what was handed out is done and told to the broker."""
        ...

    def read(self, start: str, *, follow: bool, dead_letters: bool) -> AsyncIterator[Stored]:
        """What lies on the topic from `start` on."""
        ...

    async def close(self) -> None:
        """Leave the broker."""
        ...


@dataclass
class Subscription:
    """One consumer of this process."""

    handling: Handling
    start: str
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    looked: threading.Event = field(default_factory=threading.Event)
    """Set once the broker was asked for the first time, with success or without."""


class BrokerBus:
    """The bus over a broker."""

    def __init__(
        self, transport: Transport, settings: BusSettings, *, registry: CollectorRegistry | None = None
    ) -> None:
        self._transport = transport
        self._settings = settings
        self._metrics = BusMetrics(registry)
        self._log = log(__name__)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="bus", daemon=True)
        self._thread.start()
        self._workers = ThreadPoolExecutor(settings.workers, thread_name_prefix="bus-worker")
        self._subscriptions: list[Subscription] = []
        self._tasks: list[Future[None]] = []
        self._closed = False

    def publish(self, *events: Event) -> None:
        """Return when the broker has all of them."""
        if self._closed:
            raise BusError("the bus is closed")
        source, largest = self._settings.source, self._settings.max_event_bytes
        messages = [(event.key, encode(event, source=source, max_bytes=largest)) for event in events]
        try:
            self._send(messages, dead_letters=False)
        except BusError:
            self._metrics.published.labels(outcome="failed").inc(len(events))
            raise
        self._metrics.published.labels(outcome="sent").inc(len(events))

    def subscribe(self, group: str, handler: Handler, *, start: str = "new") -> None:
        """Give every event to one consumer of a group; begins as soon as the broker can be reached."""
        handling = Handling(
            group, handler, settings=self._settings, park=self._parking(group), metrics=self._metrics
        )
        subscription = Subscription(handling, start)
        self._subscriptions.append(subscription)
        task = asyncio.run_coroutine_threadsafe(self._consume(subscription), self._loop)
        task.add_done_callback(self._ended)
        self._tasks.append(task)
        subscription.looked.wait(FIRST_LOOK_S)

    def read(
        self, start: str = "earliest", *, follow: bool = False, dead_letters: bool = False
    ) -> Iterator[Stored]:
        """What lies on the topic from `start` on; each is fetched when it is asked for."""
        found = self._transport.read(start, follow=follow, dead_letters=dead_letters)
        try:
            while (stored := self._wait(lambda: anext(found, None))) is not None:
                yield stored
        finally:
            with suppress(BusError):
                self._wait(found.aclose)  # type: ignore[attr-defined]

    def close(self) -> None:
        """Finish what is being handled, and leave."""
        if self._closed:
            return
        self._closed = True
        for subscription in self._subscriptions:
            subscription.handling.stop.set()
            self._loop.call_soon_threadsafe(subscription.stopping.set)
        until = time.monotonic() + self._settings.close_seconds
        for task in self._tasks:
            with suppress(Late, asyncio.CancelledError):
                task.result(max(0.0, until - time.monotonic()))
        asyncio.run_coroutine_threadsafe(self._end(), self._loop)
        self._thread.join(self._settings.close_seconds)
        self._workers.shutdown(wait=False, cancel_futures=True)
        if not self._loop.is_running():
            self._loop.close()

    async def _end(self) -> None:
        """Leave the broker, and end whatever its client still does."""
        with suppress(BusError, TimeoutError):
            await asyncio.wait_for(self._transport.close(), self._settings.close_seconds / 2)
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        self._loop.stop()

    async def _consume(self, subscription: Subscription) -> None:
        """Consume until told to stop; a broker that is away is asked again and again, and said once."""
        handling, pause = subscription.handling, 0.0
        while not subscription.stopping.is_set():
            try:
                await self._transport.place(handling.group, subscription.start)
                if pause:
                    self._log.info("the bus is reached again", group=handling.group)
                    pause = 0.0
                subscription.looked.set()
                await self._transport.consume(handling.group, self._working(handling), subscription.stopping)
            except BusError as error:
                subscription.looked.set()
                if not pause:
                    self._log.warning("the bus cannot be read; trying again", reason=str(error))
                pause = min(LONGEST_PAUSE_S, 2 * pause or FIRST_PAUSE_S)
                with suppress(TimeoutError):
                    await asyncio.wait_for(subscription.stopping.wait(), pause)

    def _ended(self, task: Future[None]) -> None:
        """A consumer that ends by a fault of ours is said, never silently gone."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.error("a consumer of the bus has ended", exc_info=error)

    def _working(self, handling: Handling) -> Work:
        async def work(bodies: Sequence[bytes]) -> int:
            return await self._loop.run_in_executor(self._workers, handling.work, bodies)

        return work

    def _parking(self, group: str) -> Callable[[bytes, str, int], None]:
        def park(body: bytes, reason: str, attempts: int) -> None:
            letter = dead_letter(
                body,
                group=group,
                reason=reason,
                attempts=attempts,
                at=time.time(),
                source=self._settings.source,
            )
            self._send([letter], dead_letters=True)

        return park

    def _send(self, messages: Sequence[tuple[str, bytes]], *, dead_letters: bool) -> None:
        seconds = self._settings.publish_timeout_seconds
        try:
            self._wait(
                lambda: asyncio.wait_for(self._transport.send(messages, dead_letters=dead_letters), seconds)
            )
        except TimeoutError:
            raise BusError(
                f"bus.url ({self._settings.url}): did not take the events within {seconds:g} s. Check that the broker runs."
            ) from None

    def _wait(self, ask: Callable[[], Awaitable[T]]) -> T:
        if not self._loop.is_running():
            raise BusError("the bus is closed")

        async def asked() -> T:
            return await ask()

        return asyncio.run_coroutine_threadsafe(asked(), self._loop).result()


def part_of(key: str, parts: int) -> int:
    """The part of a topic that holds a key, the same in every process."""
    return crc32(key.encode()) % parts
