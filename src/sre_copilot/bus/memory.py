"""The bus within one process: the default, without a broker.

It loses what it holds when the process ends; what must not be lost is in the outbox until a consumer's own transaction has it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from zlib import crc32

from prometheus_client import CollectorRegistry

from sre_copilot.bus.envelope import dead_letter, encode, key_of
from sre_copilot.bus.handling import Handling
from sre_copilot.bus.metrics import BusMetrics
from sre_copilot.bus.port import Handler, Stored
from sre_copilot.domain.event import Event
from sre_copilot.errors import BusError
from sre_copilot.settings.bus import BusSettings

NEW, EARLIEST = "new", "earliest"


@dataclass
class Part:
    """What waits in one part of a group; `busy` while a worker has its first body in hand."""

    waiting: deque[bytes] = field(default_factory=deque)
    busy: bool = False


@dataclass
class Group:
    """Where a group stands, and what waits for it."""

    parts: list[Part]
    waiting: int = 0


class Topics:
    """What lies on the topics of a process: the latest events, and for each group what it has not yet handled."""

    def __init__(self, settings: BusSettings) -> None:
        self.settings = settings
        self.changed = threading.Condition()
        self.events: deque[Stored] = deque(maxlen=settings.buffer_events)
        self.dead: deque[Stored] = deque(maxlen=settings.buffer_events)
        self.groups: dict[str, Group] = {}
        self._next = 0

    def put(self, bodies: Sequence[tuple[str, bytes]], *, until: float) -> None:
        """Add bodies with their keys; wait while a group has its buffer full.

        Raises
        ------
        BusError : when it is still full at `until` (monotonic)
        """
        with self.changed:
            for key, body in bodies:
                while full := [name for name, group in self.groups.items() if self._full(group)]:
                    if not self.changed.wait(max(0.0, until - time.monotonic())):
                        raise BusError(
                            f"bus.buffer_events ({self.settings.buffer_events}): so many events wait for the group {full[0]},"
                            " whose consumer is too slow or gone; give it more workers, or close it"
                        )
                self._append(key, body)
            self.changed.notify_all()

    def bury(self, body: bytes) -> None:
        """Add a dead letter."""
        with self.changed:
            self.dead.append(Stored(self._number(), body))
            self.changed.notify_all()

    def join(self, name: str, start: str) -> Group:
        """The group of this name, made where there is none."""
        with self.changed:
            if name not in self.groups:
                group = Group([Part() for _ in range(self.settings.partitions)])
                for stored in (
                    () if start == NEW else [each for each in self.events if at_or_after(each, start)]
                ):
                    self._add(group, key_of(stored.body), stored.body)
                self.groups[name] = group
            return self.groups[name]

    def take(self, group: Group, stop: threading.Event) -> tuple[Part, bytes] | None:
        """The next body of a part that nobody works on; waits for one, None when told to stop."""
        with self.changed:
            while not stop.is_set():
                for part in group.parts:
                    if part.waiting and not part.busy:
                        part.busy = True
                        return part, part.waiting[0]
                self.changed.wait()
        return None

    def release(self, group: Group, part: Part, *, done: bool) -> None:
        """Give a part back; `done` when its first body was handled."""
        with self.changed:
            if done:
                part.waiting.popleft()
                group.waiting -= 1
            part.busy = False
            self.changed.notify_all()

    def _append(self, key: str, body: bytes) -> None:
        self.events.append(Stored(self._number(), body))
        for group in self.groups.values():
            self._add(group, key, body)

    def _add(self, group: Group, key: str, body: bytes) -> None:
        group.parts[crc32(key.encode()) % len(group.parts)].waiting.append(body)
        group.waiting += 1

    def _full(self, group: Group) -> bool:
        return group.waiting >= self.settings.buffer_events

    def _number(self) -> str:
        self._next += 1
        return str(self._next)


class MemoryBus:
    """One member of the bus of this process; those that share `topics` are on one bus."""

    def __init__(
        self,
        settings: BusSettings,
        *,
        topics: Topics | None = None,
        registry: CollectorRegistry | None = None,
    ) -> None:
        self.topics = topics or Topics(settings)
        self._settings = settings
        self._metrics = BusMetrics(registry)
        self._handlings: list[Handling] = []
        self._threads: list[threading.Thread] = []
        self._closed = threading.Event()

    def publish(self, *events: Event) -> None:
        """Return when all are in memory; wait while a group is too far behind."""
        if self._closed.is_set():
            raise BusError("the bus is closed")
        source, largest = self._settings.source, self._settings.max_event_bytes
        bodies = [(event.key, encode(event, source=source, max_bytes=largest)) for event in events]
        try:
            self.topics.put(bodies, until=time.monotonic() + self._settings.publish_timeout_seconds)
        except BusError:
            self._metrics.published.labels(outcome="failed").inc(len(events))
            raise
        self._metrics.published.labels(outcome="sent").inc(len(events))

    def subscribe(self, group: str, handler: Handler, *, start: str = NEW) -> None:
        """Give every event to one consumer of a group, those of one key in their order."""
        checked(start)
        joined = self.topics.join(group, start)
        handling = Handling(
            group, handler, settings=self._settings, park=self._parking(group), metrics=self._metrics
        )
        self._handlings.append(handling)
        for number in range(self._settings.workers):
            thread = threading.Thread(
                target=self._consume, args=(joined, handling), name=f"bus-{group}-{number}", daemon=True
            )
            thread.start()
            self._threads.append(thread)

    def read(
        self, start: str = EARLIEST, *, follow: bool = False, dead_letters: bool = False
    ) -> Iterator[Stored]:
        """What lies on the topic from `start` on."""
        checked(start)
        kept = self.topics.dead if dead_letters else self.topics.events
        with self.topics.changed:
            last = int(kept[-1].offset) if kept else 0
        after = last if start == NEW else 0 if start == EARLIEST else int(start) - 1
        while not self._closed.is_set():
            with self.topics.changed:
                found = [each for each in kept if int(each.offset) > after]
                if not found and follow:
                    self.topics.changed.wait()
            yield from (each for each in found if follow or int(each.offset) <= last)
            after = int(found[-1].offset) if found else after
            if not follow:
                return

    def close(self) -> None:
        """Finish what is being handled, and leave; what waits is left to other consumers of the group."""
        self._closed.set()
        for handling in self._handlings:
            handling.stop.set()
        with self.topics.changed:
            self.topics.changed.notify_all()
        until = time.monotonic() + self._settings.close_seconds
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, until - time.monotonic()))

    def _consume(self, group: Group, handling: Handling) -> None:
        while taken := self.topics.take(group, handling.stop):
            part, body = taken
            done = False
            try:
                done = handling.work([body]) == 1
            finally:  # a consumer that dies here leaves the event to the next one
                self.topics.release(group, part, done=done)

    def _parking(self, group: str):  # type: ignore[no-untyped-def]
        def park(body: bytes, reason: str, attempts: int) -> None:
            _, letter = dead_letter(
                body,
                group=group,
                reason=reason,
                attempts=attempts,
                at=time.time(),
                source=self._settings.source,
            )
            self.topics.bury(letter)

        return park


def open_bus(settings: BusSettings, registry: CollectorRegistry | None = None) -> MemoryBus:
    """The bus of this process."""
    return MemoryBus(settings, registry=registry)


def checked(start: str) -> None:
    """Raise `BusError` for a start that is none."""
    if start not in (NEW, EARLIEST) and not start.isdigit():
        raise BusError(
            f"start {start!r}: is no offset of this transport; give new, earliest or a whole number"
        )


def at_or_after(stored: Stored, start: str) -> bool:
    """Whether it lies where `start` points, or later."""
    return start == EARLIEST or int(stored.offset) >= int(start)
