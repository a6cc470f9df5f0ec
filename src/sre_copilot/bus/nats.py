"""The bus over NATS JetStream.

FastStream's broker sends and pulls. The order of a key is kept by the server itself: each part of the topic is a subject, each group has one durable
consumer for it, and that one gives out a single event at a time, to whichever process asks. Making streams and reading from an offset, for which
FastStream has no way, is asked of its client (nats-py). An offset is the stream's own sequence number.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any

from prometheus_client import CollectorRegistry

from sre_copilot.bus.broker_access import missing_extra, password_of, telling, tls_context
from sre_copilot.bus.envelope import event_id
from sre_copilot.bus.port import Stored
from sre_copilot.bus.transport import BrokerBus, Work, part_of
from sre_copilot.errors import BusError
from sre_copilot.settings.bus import BusSettings

try:
    from faststream import AckPolicy
    from faststream.nats import JStream, NatsBroker, PullSub
    from faststream.nats.message import NatsMessage
    from faststream.nats.security import NatsSecurity, NatsToken
    from faststream.security import SASLPlaintext
    from nats.errors import Error as NatsError
    from nats.js import JetStreamContext
    from nats.js.api import AckPolicy as Acks
    from nats.js.api import ConsumerConfig, DeliverPolicy, DiscardPolicy, StreamConfig
    from nats.js.errors import NotFoundError
except ImportError as error:
    raise missing_extra("nats", error) from None

PULL_S = 1.0  # one request for the next event; then it is asked again, so that closing need not wait longer
SIGNS = 3  # of life in the time after which an event goes to another process
DUPLICATES_S = 120.0  # so long the server drops an event whose id it has already; its own default
STILL = asyncio.TimeoutError


class NatsTransport:
    """One connection for everything."""

    def __init__(self, settings: BusSettings) -> None:
        self._settings = settings
        self._lock = asyncio.Lock()
        self._broker: NatsBroker | None = None
        self._jetstream: JetStreamContext | None = None
        self._security = _security(settings)

    async def send(self, messages: Sequence[tuple[str, bytes]], *, dead_letters: bool) -> None:
        """Send all over one connection, which keeps their order; each is waited for."""
        with telling(self._settings, NatsError):
            broker, _ = await self._connected()
            await asyncio.gather(
                *(
                    broker.publish(
                        body,
                        self._settings.dead_letters if dead_letters else self._subject(key),
                        headers={
                            "content-type": "application/cloudevents+json; charset=UTF-8",
                            "Nats-Msg-Id": event_id(body),
                        },
                        stream=self._stream(dead_letters=dead_letters),
                        timeout=self._settings.publish_timeout_seconds,
                    )
                    for key, body in messages
                )
            )

    async def place(self, group: str, start: str) -> None:
        """Make the group's consumers, where there are none."""
        with telling(self._settings, NatsError):
            (_, stream), known = await self._connected(), self._stream()
            info = await stream.stream_info(known)  # one place for all parts, though events come in meanwhile
            at = {
                "deliver_policy": DeliverPolicy.BY_START_SEQUENCE,
                "opt_start_seq": first_sequence(start, last=info.state.last_seq),
            }
            for part in range(self._settings.partitions):
                name = self._durable(group, part)
                try:
                    await stream.consumer_info(known, name)
                except NotFoundError:
                    await stream.add_consumer(known, config=self._consumer(name, part, at))

    async def consume(self, group: str, work: Work, stopping: asyncio.Event) -> None:
        """Pull from each part until told to stop."""
        broker, puller = self._new_broker(), Puller(self._settings, work, stopping)
        for part in range(self._settings.partitions):
            subscriber = broker.subscriber(
                f"{self._settings.events_topic}.{part}",
                stream=JStream(self._stream(), declare=False),
                durable=self._durable(group, part),
                pull_sub=PullSub(batch_size=1, timeout=PULL_S),
                ack_policy=AckPolicy.MANUAL,
                decoder=_undecoded,
                no_reply=True,
            )
            subscriber(puller.handle)
        with telling(self._settings, NatsError):
            try:
                await asyncio.wait_for(broker.start(), self._settings.publish_timeout_seconds)
                await stopping.wait()
            finally:
                await puller.idle()
                with suppress(NatsError):
                    await broker.stop()

    async def read(self, start: str, *, follow: bool, dead_letters: bool) -> AsyncIterator[Stored]:
        """Read the stream in its own order."""
        with telling(self._settings, NatsError):
            _, stream = await self._connected()
            name = self._stream(dead_letters=dead_letters)
            last = (await stream.stream_info(name)).state.last_seq
            after = first_sequence(start, last=last) - 1
            subject = self._settings.dead_letters if dead_letters else f"{self._settings.events_topic}.*"
            pulled = await _pulling(stream, name, subject, after)
            while follow or after < last:
                try:
                    found = await pulled.fetch(self._settings.batch, timeout=PULL_S)
                except STILL:
                    after = after if follow else last  # what is not there any more does not come
                    continue
                for message in found:
                    after = message.metadata.sequence.stream
                    if follow or after <= last:
                        yield Stored(str(after), message.data)

    async def close(self) -> None:
        """End the connection."""
        if self._broker:
            with telling(self._settings, NatsError):
                await self._broker.stop()

    async def _connected(self) -> tuple[NatsBroker, JetStreamContext]:
        async with self._lock:
            if self._broker is None or self._jetstream is None:
                broker = self._new_broker()
                try:
                    await asyncio.wait_for(broker.start(), self._settings.publish_timeout_seconds)
                    stream = (await broker.connect()).jetstream(
                        timeout=self._settings.publish_timeout_seconds
                    )
                    await self._make_streams(stream)
                except (NatsError, OSError, TimeoutError):
                    await broker.stop()
                    raise
                self._broker, self._jetstream = broker, stream
            return self._broker, self._jetstream

    def _new_broker(self) -> NatsBroker:
        return NatsBroker(
            self._settings.url.split(","),
            security=self._security,
            logger=None,
            apply_types=False,
            graceful_timeout=self._settings.close_seconds,
            max_reconnect_attempts=-1,
            reconnect_time_wait=1,
            connect_timeout=3,
            error_cb=_unsaid,
        )

    async def _make_streams(self, stream: JetStreamContext) -> None:
        """Make the streams that are not there; those that are keep what they are set to."""
        topic = self._settings.events_topic
        for name, subject in (
            (self._stream(), f"{topic}.*"),
            (self._stream(dead_letters=True), self._settings.dead_letters),
        ):
            try:
                await stream.stream_info(name)
            except NotFoundError:
                await stream.add_stream(
                    StreamConfig(
                        name=name,
                        subjects=[subject],
                        max_age=self._settings.retention_hours * 3600,
                        discard=DiscardPolicy.OLD,
                        num_replicas=self._settings.replicas,
                        duplicate_window=min(DUPLICATES_S, self._settings.retention_hours * 3600),
                    )
                )

    def _consumer(self, name: str, part: int, at: dict[str, Any]) -> ConsumerConfig:
        return ConsumerConfig(
            durable_name=name,
            filter_subject=f"{self._settings.events_topic}.{part}",
            ack_policy=Acks.EXPLICIT,
            ack_wait=self._settings.takeover_seconds,
            max_ack_pending=1,  # the order of a key, whoever asks
            **at,
        )

    def _subject(self, key: str) -> str:
        return f"{self._settings.events_topic}.{part_of(key, self._settings.partitions)}"

    def _stream(self, *, dead_letters: bool = False) -> str:
        """The name of a stream holds no dots."""
        topic = self._settings.events_topic
        return f"{topic}-dead-letters".replace(".", "_") if dead_letters else topic.replace(".", "_")

    def _durable(self, group: str, part: int) -> str:
        return f"{group}-{part}".replace(".", "_")


class Puller:
    """Hands out what is pulled, and keeps telling the server that it is still being handled."""

    def __init__(self, settings: BusSettings, work: Work, stopping: asyncio.Event) -> None:
        self._settings = settings
        self._work = work
        self._stopping = stopping
        self._at_work: set[asyncio.Task[int]] = set()

    async def handle(self, message: NatsMessage) -> None:
        """Handle one event; what is not done is given back."""
        if self._stopping.is_set():
            await message.nack()
            return
        task = asyncio.ensure_future(self._work([message.raw_message.data]))
        self._at_work.add(task)
        try:
            await self._done(task, message)
        finally:
            self._at_work.discard(task)

    async def idle(self) -> None:
        """Return when nothing is being handled."""
        while self._at_work:
            await asyncio.wait(set(self._at_work))
            await asyncio.sleep(0)  # the server is told before the connection ends

    async def _done(self, task: asyncio.Task[int], message: NatsMessage) -> None:
        sign = self._settings.takeover_seconds / SIGNS
        with suppress(NatsError):  # a server that is away gives the event again
            while not (await asyncio.wait({task}, timeout=sign))[0]:
                await message.in_progress()
            try:
                done = task.result() == 1
            except BusError:  # the dead letters cannot be reached now
                done = False
                await message.nack(delay=1.0)
            if done:
                await message.ack()
            else:
                await message.nack()


def open_bus(settings: BusSettings, registry: CollectorRegistry | None = None) -> BrokerBus:
    """The bus over NATS JetStream; it connects when it is first used."""
    return BrokerBus(NatsTransport(settings), settings, registry=registry)


def first_sequence(start: str, *, last: int) -> int:
    """The sequence number at `start`, on a stream that ends with `last`."""
    if start in ("new", "earliest"):
        return last + 1 if start == "new" else 1
    if not start.isdigit():
        raise BusError(
            f"start {start!r}: is no offset of this transport; give new, earliest or what `events tail` showed"
        )
    return max(1, int(start))


async def _pulling(stream: JetStreamContext, name: str, subject: str, after: int) -> Any:
    """Reads for nobody's group; the server forgets it when it is not asked for a minute."""
    config = ConsumerConfig(
        ack_policy=Acks.NONE,
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=after + 1,
        inactive_threshold=60.0,
    )
    return await stream.pull_subscribe(subject, stream=name, config=config)


async def _undecoded(message: NatsMessage) -> NatsMessage:
    """The message as it came: its body is ours to read."""
    return message


async def _unsaid(_: Exception) -> None:
    """The client goes on by itself; what matters is raised where something was asked."""


def _security(settings: BusSettings) -> NatsSecurity | SASLPlaintext | None:
    context = tls_context(settings)
    secret = password_of(settings)
    if settings.username:
        return SASLPlaintext(settings.username, secret, ssl_context=context, use_ssl=context is not None)
    if secret:
        return NatsToken(secret, ssl_context=context)
    return NatsSecurity(ssl_context=context) if context else None
