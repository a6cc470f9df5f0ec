"""Commands: written before they are carried out, once for each key."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sre_copilot.clock import TurnedClock
from sre_copilot.errors import StoreError
from sre_copilot.incidents.alerting.commands import CommandDesk, Outcome
from sre_copilot.store.alerting.inbox import Inbox, mark_done
from sre_copilot.store.alerting.outcomes import MOST_KEPT, Outcomes
from sre_copilot.store.database import Database, sqlite_url
from sre_copilot.testing.alerting import START


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = Database(sqlite_url(tmp_path))
    yield found
    found.close()


@pytest.fixture
def inbox(database: Database) -> Iterator[Inbox]:
    found = Inbox(database)
    yield found
    found.close()


def worked_off(database: Database, inbox: Inbox, *, ok: bool = True) -> int:
    """Carry out what waits, as an engine would; how many."""
    waiting = inbox.pending(limit=10, kind="command")
    said = {
        "ok": ok,
        "status": 200 if ok else 409,
        "result": {"id": "INC-1"},
        "problem": "" if ok else "not now",
    }
    with database.write() as connection:
        mark_done(connection, [each.id for each in waiting], {each.id: said for each in waiting}, now=START)
    return len(waiting)


def test_a_command_waits_for_its_outcome(database: Database, inbox: Inbox) -> None:
    desk = CommandDesk(inbox, TurnedClock(START), works=lambda: True)
    found: list[object] = []
    asking = threading.Thread(
        target=lambda: found.append(desk.do("incident.acknowledge", {"id": "INC-1"}, who="ann"))
    )
    asking.start()
    while not worked_off(database, inbox):
        pass
    asking.join(10)
    (outcome,) = found
    assert (outcome.ok, outcome.result) == (True, {"id": "INC-1"})  # type: ignore[attr-defined]


def test_the_same_key_is_one_command_with_one_outcome(database: Database, inbox: Inbox) -> None:
    desk = CommandDesk(inbox, TurnedClock(START), works=lambda: True)
    first = desk.post("incident.comment", {"id": "INC-1"}, who="ann", key="k")
    assert desk.post("incident.comment", {"id": "INC-1"}, who="ann", key="k") == first
    assert worked_off(database, inbox, ok=False) == 1
    again = desk.do("incident.comment", {"id": "INC-1"}, who="ann", key="k")
    assert (again.ok, again.status, again.problem) == (False, 409, "not now")


def test_where_nobody_decides_nothing_is_written(inbox: Inbox) -> None:
    desk = CommandDesk(inbox, TurnedClock(START), works=lambda: False)
    with pytest.raises(StoreError, match="serve"):
        desk.do("incident.resolve", {"id": "INC-1"}, who="ann")
    assert inbox.waiting() == 0


def test_a_key_that_stands_for_another_command_is_refused(database: Database, inbox: Inbox) -> None:
    desk = CommandDesk(inbox, TurnedClock(START))
    desk.post("incident.comment", {"id": "INC-1", "text": "a"}, who="ann", key="k")
    for verb, text in (("incident.comment", "b"), ("incident.resolve", "a")):
        other = desk.do(verb, {"id": "INC-1", "text": text}, who="ann", key="k")
        assert (other.ok, other.status, other.field) == (False, 409, "idempotency-key")
    assert worked_off(database, inbox) == 1
    same = desk.do("incident.comment", {"text": "a", "id": "INC-1"}, who="ann", key="k")
    assert same.ok


def test_more_commands_than_may_wait_are_refused_at_once_and_not_kept(
    database: Database, inbox: Inbox
) -> None:
    desk = CommandDesk(inbox, TurnedClock(START), most_at_once=2)
    asking = [
        threading.Thread(target=desk.do, args=("incident.resolve", {"id": str(each)}), kwargs={"who": "ann"})
        for each in range(2)
    ]
    for each in asking:
        each.start()
    while inbox.waiting() < 2:
        pass
    with pytest.raises(StoreError, match="too many"):
        desk.do("incident.resolve", {"id": "3"}, who="ann")
    assert worked_off(database, inbox) == 2
    for each in asking:
        each.join(10)
    assert desk._places.acquire(blocking=False)
    assert inbox.waiting() == 0


def test_what_this_process_carried_out_is_told_without_asking_the_store(
    database: Database, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sre_copilot.incidents.alerting.commands.ASK_EVERY_S", (5.0,))
    desk, asked = CommandDesk(inbox, TurnedClock(START)), threading.Event()
    monkeypatch.setattr(inbox, "outcome", lambda entry: asked.set())
    found: list[Outcome] = []
    asking = threading.Thread(
        target=lambda: found.append(desk.do("incident.resolve", {"id": "INC-1"}, who="ann"))
    )
    asking.start()
    while not (waiting := inbox.pending(limit=10, kind="command")):
        pass
    inbox.outcomes.tell({waiting[0].id: {"ok": True, "status": 200, "result": {"id": "INC-1"}}})
    asking.join(4)
    assert [each.result for each in found] == [{"id": "INC-1"}]
    assert not asked.is_set()


def test_only_the_latest_outcomes_are_remembered() -> None:
    outcomes = Outcomes()
    for entry in range(MOST_KEPT + 1):
        outcomes.tell({entry: {"ok": True}})
    assert (outcomes.wait(0, 0.0), outcomes.wait(MOST_KEPT, 0.0)) == (None, {"ok": True})
