"""The thread that writes the inbox outlives whatever happens to one entry or to whoever waits for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sre_copilot.errors import StoreError
from sre_copilot.store.alerting.inbox import Entry, Inbox, mark_done
from sre_copilot.store.database import Database, sqlite_url


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    database = Database(sqlite_url(tmp_path))
    found = Inbox(database)
    yield found
    found.close()
    database.close()


def entry(**more: Any) -> Entry:
    return Entry(**({"kind": "alerts", "source": "test", "body": b"[]", "received_at": 1.0} | more))


def test_whoever_no_longer_waits_takes_nothing_back_and_stops_nobody(inbox: Inbox) -> None:
    gone = inbox.put(entry())
    assert not gone.cancel()
    inbox.put(entry()).result(5)
    assert inbox.waiting() == 2


def test_an_entry_that_cannot_be_written_is_told_to_its_sender_and_the_next_one_is_taken(
    inbox: Inbox,
) -> None:
    with pytest.raises(Exception, match="object"):
        inbox.put(entry(source=object())).result(5)
    inbox.put(entry()).result(5)
    assert inbox.waiting() == 1


def test_an_entry_with_a_known_key_is_written_once_and_has_the_id_of_the_first(inbox: Inbox) -> None:
    first = inbox.put(entry(kind="command", key="a")).result(5)
    both = [inbox.put(entry(kind="command", key=key)) for key in ("a", "b", "b")]
    ids = [each.result(5) for each in both]
    assert ids[0] == first
    assert ids[1] == ids[2] != first
    assert inbox.waiting() == 2


def test_a_full_inbox_refuses_at_once_and_takes_again_when_it_was_written(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path))
    found = Inbox(database, most_waiting=3, most_bytes=1_000)
    with database.write():  # nothing is written meanwhile
        kept = [found.put(entry()) for _ in range(3)]
        began = time.monotonic()
        with pytest.raises(StoreError, match="full"):
            found.put(entry())
        assert time.monotonic() - began < 1.0
    for each in kept:
        each.result(5)
    _put_when_there_is_room(found, entry(body=b"x" * 900)).result(5)
    with database.write():
        _put_when_there_is_room(found, entry(body=b"x" * 2_000))  # one alone is taken
        with pytest.raises(StoreError, match="full"):
            found.put(entry(body=b"x"))
    found.close()
    assert found.waiting() == 5
    database.close()


def _put_when_there_is_room(inbox: Inbox, wanted: Entry) -> Any:
    for _ in range(500):
        if not inbox._held:
            return inbox.put(wanted)
        time.sleep(0.01)
    raise AssertionError("there was never room")


def test_what_was_worked_off_is_forgotten_in_parts(inbox: Inbox) -> None:
    for each in [inbox.put(entry()) for _ in range(5)]:
        each.result(5)
    with inbox._database.write() as connection:
        mark_done(connection, range(1, 6), {}, now=10.0)
    assert [inbox.forget(before=20.0, limit=2) for _ in range(4)] == [2, 2, 1, 0]


def test_a_closed_inbox_takes_nothing(inbox: Inbox) -> None:
    inbox.close()
    with pytest.raises(StoreError):
        inbox.put(entry())
