"""Tables of alerting and of deliveries on a real PostgreSQL."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import BigInteger, insert, inspect

from sre_copilot.store import deliveries as book
from sre_copilot.store.alerting import tables
from sre_copilot.store.alerting.inbox import Entry, Inbox, mark_done
from sre_copilot.store.alerting.states import AlertRecords
from sre_copilot.store.database import Database
from sre_copilot.store.notifications import NotificationStore, deliveries, insert_new

pytestmark = pytest.mark.integration
NUMBERED = (
    "inbox",
    "outbox",
    "incident_timeline",
    "audit",
    "notifications",
    "deliveries",
    "delivery_attempts",
)
BEYOND = 2**31 + 5


@pytest.mark.parametrize("table", NUMBERED)
def test_rows_that_are_numbered_as_they_come_have_63_bits(empty_postgresql: Database, table: str) -> None:
    columns = inspect(empty_postgresql.engine).get_columns(table)
    (number,) = (each["type"] for each in columns if each["name"] == "id")
    assert isinstance(number, BigInteger)


@pytest.mark.parametrize(
    ("table", "column"), [("alerts", "updated_at"), ("inbox", "done_at"), ("outbox", "published_at")]
)
def test_what_is_searched_by_its_time_has_an_index(
    empty_postgresql: Database, table: str, column: str
) -> None:
    found = inspect(empty_postgresql.engine).get_indexes(table)
    assert [column] in [each["column_names"] for each in found]


def test_entries_beyond_31_bits_are_taken_worked_off_and_forgotten_in_parts(
    empty_postgresql: Database,
) -> None:
    old = {"kind": "alerts", "source": "s", "received_at": 1.0, "count": 1, "body": b"[]"}
    with empty_postgresql.write() as connection:
        connection.execute(insert(tables.inbox), [{**old, "id": BEYOND + each} for each in range(3)])
        connection.exec_driver_sql(f"ALTER SEQUENCE inbox_id_seq RESTART WITH {BEYOND + 10}")
    inbox = Inbox(empty_postgresql)
    entry = inbox.put(Entry(kind="command", source="s", body=b"{}", received_at=1.0, key="k")).result(10)
    assert entry == BEYOND + 10
    with empty_postgresql.write() as connection:
        done = [each.id for kind in ("alerts", "command") for each in inbox.pending(limit=10, kind=kind)]
        mark_done(connection, done, {entry: {"ok": True}}, now=2.0)
    assert inbox.body(entry) == b"{}"
    assert inbox.outcome(entry) == {"ok": True}
    assert [inbox.forget(before=3.0, limit=3) for _ in range(3)] == [3, 1, 0]
    inbox.close()


def test_records_are_forgotten_in_parts(empty_postgresql: Database) -> None:
    event = {"type": "t", "key": "k", "at": 1.0, "data": "{}", "published_at": 1.0}
    rows = [{**event, "id": BEYOND + each, "event_id": f"e-{each}"} for each in range(5)]
    with empty_postgresql.write() as connection:
        connection.execute(insert(tables.outbox), rows)
    records = AlertRecords(empty_postgresql)
    assert [row["id"] for row in records.changes_since(BEYOND + 3)] == [BEYOND + 4]
    assert [records.forget(before=2.0, limit=2) for _ in range(4)] == [2, 2, 1, 0]
    assert NotificationStore(empty_postgresql).forget(before=2.0) == 0


def test_a_bot_that_does_not_answer_hides_no_page_of_another(empty_postgresql: Database) -> None:
    many = [_delivery(f"old-{each}", bot="dead") for each in range(5_500)]
    page = _delivery("page", bot="phone", severity="critical")
    with empty_postgresql.write() as connection:
        insert_new(connection, deliveries, [*many, page])
        keys = [row["key"] for row in book.waiting(connection)]
    assert keys[-1] == page["key"]
    assert len(keys) == book.OF_A_BOT + 1


def _delivery(key: str, *, bot: str, severity: str = "warning") -> dict[str, Any]:
    notification = {"key": key, "group_key": key, "receiver": bot, "state": "firing", "severity": severity}
    return book.delivery_row({**notification, "created_at": 1.0}, address="a", kind="webhook", bot=bot)
