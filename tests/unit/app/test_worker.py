"""The watch over the clock, and what is forgotten, of a worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from sre_copilot.app.alerting import LEASE
from sre_copilot.app.serving import Service, make_service
from sre_copilot.app.worker import DeadmanWatch, Forgetting, Worker, make_worker
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.evidence import Message
from sre_copilot.settings.alerting.people import DeadmanSettings
from sre_copilot.settings.document import Settings
from sre_copilot.store.alerting import tables
from sre_copilot.store.alerting.inbox import FORGET_AT_ONCE
from sre_copilot.store.leases import Leases
from sre_copilot.store.notifications import NotificationStore
from sre_copilot.testing.alerting import START
from sre_copilot.testing.durable import MemoryDurable

DAY_S = 86_400.0


class _Never:
    def is_set(self) -> bool:
        return False


_never: Any = _Never()


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock(START)


@pytest.fixture
def service(tmp_path: Path, clock: TurnedClock) -> Iterator[Service]:
    settings = Settings.model_validate({"store": {"folder": str(tmp_path)}})
    found = make_service(settings, sources=(), clock=clock)
    yield found
    found.alerting.close()
    found.database.close()


@pytest.fixture
def worker(service: Service, clock: TurnedClock) -> Iterator[Worker]:
    found = make_worker(service, durable=MemoryDurable(clock))
    yield found
    found.bus.close()


def test_a_follower_raises_no_alarm_while_another_process_leads(
    service: Service, worker: Worker, clock: TurnedClock
) -> None:
    clock.wait(600, _never)
    other = Leases(service.database, clock=clock)
    assert other.acquire(LEASE, "another/1", 60.0)
    worker.deadman.look()
    assert not worker.deadman._late
    clock.wait(120, _never)  # now nobody leads
    worker.deadman.look()
    assert worker.deadman._late


def test_the_watch_outlives_whatever_happens_to_one_look(clock: TurnedClock) -> None:
    raised: list[Message] = []

    def alarm(late: Message) -> None:
        raised.append(late)
        raise ValueError(late.key)

    watch = DeadmanWatch(DeadmanSettings(), clock, alarm=alarm)
    clock.wait(600, _never)
    watch.try_to_look()
    watch.try_to_look()
    assert raised
    watch.start()
    assert watch._thread is not None
    assert watch._thread.is_alive()
    watch.close()


def test_an_address_that_is_none_is_an_outside_watch_that_is_not_reached(clock: TurnedClock) -> None:
    settings = DeadmanSettings.model_validate({"url": "http://exa\x00mple/"})
    watch = DeadmanWatch(settings, clock)
    watch.look()
    assert watch._state.beaten_at is None


def test_what_is_over_is_forgotten_in_parts_until_nothing_is_left(
    service: Service, worker: Worker, clock: TurnedClock
) -> None:
    rows = [
        {
            "kind": "alerts",
            "source": "test",
            "received_at": START,
            "count": 1,
            "body": b"[]",
            "done_at": START,
        }
        for _ in range(FORGET_AT_ONCE + 10)
    ]
    with service.database.write() as connection:
        connection.execute(insert(tables.inbox), rows)
    forgetting = Forgetting(service, NotificationStore(service.database), worker.casework)
    clock.wait(40 * DAY_S, _never)
    left = []
    for _ in range(3):
        forgetting.pump()
        with service.database.begin() as connection:
            left.append(connection.execute(select(func.count()).select_from(tables.inbox)).scalar_one())
    assert left == [10, 0, 0]
    assert not forgetting._more
