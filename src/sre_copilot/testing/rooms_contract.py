"""What the store of rooms and sessions does on every engine: a test derives from `RoomsContract` and brings the fixture `database`."""

# ruff: noqa: S101 (a suite of tests, shipped)

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import inspect

from sre_copilot.errors import UsageError
from sre_copilot.store.database import Database
from sre_copilot.store.rooms import RoomStore, SessionStore, messages, notes, rooms, sessions, turns


def message(text: str) -> dict[str, Any]:
    """A message as the store takes it."""
    fields = {"author": "wang", "author_kind": "person", "kind": "said", "lang": "zh"}
    return {**fields, "text": text, "data": {}}


def note(kind: str, text: str, **changed: Any) -> dict[str, Any]:
    """A note as the store takes it."""
    return {"kind": kind, "about": "", "text": text, "who": "", "state": "", "data": {}, **changed}


class RoomsContract:
    """Derive a test class from it."""

    def test_the_schema_of_rooms_is_the_one_that_the_code_knows(self, database: Database) -> None:
        """Migrations and `store.rooms` agree."""
        found = inspect(database.engine)
        for table in (rooms, messages, notes, sessions, turns):
            columns = {column["name"]: column for column in found.get_columns(table.name)}
            assert set(columns) == {column.name for column in table.columns}, table.name
            assert all(columns[c.name]["nullable"] == c.nullable for c in table.columns if not c.primary_key)
            assert {index["name"] for index in found.get_indexes(table.name)} == {
                i.name for i in table.indexes
            }

    def test_messages_are_read_in_the_order_in_which_they_were_said(self, database: Database) -> None:
        """Page by page, and on from the last one."""
        store = RoomStore(database)
        room = store.open("支付变慢", owner="t1", now=1.0)["id"]
        other = store.open("other", owner="t1", now=1.0)["id"]
        for number in range(7):
            store.post(room, message(f"第{number}句"), now=10.0)
            store.post(other, message("x"), now=10.0)
        seen: list[str] = []
        cursor = None
        while True:
            page = store.messages(room, cursor=cursor, limit=3)
            seen += [row["text"] for row in page.rows]
            if page.next is None:
                break
            cursor = page.next
        assert seen == [f"第{number}句" for number in range(7)]

    def test_what_is_noted_is_kept_with_its_message_or_not_at_all(self, database: Database) -> None:
        """A note that cannot be kept takes the message with it."""
        store = RoomStore(database)
        room = store.open("x", owner="t1", now=1.0)["id"]
        kept = store.post(
            room, message("a"), [note("task", "check", who="log", state="open"), note("fact", "f")], now=2.0
        )
        with pytest.raises(Exception, match=r"."):
            store.post(room, message("b"), [{**note("fact", "f"), "text": None}], now=3.0)
        assert [row["text"] for row in store.messages(room).rows] == ["a"]
        assert [(row["text"], row["message_id"]) for row in store.noted(room, kind="task")] == [
            ("check", kept["id"])
        ]
        assert len(store.noted(room)) == 2

    def test_a_task_is_done_in_its_own_room_only(self, database: Database) -> None:
        """And a fact is no task."""
        store = RoomStore(database)
        room = store.open("x", owner="t1", now=1.0)["id"]
        other = store.open("y", owner="t1", now=1.0)["id"]
        store.post(room, message("a"), [note("task", "check", state="open"), note("fact", "f")], now=2.0)
        task, fact = store.noted(room, kind="task")[0]["id"], store.noted(room, kind="fact")[0]["id"]
        assert store.set_state(other, task, "done", now=3.0) is None
        assert store.set_state(room, fact, "done", now=3.0) is None
        done = store.set_state(room, task, "done", now=3.0)
        assert done is not None
        assert (done["state"], done["updated_at"]) == ("done", 3.0)

    def test_nothing_is_added_to_a_closed_room(self, database: Database) -> None:
        """It can still be read."""
        store = RoomStore(database)
        room = store.open("x", owner="t1", now=1.0, members=["t2"], least_role="responder")["id"]
        store.admit(room, ["t2", "t3"], now=2.0)
        store.close(room, now=3.0)
        with pytest.raises(UsageError, match="closed"):
            store.post(room, message("late"), now=4.0)
        with pytest.raises(UsageError, match="none of this id"):
            store.post("R-none", message("x"), now=4.0)
        kept = store.get(room)
        assert kept is not None
        assert (kept["members"], kept["closed_at"]) == (["t2", "t3"], 3.0)

    def test_people_who_speak_at_once_are_all_heard(self, database: Database) -> None:
        """Numbers of messages rise in the order of their being seen."""
        store = RoomStore(database)
        room = store.open("x", owner="t1", now=1.0)["id"]
        speaking = [
            threading.Thread(target=lambda: [store.post(room, message("x"), now=2.0) for _ in range(5)])
            for _ in range(4)
        ]
        for thread in speaking:
            thread.start()
        for thread in speaking:
            thread.join()
        assert len({row["id"] for row in store.messages(room).rows}) == 20

    def test_a_session_belongs_to_its_owner(self, database: Database) -> None:
        """Nobody else reads it, adds to it or removes it."""
        store = SessionStore(database)
        mine = store.open(owner="t1", title="q", now=1.0)["id"]
        turn = {"question": "为什么慢", "understood": {"intent": "diagnose"}, "answer": {"headline": "…"}}
        store.add(mine, owner="t1", now=2.0, **turn)  # type: ignore[arg-type]
        assert store.get(mine, owner="t2") is None
        assert store.turns(mine, owner="t2").rows == ()
        assert store.last(mine, owner="t2") is None
        assert store.page(owner="t2").rows == ()
        with pytest.raises(UsageError):
            store.add(mine, owner="t2", now=3.0, **turn)  # type: ignore[arg-type]
        assert not store.remove(mine, owner="t2")
        found = store.last(mine, owner="t1")
        assert found is not None
        assert {key: found[key] for key in turn} == turn
        assert store.remove(mine, owner="t1")
        assert store.turns(mine, owner="t1").rows == ()

    def test_turns_are_paged_from_the_first(self, database: Database) -> None:
        """Sessions come with the latest used first."""
        store = SessionStore(database)
        keys = [store.open(owner="t1", title=str(n), now=float(n))["id"] for n in range(3)]
        for number in range(5):
            store.add(keys[0], owner="t1", question=str(number), understood={}, answer={}, now=10.0 + number)
        first = store.turns(keys[0], owner="t1", limit=3)
        second = store.turns(keys[0], owner="t1", limit=3, cursor=first.next)
        assert [row["question"] for row in (*first.rows, *second.rows)] == list("01234")
        assert [row["id"] for row in store.page(owner="t1").rows] == [keys[0], keys[2], keys[1]]
