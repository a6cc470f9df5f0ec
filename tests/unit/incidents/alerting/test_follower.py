"""Following the outbox: in order, each event at least once, and on from where it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sre_copilot.alerts.changes import Changes
from sre_copilot.domain.event import Event, EventType
from sre_copilot.errors import StoreError
from sre_copilot.incidents.alerting.follower import Follower
from sre_copilot.incidents.alerting.rows import Prepared
from sre_copilot.store.alerting.states import AlertRecords
from sre_copilot.store.database import Database, sqlite_url
from sre_copilot.store.facts import Facts


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = Database(sqlite_url(tmp_path))
    yield found
    found.close()


def told(database: Database, *names: str) -> None:
    changes = Changes()
    for name in names:
        changes.events[name] = Event(
            id=name, type=EventType.INCIDENT_OPENED, key="INC-1", at=1.0, data={"n": name}
        )
    with database.write() as connection:
        Prepared(changes).save(connection)


def follower(database: Database, seen: list[str], *, refuse: str = "") -> Follower:
    def handle(event: Event) -> None:
        if event.id == refuse:
            raise StoreError("not now")
        seen.append(event.id)

    return Follower("test", AlertRecords(database), Facts(database), handle)


def test_events_come_in_order_and_once(database: Database) -> None:
    told(database, "a", "b")
    seen: list[str] = []
    one = follower(database, seen)
    one.pump()
    told(database, "c")
    one.pump()
    one.pump()
    assert seen == ["a", "b", "c"]


def test_a_new_process_goes_on_where_the_last_one_was(database: Database) -> None:
    told(database, "a")
    follower(database, []).pump()
    told(database, "b")
    seen: list[str] = []
    follower(database, seen).pump()
    assert seen == ["b"]


def test_what_is_refused_comes_again_and_nothing_overtakes_it(database: Database) -> None:
    told(database, "a", "b", "c")
    seen: list[str] = []
    follower(database, seen, refuse="b").pump()
    assert seen == ["a"]
    follower(database, seen).pump()
    assert seen == ["a", "b", "c"]
