"""What every transport of the bus does: a test derives from `BusContract` (and `BrokerContract`, where there is a broker) and brings the fixture `ground`."""

# ruff: noqa: S101 (a suite of tests, shipped)

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import pytest

from sre_copilot.bus.envelope import DEAD_LETTER, decode
from sre_copilot.bus.port import Bus
from sre_copilot.domain.event import Event, EventType
from sre_copilot.errors import BusError
from sre_copilot.settings.bus import BusSettings

PATIENCE_S = 30.0
MOMENT = 1_700_000_000.0


class Ground(Protocol):
    """Where the buses of one test meet: a broker, or the memory of this process."""

    holds_all: bool
    """Whether the broker keeps events on disk, so that a slow consumer holds up nobody."""

    def settings(self, **changed: Any) -> BusSettings:
        """Settings that lead there, with topics of this test alone."""
        ...

    def open(self, settings: BusSettings) -> Bus:
        """A bus; it is closed after the test."""
        ...

    def dying(self, settings: BusSettings, group: str, event_id: str) -> Callable[[], bool]:
        """Start a consumer that dies while it handles this event; what is returned tells whether it is dead."""
        ...

    def kill(self) -> None:
        """End the broker at once."""
        ...

    def start(self) -> None:
        """Start it again with what it had."""
        ...


def event(number: int, key: str = "k", *, verdict: str = "right") -> Event:
    """An event as a product makes it."""
    data = {"verdict": verdict, "by": "wang", "at": MOMENT + number, "comment": "支付变慢"}
    return Event(id=f"e{number}", type=EventType.FEEDBACK_GIVEN, key=key, at=MOMENT + number, data=data)


def until(what: Callable[[], Any], seconds: float = PATIENCE_S) -> None:
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.01)


def sent(bus: Bus, *events: Event) -> None:
    """Publish as the outbox does: again, until the broker takes it."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            return bus.publish(*events)
        except BusError:
            assert time.monotonic() < end, "the broker never took it"
            time.sleep(0.2)


class BusContract:
    """Derive a test class from it."""

    def test_an_event_arrives_as_it_was_sent_with_its_times_as_text(self, ground: Ground) -> None:
        """And what lies on the topic is a CloudEvent that anybody can read."""
        bus, got = ground.open(ground.settings(source="/prod/eu")), list[Event]()
        bus.subscribe("g", got.append)
        bus.publish(event(1, "支付"))
        until(lambda: got)
        assert got[0] == Event(
            id="e1",
            type=EventType.FEEDBACK_GIVEN,
            key="支付",
            at=MOMENT + 1,
            data={"verdict": "right", "by": "wang", "at": "2023-11-14T22:13:21Z", "comment": "支付变慢"},
        )
        (stored,) = bus.read()
        document = json.loads(stored.body)
        assert document["specversion"] == "1.0"
        assert (document["source"], document["time"]) == ("/prod/eu", "2023-11-14T22:13:21Z")
        assert document["dataschema"].endswith("sre_copilot.feedback.given.v1")

    def test_two_consumers_of_a_group_share_and_each_key_keeps_its_order(self, ground: Ground) -> None:
        """Another group gets everything as well."""
        settings = ground.settings()
        seen: list[tuple[str, Event]] = []
        other: list[Event] = []
        for name in ("a", "b"):
            ground.open(settings).subscribe("shared", lambda e, name=name: seen.append((name, e)))  # type: ignore[misc]
        bus = ground.open(settings)
        bus.subscribe("other", other.append)
        count = 0
        end = time.monotonic() + PATIENCE_S
        while {name for name, _ in seen} != {"a", "b"} or count < 300:
            assert time.monotonic() < end, "one of them got nothing"
            bus.publish(*(event(number, f"k{number % 20}") for number in range(count, count + 100)))
            count += 100
            until(lambda: len(seen) >= count, 10)  # noqa: B023
        assert len(seen) == len({each.id for _, each in seen}) == count
        for key in {each.key for _, each in seen}:
            numbers = [int(each.id[1:]) for _, each in seen if each.key == key]
            assert numbers == sorted(numbers)
        until(lambda: len({each.id for each in other}) == count)

    def test_what_a_consumer_died_on_comes_again_to_another(self, ground: Ground) -> None:
        """At least once, and what was before it in its key stays before it."""
        settings = ground.settings(takeover_seconds=2, workers=1)
        bus, got = ground.open(settings), list[Event]()
        dead = ground.dying(settings, "g", "e3")
        bus.publish(*(event(number) for number in range(6)))
        until(dead)
        bus.subscribe("g", got.append)
        until(lambda: {each.id for each in got} >= {"e3", "e4", "e5"})
        numbers = [int(each.id[1:]) for each in got]
        assert numbers == sorted(numbers)

    def test_a_new_group_begins_where_it_is_told_to(self, ground: Ground) -> None:
        """At what is new, at the earliest, at an offset; an offset is included."""
        bus = ground.open(ground.settings())
        groups: dict[str, list[str]] = {"new": [], "earliest": [], "offset": []}
        for number in range(10):
            bus.publish(event(number, f"k{number % 3}"))
            time.sleep(0.003)  # parts of one millisecond have no order among themselves
        stored = list(bus.read())
        offset = stored[6].offset
        for start, ids in groups.items():
            bus.subscribe(start, _into(ids), start=offset if start == "offset" else start)
        bus.publish(event(10))
        until(lambda: all("e10" in ids for ids in groups.values()))
        until(lambda: len(groups["earliest"]) == 11)
        assert groups["new"] == ["e10"]
        wanted = {decode(each.body).id for each in stored[6:]} | {"e10"}
        assert {decode(each.body).id for each in bus.read(offset)} == wanted
        until(lambda: set(groups["offset"]) == wanted)

    def test_an_event_that_cannot_be_handled_goes_to_the_dead_letters(self, ground: Ground) -> None:
        """With reason, attempts and the event as it was; neither its key nor any other is held up for ever."""
        bus = ground.open(ground.settings(max_attempts=3, retry_seconds=0.05))
        tries, got = list[str](), list[str]()

        def handle(each: Event) -> None:
            if each.data["verdict"] == "poison":
                tries.append(each.id)
                raise ValueError("the disk of the receiver is full")
            got.append(each.id)

        bus.subscribe("g", handle)
        bus.publish(
            event(0), event(1, verdict="poison"), event(2), *(event(n, f"k{n}") for n in range(3, 20))
        )
        until(lambda: len(got) == 19)
        assert tries == ["e1"] * 3
        until(lambda: list(bus.read(dead_letters=True)))
        (letter,) = (json.loads(each.body) for each in bus.read(dead_letters=True))
        assert letter["type"] == DEAD_LETTER
        told = letter["data"]
        assert (told["group"], told["attempts"]) == ("g", 3)
        assert told["reason"] == "ValueError: the disk of the receiver is full"
        assert decode(json.dumps(told["event"]).encode()).id == "e1"

    def test_a_handler_that_fails_in_passing_gets_the_event_again(self, ground: Ground) -> None:
        """In its order, and without a dead letter."""
        bus, got, failed = ground.open(ground.settings(retry_seconds=0.01)), list[str](), list[str]()

        def handle(each: Event) -> None:
            if len(failed) < 3:
                failed.append(each.id)
                raise ConnectionError("away")
            got.append(each.id)

        bus.subscribe("g", handle)
        bus.publish(event(0), event(1))
        until(lambda: len(got) == 2)
        assert got == ["e0", "e1"]
        assert list(bus.read(dead_letters=True)) == []

    def test_a_slow_consumer_does_not_let_memory_grow(self, ground: Ground) -> None:
        """Publishing fails and names the group, or the broker keeps all of it; then everything that was taken arrives."""
        settings = ground.settings(buffer_events=50, publish_timeout_seconds=1, batch=10, partitions=1)
        bus, go, got, begun, took = (
            ground.open(settings),
            threading.Event(),
            list[str](),
            list[str](),
            list[str](),
        )

        def handle(each: Event) -> None:
            begun.append(each.id)
            go.wait(PATIENCE_S)
            got.append(each.id)

        bus.subscribe("slow", handle)
        bus.publish(event(0))
        until(lambda: begun)
        refused = ""
        try:
            for number in range(1, 500):
                bus.publish(event(number, f"k{number % 10}"))
                took.append(f"e{number}")
        except BusError as error:
            refused = str(error)
        assert len(begun) <= settings.workers
        if ground.holds_all:
            assert refused == ""
        else:
            assert "slow" in refused
            assert len(took) < 120
        go.set()
        until(lambda: set(took) <= set(got))

    def test_an_event_that_is_sent_twice_can_be_known_by_its_id(self, ground: Ground) -> None:
        """It comes once or twice, and is the same."""
        bus, got = ground.open(ground.settings()), list[Event]()
        bus.subscribe("g", got.append)
        bus.publish(event(1))
        bus.publish(event(1), event(2))
        until(lambda: "e2" in {each.id for each in got})
        copies = [each for each in got if each.id == "e1"]
        assert 1 <= len(copies) <= 2
        assert all(each == copies[0] for each in copies)

    def test_closing_finishes_what_is_being_handled(self, ground: Ground) -> None:
        """It is not given to anybody again; what was not begun is."""
        settings = ground.settings(workers=1, takeover_seconds=2)
        bus, begun, got, later = ground.open(settings), threading.Event(), list[str](), list[str]()

        def handle(each: Event) -> None:
            begun.set()
            time.sleep(0.4)
            got.append(each.id)

        bus.subscribe("g", handle)
        bus.publish(*(event(number) for number in range(5)))
        assert begun.wait(PATIENCE_S)
        bus.close()
        finished = list(got)
        assert 1 <= len(finished) < 5
        with pytest.raises(BusError):
            bus.publish(event(9))
        ground.open(settings).subscribe("g", lambda each: later.append(each.id))
        until(lambda: set(finished + later) == {f"e{number}" for number in range(5)})
        assert not set(finished) & set(later)
        assert got == finished

    def test_what_no_broker_can_take_is_refused_by_name(self, ground: Ground) -> None:
        """And nothing that was sent with it goes out."""
        bus = ground.open(ground.settings(max_event_bytes=1000))
        for wrong, reason in (
            (event(1, verdict="x" * 2000), "max_event_bytes"),
            (
                Event(id="e1", type=EventType.FEEDBACK_GIVEN, key="k", at=MOMENT, data={"by": "x"}),
                r"data\.verdict|data\.at",
            ),
        ):
            with pytest.raises(BusError, match=reason) as caught:
                bus.publish(event(0), wrong)
            assert caught.value.event_id == "e1"  # type: ignore[attr-defined]
        assert list(bus.read()) == []


class BrokerContract:
    """What a transport over a broker does besides."""

    def test_a_broker_that_was_killed_is_used_again_with_all_that_it_had(self, ground: Ground) -> None:
        """Sending fails clearly meanwhile; the consumer goes on by itself."""
        bus = ground.open(ground.settings(publish_timeout_seconds=2))
        got: list[str] = []
        bus.subscribe("g", lambda each: got.append(each.id))
        bus.publish(event(0))
        until(lambda: got)
        ground.kill()
        began = time.monotonic()
        with pytest.raises(BusError, match="Check that the broker runs"):
            bus.publish(event(1))
        assert time.monotonic() - began < 6
        ground.start()
        sent(bus, event(1), event(2))
        until(lambda: {"e1", "e2"} <= set(got), 60)
        assert {"e0", "e1", "e2"} == {decode(each.body).id for each in bus.read()}

    def test_a_broker_that_is_away_at_the_start_keeps_nobody_from_starting(self, ground: Ground) -> None:
        """Sending says so without the password, and all goes well as soon as it is there."""
        ground.kill()
        settings = ground.settings(publish_timeout_seconds=2)
        secretive = settings.model_validate({**settings.model_dump(), "password": "hunter22-secret"})
        began = time.monotonic()
        with pytest.raises(BusError) as caught:
            ground.open(secretive).publish(event(1))
        assert "hunter22-secret" not in f"{caught.value!r} {caught.value} {secretive!r}"
        bus, got = ground.open(settings), list[Event]()
        bus.subscribe("g", got.append, start="earliest")
        assert time.monotonic() - began < 15
        ground.start()
        sent(bus, event(2))
        until(lambda: got, 60)

    def test_a_stuck_consumer_stays_small_and_loses_its_parts_to_nobody(self, ground: Ground) -> None:
        """It is slow, not dead: it keeps telling the broker that it lives, and the events are not given to another."""
        settings = ground.settings(takeover_seconds=2, workers=1, partitions=1)
        bus, go, begun, twice = ground.open(settings), threading.Event(), list[str](), list[str]()

        def handle(each: Event) -> None:
            begun.append(each.id)
            go.wait(PATIENCE_S)

        bus.subscribe("g", handle)
        bus.publish(event(0))
        until(lambda: begun)
        time.sleep(3 * settings.takeover_seconds)
        assert begun == ["e0"]
        go.set()
        ground.open(settings).subscribe("g", lambda each: twice.append(each.id))
        time.sleep(1)
        assert "e0" not in twice


def _into(ids: list[str]) -> Callable[[Event], None]:
    return lambda each: ids.append(each.id)


@contextmanager
def closing(opened: list[Bus]) -> Iterator[None]:
    """Close buses, the latest first."""
    try:
        yield
    finally:
        for bus in reversed(opened):
            bus.close()
