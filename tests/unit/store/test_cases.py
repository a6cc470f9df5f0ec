"""Cases are changed only in the round and state that whoever changes them knows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import inspect

from sre_copilot.store.cases import CaseStore, cases
from sre_copilot.store.database import Database, sqlite_url
from sre_copilot.store.rooms import RoomStore


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(sqlite_url(tmp_path))
    yield made
    made.close()


def test_the_schema_of_cases_is_the_one_that_the_code_knows(database: Database) -> None:
    found = {column["name"]: column for column in inspect(database.engine).get_columns("cases")}
    assert set(found) == {column.name for column in cases.columns}
    assert all(found[c.name]["nullable"] == c.nullable for c in cases.columns if not c.primary_key)


def test_a_case_is_opened_once(database: Database) -> None:
    store = CaseStore(database)
    assert store.open("a", due_at=5.0, reasons=[{"key": "k", "params": {}}], now=1.0)
    assert not store.open("a", due_at=9.0, reasons=[], now=2.0)
    row = store.get("a")
    assert row is not None
    assert (row["round"], row["state"], row["due_at"]) == (1, "waiting", 5.0)


def test_a_change_in_another_round_or_state_is_none(database: Database) -> None:
    store = CaseStore(database)
    store.open("a", due_at=5.0, reasons=[], now=1.0)
    assert not store.change("a", number=2, states=("waiting",), now=2.0, state="running")
    assert not store.change("a", number=1, states=("done", "over"), now=2.0, state="running")
    assert store.change("a", number=1, states=("waiting", "done"), now=2.0, state="running", due_at=None)
    row = store.get("a")
    assert row is not None
    assert (row["state"], row["due_at"], row["updated_at"]) == ("running", None, 2.0)


def test_what_is_due_comes_in_the_order_of_its_waiting(database: Database) -> None:
    store = CaseStore(database)
    for key, due in (("a", 5.0), ("b", 3.0), ("c", 7.0)):
        store.open(key, due_at=due, reasons=[], now=1.0)
    assert [row["id"] for row in store.due(5.0)] == ["b", "a"]


def test_only_what_is_over_is_forgotten(database: Database) -> None:
    store = CaseStore(database)
    for key in ("a", "b"):
        store.open(key, due_at=5.0, reasons=[], now=1.0)
    store.change("a", number=1, states=("waiting",), now=2.0, state="over", due_at=None)
    assert store.forget(before=10.0) == 1
    assert store.get("b") is not None


def test_no_more_is_forgotten_at_once_than_the_limit_says(database: Database) -> None:
    store = CaseStore(database)
    for number in range(5):
        store.open(str(number), due_at=5.0, reasons=[], now=1.0)
        store.change(str(number), number=1, states=("waiting",), now=2.0, state="over", due_at=None)
    assert [store.forget(before=10.0, limit=2) for _ in range(4)] == [2, 2, 1, 0]


def test_a_room_with_a_given_id_is_opened_once(database: Database) -> None:
    rooms = RoomStore(database)
    first = rooms.open("one", owner="o", now=1.0, key="R-1")
    second = rooms.open("another", owner="o", now=2.0, key="R-1")
    assert first == second
    rooms.link("R-1", "I-1", now=3.0)
    row = rooms.get("R-1")
    assert row is not None
    assert (row["title"], row["investigation_id"]) == ("one", "I-1")
