"""The outbox empties onto the bus, in order, whatever the broker does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import insert, select

from sre_copilot.bus.envelope import decode
from sre_copilot.bus.memory import MemoryBus
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.event import Event, EventType
from sre_copilot.errors import BusError
from sre_copilot.incidents.relay import Relay
from sre_copilot.settings.bus import BusSettings
from sre_copilot.store.alerting.tables import outbox
from sre_copilot.store.database import Database, sqlite_url

DATA = {"verdict": "right", "by": "wang", "at": 1.0}


class Interrupted(MemoryBus):
    """A bus whose broker can be away, before or after it took the events."""

    away = ""

    def publish(self, *events: Event) -> None:
        if self.away == "before":
            raise BusError("bus.url: away")
        super().publish(*events)
        if self.away == "after":
            raise BusError("bus.url: no answer came")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(sqlite_url(tmp_path))
    yield opened
    opened.close()


@pytest.fixture
def bus() -> Iterator[Interrupted]:
    opened = Interrupted(BusSettings())
    yield opened
    opened.close()


def write(database: Database, *numbers: int, **changed: Any) -> None:
    with database.begin() as connection:
        for number in numbers:
            row = {"event_id": f"e{number}", "type": EventType.FEEDBACK_GIVEN.value, "key": "k", "at": 1.0, "data": json.dumps(DATA)}  # fmt: skip
            connection.execute(insert(outbox).values({**row, **changed}))


def lying(bus: MemoryBus) -> list[str]:
    return [decode(each.body).id for each in bus.read()]


def unpublished(database: Database) -> list[str]:
    query = select(outbox.c.event_id).where(outbox.c.published_at.is_(None)).order_by(outbox.c.id)
    with database.begin() as connection:
        return list(connection.execute(query).scalars())


def test_events_are_sent_in_their_order_and_once(database: Database, bus: Interrupted) -> None:
    write(database, *range(7))
    relay = Relay(database, bus, TurnedClock(100.0))
    assert [relay.pump(3) for _ in range(4)] == [3, 3, 1, 0]
    assert lying(bus) == [f"e{number}" for number in range(7)]
    assert unpublished(database) == []


def test_while_the_broker_is_away_events_wait_and_the_pauses_grow(
    database: Database, bus: Interrupted
) -> None:
    clock, registry = TurnedClock(100.0), CollectorRegistry()
    relay = Relay(database, bus, clock, registry=registry)
    write(database, 1, 2)
    bus.away = "before"
    failures, moments = 0.0, []
    for second in range(100, 200):
        clock.wait(second - clock.now(), until=_never())
        assert relay.pump() == 0
        counted = registry.get_sample_value("sre_copilot_outbox_failures_total", {"reason": "bus"}) or 0.0
        moments += [second] if counted > failures else []
        failures = counted
    assert moments == [100, 101, 103, 107, 115, 131, 161, 191]
    assert registry.get_sample_value("sre_copilot_outbox_waiting") == 2
    bus.away = ""
    clock.wait(60, until=_never())
    assert relay.pump() == 2
    assert registry.get_sample_value("sre_copilot_outbox_waiting") == 0
    assert lying(bus) == ["e1", "e2"]


def test_an_answer_that_was_lost_lets_the_same_ids_be_sent_again(
    database: Database, bus: Interrupted
) -> None:
    clock = TurnedClock(100.0)
    write(database, 1, 2)
    bus.away = "after"
    relay = Relay(database, bus, clock)
    assert relay.pump() == 0
    bus.away = ""
    assert Relay(database, bus, clock).pump() == 2  # another process, after a crash
    assert lying(bus) == ["e1", "e2", "e1", "e2"]


def test_an_event_that_no_broker_takes_stays_and_holds_up_no_other(
    database: Database, bus: Interrupted
) -> None:
    registry = CollectorRegistry()
    relay = Relay(database, bus, TurnedClock(100.0), registry=registry)
    write(database, 1)
    write(database, 2, data=json.dumps({"by": "x"}))
    write(database, 3, type="sre_copilot.feedback.given.v9")
    write(database, 4, data="no JSON")
    write(database, 5)
    assert relay.pump() == 2
    assert relay.pump() == 0
    assert lying(bus) == ["e1", "e5"]
    assert unpublished(database) == ["e2", "e3", "e4"]
    assert registry.get_sample_value("sre_copilot_outbox_failures_total", {"reason": "refused"}) == 3


def _never() -> Any:
    import threading

    return threading.Event()
