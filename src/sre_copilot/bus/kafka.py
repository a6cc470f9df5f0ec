"""The bus over anything that speaks Kafka's protocol.

FastStream's broker sends, takes batches as a member of a group, and hands them to us; offsets are committed by hand, for what is done. What it has
no way for is asked of its client (aiokafka): making topics with parts, where a new group begins, and reading from an offset.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any

from prometheus_client import CollectorRegistry

from sre_copilot.bus.broker_access import missing_extra, password_of, telling, tls_context
from sre_copilot.bus.kafka_offsets import at_offset, written
from sre_copilot.bus.port import Stored
from sre_copilot.bus.transport import BrokerBus, Work, part_of
from sre_copilot.errors import BusError
from sre_copilot.settings.bus import BusSettings

try:
    from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic
    from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code
    from faststream import AckPolicy
    from faststream.kafka import KafkaBroker
    from faststream.kafka.message import KafkaMessage
    from faststream.kafka.security import parse_security
    from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512
except ImportError as error:
    raise missing_extra("kafka", error) from None

POLL_MS = (
    50  # FastStream waits as long again when nothing came: what comes is seen within a tenth of a second
)
LEAST_SESSION_MS = 6000  # brokers take no less, unless they are told to
HEARTBEATS = 3  # in the time after which a consumer counts as dead
MECHANISMS = {"PLAIN": SASLPlaintext, "SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}


class KafkaTransport:
    """One connection that sends, and one more for each consumer."""

    def __init__(self, settings: BusSettings) -> None:
        self._settings = settings
        self._security = _security(settings)
        self._servers = settings.url.split(",")
        self._lock = asyncio.Lock()
        self._sender: KafkaBroker | None = None

    async def send(self, messages: Sequence[tuple[str, bytes]], *, dead_letters: bool) -> None:
        """Send all at once; each is waited for. The part of a key is chosen as every client of Kafka does."""
        with telling(self._settings, KafkaError):
            broker = await self._connected()
            topic = self._settings.dead_letters if dead_letters else self._settings.events_topic
            waiting = [
                await broker.publish(
                    body,
                    topic,
                    key=key.encode(),
                    headers={"content-type": "application/cloudevents+json; charset=UTF-8"},
                    no_confirm=True,
                )
                for key, body in messages
            ]
            await asyncio.gather(*waiting)

    async def place(self, group: str, start: str) -> None:
        """Commit where the group begins, where it has committed nothing yet."""
        with telling(self._settings, KafkaError):
            await self._connected()  # and so the topic is there
            async with self._consumer(self._group(group)) as consumer:
                parts = await self._parts(consumer, self._settings.events_topic)
                consumer.assign(parts)
                missing = [part for part in parts if await consumer.committed(part) is None]
                if missing:
                    await consumer.commit(await at_offset(consumer, missing, start))

    async def consume(self, group: str, work: Work, stopping: asyncio.Event) -> None:
        """Take part in the group until told to stop."""
        member = Member(self._settings, work, stopping)
        broker = self._broker()
        takeover = max(LEAST_SESSION_MS, int(self._settings.takeover_seconds * 1000))
        subscriber = broker.subscriber(
            self._settings.events_topic,
            batch=True,
            group_id=self._group(group),
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="earliest",
            max_records=self._settings.batch,
            batch_timeout_ms=POLL_MS,
            session_timeout_ms=takeover,
            heartbeat_interval_ms=takeover // HEARTBEATS // 2,
            listener=member,
            decoder=_undecoded,
            no_reply=True,
        )
        subscriber(member.handle)
        with telling(self._settings, KafkaError):
            try:
                await broker.start()
                await member.ended()
            finally:
                async with member.at_work:
                    with suppress(KafkaError):
                        await broker.stop()
        if member.failure:
            raise member.failure

    async def read(self, start: str, *, follow: bool, dead_letters: bool) -> AsyncIterator[Stored]:
        """Read all parts side by side; an offset tells of every part where it stands."""
        topic = self._settings.dead_letters if dead_letters else self._settings.events_topic
        with telling(self._settings, KafkaError):
            await self._connected()
            async with self._consumer(None) as consumer:
                parts = await self._parts(consumer, topic)
                consumer.assign(parts)
                place = await at_offset(consumer, parts, start)
                ends = await consumer.end_offsets(parts)
                for part, offset in place.items():
                    consumer.seek(part, offset)
                while follow or any(place[part] < ends[part] for part in parts):
                    found = await consumer.getmany(timeout_ms=1000, max_records=self._settings.batch)
                    for part, records in found.items():
                        for record in records:
                            place[part] = record.offset
                            if follow or record.offset < ends[part]:
                                yield Stored(written(place), record.value or b"")
                            place[part] = record.offset + 1

    async def close(self) -> None:
        """End the connection that sends."""
        if self._sender:
            with telling(self._settings, KafkaError):
                await self._sender.stop()

    async def _connected(self) -> KafkaBroker:
        async with self._lock:
            if self._sender is None:
                await self._make_topics()
                broker = self._broker()
                await broker.start()
                self._sender = broker
            return self._sender

    def _broker(self) -> KafkaBroker:
        return KafkaBroker(
            self._servers,
            security=self._security,
            acks="all",
            enable_idempotence=False,
            request_timeout_ms=int(self._settings.publish_timeout_seconds * 1000),
            max_request_size=self._settings.max_event_bytes * 2,
            graceful_timeout=self._settings.close_seconds,
            logger=None,
            apply_types=False,
        )

    def _consumer(self, group: str | None) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            bootstrap_servers=self._servers,
            group_id=group,
            enable_auto_commit=False,
            request_timeout_ms=int(self._settings.publish_timeout_seconds * 1000),
            **parse_security(self._security),
        )

    def _group(self, group: str) -> str:
        """Groups of a broker are shared by all topics; ours are not those of another installation."""
        return f"{self._settings.topic_prefix}.{group}"

    async def _parts(self, consumer: AIOKafkaConsumer, topic: str) -> list[TopicPartition]:
        """The parts that the topic has: as many as are configured, unless somebody else made it."""
        await consumer.topics()  # asks the broker; what is known otherwise may be old
        numbers = consumer.partitions_for_topic(topic) or ()
        return [TopicPartition(topic, number) for number in sorted(numbers)]

    async def _make_topics(self) -> None:
        """Make the topics that are not there; one that is keeps its parts and its retention."""
        settings = self._settings
        kept = {"retention.ms": str(int(settings.retention_hours * 3_600_000))}
        wanted = [
            NewTopic(settings.events_topic, settings.partitions, settings.replicas, topic_configs=kept),
            NewTopic(settings.dead_letters, 1, settings.replicas, topic_configs=kept),
        ]
        admin = AIOKafkaAdminClient(bootstrap_servers=self._servers, **parse_security(self._security))
        try:
            await admin.start()
            answer = await admin.create_topics(wanted)
            for topic, code, *rest in answer.topic_errors:
                if code not in (0, TopicAlreadyExistsError.errno):
                    raise for_code(code)(f"topic {topic}: {rest[0] if rest else code}")
        finally:
            await admin.close()


class Member(ConsumerRebalanceListener):  # type: ignore[misc]
    """This process in a group: hands out batches, commits what is done, and gives no part away while it works on it."""

    def __init__(self, settings: BusSettings, work: Work, stopping: asyncio.Event) -> None:
        self._settings = settings
        self._work = work
        self._stopping = stopping
        self.at_work = asyncio.Lock()
        self.failure: BusError | None = None
        self._failed = asyncio.Event()

    async def handle(self, message: KafkaMessage) -> None:
        """Handle a batch: lanes of keys side by side, each in its order; then commit, for each part, up to the first that is not done."""
        async with self.at_work:
            if self._stopping.is_set() or self.failure:
                return
            records: Sequence[ConsumerRecord] = message.raw_message
            done = await self._done(records)
            offsets: dict[TopicPartition, int] = {}
            held: set[TopicPartition] = set()
            for record in records:
                part = TopicPartition(record.topic, record.partition)
                if (record.partition, record.offset) not in done:
                    held.add(part)
                elif part not in held:
                    offsets[part] = record.offset + 1
            if offsets:
                with suppress(KafkaError):  # the part is another's by now: the events come again there
                    consumer: Any = message.consumer  # its protocol leaves out what a commit can be told
                    await consumer.commit(offsets)

    async def ended(self) -> None:
        """Return when told to stop, or when a dead letter could not be put away."""
        waits = [asyncio.create_task(each.wait()) for each in (self._stopping, self._failed)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    async def on_partitions_revoked(self, revoked: Any) -> None:
        """Finish the batch before its parts go to another member."""
        async with self.at_work:
            pass

    async def on_partitions_assigned(self, assigned: Any) -> None:
        """Nothing: a part begins where its group has committed."""

    async def _done(self, records: Sequence[ConsumerRecord]) -> set[tuple[int, int]]:
        lanes: dict[int, list[ConsumerRecord]] = {}
        for record in records:
            key = (record.key or b"").decode("utf-8", errors="replace")
            lanes.setdefault(part_of(key, 1_000_003) % self._settings.workers, []).append(record)
        answers = await asyncio.gather(
            *(self._work([record.value or b"" for record in lane]) for lane in lanes.values()),
            return_exceptions=True,
        )
        done: set[tuple[int, int]] = set()
        for lane, answer in zip(lanes.values(), answers, strict=True):
            if isinstance(answer, BusError):
                self.failure = answer
                self._failed.set()
            elif isinstance(answer, BaseException):
                raise answer
            else:
                done |= {(record.partition, record.offset) for record in lane[:answer]}
        return done


def open_bus(settings: BusSettings, registry: CollectorRegistry | None = None) -> BrokerBus:
    """The bus over Kafka's protocol; it connects when it is first used."""
    return BrokerBus(KafkaTransport(settings), settings, registry=registry)


async def _undecoded(message: KafkaMessage) -> KafkaMessage:
    """The message as it came: its bodies are ours to read."""
    return message


def _security(settings: BusSettings) -> BaseSecurity:
    context = tls_context(settings)
    if not settings.username:
        return BaseSecurity(ssl_context=context, use_ssl=context is not None)
    return MECHANISMS[settings.sasl_mechanism](
        username=settings.username,
        password=password_of(settings),
        ssl_context=context,
        use_ssl=context is not None,
    )
