"""The bus over Redis streams.

The client (redis-py) is used as it is: FastStream gives the entries of a stream to any member of a group, which does not keep the order of a key, and
puts a frame of its own around each body. Here each part of the topic is a stream, and a lease says which process works on it; so one at a time does, and all
members can read as one consumer: what a dead one had in hand is what the next finds pending.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any

from prometheus_client import CollectorRegistry

from sre_copilot.bus.broker_access import missing_extra, password_of, telling, tls_context
from sre_copilot.bus.port import Stored
from sre_copilot.bus.redis_scripts import ACKNOWLEDGE, ADD, KEEP, LEAVE, TAKE
from sre_copilot.bus.transport import BrokerBus, Work, part_of
from sre_copilot.errors import BusError
from sre_copilot.settings.bus import BusSettings

try:
    from redis.asyncio import ConnectionPool, Redis, SSLConnection
    from redis.asyncio.retry import Retry
    from redis.backoff import ExponentialBackoff
    from redis.exceptions import RedisError, ResponseError
except ImportError as error:
    raise missing_extra("redis", error) from None

FIELD = b"event"  # of an entry: the body
MEMBER = "member"  # all processes read as one consumer; the lease says which of them
TURN_S = 1.0  # then a part is offered to others
LOOK_S = 0.5  # so often a part that another works on is asked for
RETRIES = 2  # a connection that a restart cut is made anew
KEPT = 3  # renewals in the time after which a lease ends


class RedisTransport:
    """One pool of connections."""

    def __init__(self, settings: BusSettings) -> None:
        self._settings = settings
        self._redis: Any = _client(settings)
        self._most = max(10, settings.buffer_events)

    async def send(self, messages: Sequence[tuple[str, bytes]], *, dead_letters: bool) -> None:
        """Add all in one exchange; what has no room says whom it waits for."""
        with telling(self._settings, RedisError):
            pipe = self._redis.pipeline(transaction=False)
            for key, body in messages:
                stream = (
                    self._settings.dead_letters
                    if dead_letters
                    else self._stream(part_of(key, self._settings.partitions))
                )
                pipe.eval(ADD, 1, stream, self._most, body)
            answers = await pipe.execute(raise_on_error=False)
        failed = [answer for answer in answers if isinstance(answer, Exception)]
        if not failed:
            return
        if "FULL" in str(failed[0]):
            raise BusError(
                f"bus.buffer_events ({self._settings.buffer_events}): so many events wait in Redis for the group"
                f" {str(failed[0]).split()[-1]}, whose consumer is too slow or gone; start it, or remove the group (XGROUP DESTROY)"
            )
        with telling(self._settings, RedisError):
            raise failed[0]

    async def place(self, group: str, start: str) -> None:
        """Make the group on each part, where it is not."""
        with telling(self._settings, RedisError):
            begin = "$" if start == "new" else "0" if start == "earliest" else before(start)
            for stream in self._streams():
                try:
                    await self._redis.xgroup_create(stream, group, id=begin, mkstream=True)
                except ResponseError as error:
                    if "BUSYGROUP" not in str(error):
                        raise

    async def consume(self, group: str, work: Work, stopping: asyncio.Event) -> None:
        """Work on each part whose lease can be had, until told to stop."""
        turns = [
            asyncio.create_task(
                Part(
                    self._redis, self._settings, stream=stream, group=group, work=work, stopping=stopping
                ).run()
            )
            for stream in self._streams()
        ]
        try:
            with telling(self._settings, RedisError):
                await asyncio.gather(*turns)
        finally:  # one that failed does not leave the others at work alone
            for turn in turns:
                turn.cancel()
            await asyncio.gather(*turns, return_exceptions=True)

    async def read(self, start: str, *, follow: bool, dead_letters: bool) -> AsyncIterator[Stored]:
        """Read all parts side by side in the order of their ids, which one server gives by its own clock."""
        with telling(self._settings, RedisError):
            streams = [self._settings.dead_letters] if dead_letters else self._streams()
            last = {stream: await self._last(stream) for stream in streams}
            begin = None if start == "new" else "0-0" if start == "earliest" else before(start)
            at = {stream: begin or last[stream] for stream in streams}
            while follow or any(number(at[each]) < number(last[each]) for each in streams):
                answer = await self._redis.xread(
                    at, count=self._settings.batch, block=int(TURN_S * 1000) if follow else None
                )
                found = {name.decode(): entries for name, entries in answer or ()}
                if not found and not follow:
                    return
                for each, entry_id, fields in merged(found, self._settings.batch):
                    at[each] = entry_id
                    if follow or number(entry_id) <= number(last[each]):
                        yield Stored(entry_id, fields.get(FIELD, b""))

    async def close(self) -> None:
        """End all connections."""
        with suppress(RedisError, OSError):
            await self._redis.aclose()

    async def _last(self, stream: str) -> str:
        entries = await self._redis.xrevrange(stream, count=1)
        return str(entries[0][0].decode()) if entries else "0-0"

    def _stream(self, part: int) -> str:
        return f"{self._settings.events_topic}.{part}"

    def _streams(self) -> list[str]:
        return [self._stream(part) for part in range(self._settings.partitions)]


class Part:
    """One part of the topic, as one process of a group works on it."""

    def __init__(
        self,
        redis: Any,
        settings: BusSettings,
        *,
        stream: str,
        group: str,
        work: Work,
        stopping: asyncio.Event,
    ) -> None:
        self._redis: Any = redis  # its types do not know whether it answers text or bytes: it is bytes
        self._settings = settings
        self._stream = stream
        self._group = group
        self._work = work
        self._stopping = stopping
        self._lease = f"{stream}.lease.{group}"
        self._token = secrets.token_hex(8)
        self._milliseconds = int(settings.takeover_seconds * 1000)

    async def run(self) -> None:
        """Turn after turn, until told to stop."""
        while not self._stopping.is_set():
            last = await self._redis.eval(TAKE, 2, self._lease, self._stream, self._token, self._milliseconds)
            if last is None:
                await self._pause(LOOK_S)
                continue
            keeping = asyncio.create_task(self._keep())
            try:
                some = await self._turn()
            finally:
                keeping.cancel()
                with suppress(RedisError, OSError):
                    await self._redis.eval(LEAVE, 1, self._lease, self._token)
            if not some and not self._stopping.is_set():
                await self._news(last)

    async def _turn(self) -> bool:
        """Work for a while: first on what was given out and is not done, then on what is new; whether there was anything."""
        until = asyncio.get_running_loop().time() + TURN_S
        some, after = False, "0"
        while not self._stopping.is_set() and asyncio.get_running_loop().time() < until:
            entries = await self._entries(after)
            if not entries:
                if after == ">":
                    break
                after = ">"
                continue
            some = True
            done = await self._work([fields.get(FIELD, b"") if fields else b"" for _, fields in entries])
            if done and not await self._acknowledge([entry_id for entry_id, _ in entries[:done]]):
                break
            if done < len(entries):
                break
        return some

    async def _entries(self, after: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
        found = await self._redis.xreadgroup(
            self._group, MEMBER, {self._stream: after}, count=self._settings.batch
        )
        entries: list[tuple[bytes, dict[bytes, bytes]]] = found[0][1] if found else []
        return entries

    async def _acknowledge(self, ids: Sequence[bytes]) -> bool:
        done = await self._redis.eval(
            ACKNOWLEDGE, 2, self._lease, self._stream, self._token, self._milliseconds, self._group, *ids
        )
        return bool(done)

    async def _keep(self) -> None:
        """Keep the lease while a handler takes its time; when Redis is away, the turn finds that out by itself."""
        while True:
            await asyncio.sleep(self._settings.takeover_seconds / KEPT)
            with suppress(RedisError, OSError):
                await self._redis.eval(KEEP, 1, self._lease, self._token, self._milliseconds)

    async def _news(self, last: bytes) -> None:
        """Wait until something is added after `last`; now and then look for what a dead process left."""
        seconds = min(TURN_S, self._settings.takeover_seconds / 2)
        await self._redis.xread({self._stream: last}, count=1, block=int(seconds * 1000))

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)


def open_bus(settings: BusSettings, registry: CollectorRegistry | None = None) -> BrokerBus:
    """The bus over Redis streams; it connects when it is first used."""
    return BrokerBus(RedisTransport(settings), settings, registry=registry)


def number(entry_id: str) -> tuple[int, int]:
    """An id as what it is ordered by.

    Raises
    ------
    BusError : when the text is none
    """
    try:
        milliseconds, _, sequence = entry_id.partition("-")
        return int(milliseconds), int(sequence or 0)
    except ValueError:
        raise BusError(
            f"start {entry_id!r}: is no offset of this transport; give new, earliest or what `events tail` showed"
        ) from None


def before(entry_id: str) -> str:
    """The id after which everything of that millisecond still comes: parts that were written in the same one have no order among themselves."""
    milliseconds, _ = number(entry_id)
    return f"{milliseconds - 1}-{2**64 - 1}" if milliseconds else "0-0"


def merged(
    found: dict[str, list[tuple[bytes, dict[bytes, bytes]]]], page: int
) -> list[tuple[str, str, dict[bytes, bytes]]]:
    """Entries of several streams by their ids, up to where all of them are known: a full page may hide an earlier one."""
    ends = [number(entries[-1][0].decode()) for entries in found.values() if len(entries) >= page]
    horizon = min(ends) if ends else None
    entries = [
        (stream, entry_id.decode(), fields) for stream, listed in found.items() for entry_id, fields in listed
    ]
    kept = [each for each in entries if horizon is None or number(each[1]) <= horizon]
    return sorted(kept, key=lambda each: number(each[1]))


def _client(settings: BusSettings) -> Redis:
    context = tls_context(settings)
    secured: dict[str, Any] = {}
    if context is not None:
        secured = {
            "connection_class": SSLConnection,
            "ssl_ca_certs": settings.ca_file and str(settings.ca_file),
        }
    pool = ConnectionPool.from_url(
        settings.url.replace("rediss://", "redis://"),
        username=settings.username or None,
        password=password_of(settings) or None,
        socket_connect_timeout=3,
        socket_timeout=settings.publish_timeout_seconds,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), RETRIES),
        **secured,
    )
    return Redis.from_pool(pool)
