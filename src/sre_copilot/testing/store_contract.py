"""What the store does on every engine: a test derives from `StoreContract` and brings the fixture `database`."""

# ruff: noqa: S101 (a suite of tests, shipped)

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from sre_copilot.domain.event import Event, EventType
from sre_copilot.errors import StoreError
from sre_copilot.store.alerting.states import AlertRecords
from sre_copilot.store.database import Database, migrate
from sre_copilot.store.facts import Facts
from sre_copilot.store.records import Records, anomaly_records
from sre_copilot.store.schema import metadata
from sre_copilot.store.tokens import TokenStore


def row(number: int, **changed: Any) -> dict[str, Any]:
    """A row of the table `anomalies`."""
    found = {
        "id": f"A-{number:04}",
        "entity": f"service-{number % 3}",
        "metric": "latency",
        "instance": "",
        "modality": "metrics",
        "source": "synthetic",
        "method": "level",
        "severity": "warning",
        "score": 0.8,
        "peak_score": 0.9,
        "current": 1.5,
        "expected": 1.0,
        "low": None,
        "high": None,
        "deviation": 4.0,
        "since": 1000.0 + number,
        "opened_at": 1000.0 + number // 2,
        "updated_at": 1000.0 + number,
        "closed_at": 2000.0,
        "finding": {"sentences": {"en": "it is slow", "zh": "变慢"}},
    }
    return {**found, **changed}


class StoreContract:
    """Derive a test class from it."""

    def test_the_schema_is_the_one_that_the_code_knows(self, database: Database) -> None:
        """Migrations and `store.tables` agree, and migrating again changes nothing."""
        migrate(database.engine)
        with database.begin() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, metadata) == []

    def test_what_is_saved_comes_back(self, database: Database) -> None:
        """Texts of any language too."""
        records = anomaly_records(database)
        assert records.save([row(1)]) == 1
        assert records.get("A-0001") == row(1)
        assert records.get("A-0002") is None

    def test_saving_again_replaces(self, database: Database) -> None:
        """A row is one row however often it is saved."""
        records = anomaly_records(database)
        records.save([row(1), row(2)])
        assert records.save([row(2, score=0.99), row(3)]) == 1
        found = records.get("A-0002")
        assert found is not None
        assert found["score"] == 0.99

    def test_pages_neither_lose_nor_repeat_a_row(self, database: Database) -> None:
        """Also where times are equal, and while rows are added."""
        records = anomaly_records(database)
        records.save(row(number) for number in range(57))
        seen = _walk(records, limit=10, added=row(99, opened_at=5000.0))
        assert seen == sorted(seen, reverse=True, key=lambda key: (int(key[2:]) // 2, key))
        assert len(seen) == len(set(seen)) == 57

    def test_a_page_can_be_chosen_by_time_and_column(self, database: Database) -> None:
        """What still holds belongs to every time."""
        records = anomaly_records(database)
        records.save([row(1), row(40), row(2, closed_at=None)])
        assert {each["id"] for each in records.page(since=1015.0).rows} == {"A-0040", "A-0002"}
        assert {each["id"] for each in records.page(entity="service-1").rows} == {"A-0001", "A-0040"}

    def test_what_is_old_is_forgotten_and_what_holds_is_not(self, database: Database) -> None:
        """Rows that still hold are never deleted."""
        records = anomaly_records(database)
        records.save([row(1), row(2, closed_at=None), row(90)])
        assert records.forget(before=1030.0) == 1
        assert [each["id"] for each in records.open()] == ["A-0002"]

    def test_a_transaction_is_kept_whole_or_not_at_all(self, database: Database) -> None:
        """A bad row takes the good ones with it."""
        records = anomaly_records(database)
        with pytest.raises(StoreError):
            records.save([row(1), {**row(2), "entity": None}])
        assert records.page().rows == ()

    def test_events_are_kept_with_their_rows_or_not_at_all(self, database: Database) -> None:
        records = anomaly_records(database)
        log = AlertRecords(database)

        def told(kept: Mapping[str, Any], *, fresh: bool) -> Iterator[Event]:
            if kept["entity"] == "broken":
                raise StoreError("on purpose")
            yield Event(id=f"{kept['id']}/{fresh}", type=EventType.ANOMALY_DETECTED, key="k", at=1.0)

        records.save([row(1)], telling=told)
        records.save([row(1)], telling=told)
        records.save([row(1)], telling=told)
        assert [each["event_id"] for each in log.changes_since(0)] == ["A-0001/True", "A-0001/False"]
        with pytest.raises(StoreError, match="on purpose"):
            records.save([row(2), row(3, entity="broken")], telling=told)
        assert (records.get("A-0002"), len(log.changes_since(0))) == (None, 2)

    def test_events_are_seen_in_the_order_of_their_numbers_whoever_writes(self, database: Database) -> None:
        records, log, seen = anomaly_records(database), AlertRecords(database), 0

        def told(kept: Mapping[str, Any], *, fresh: bool) -> Iterator[Event]:
            yield Event(id=str(kept["id"]), type=EventType.ANOMALY_DETECTED, key="k", at=1.0)

        def write(start: int) -> None:
            for number in range(start, start + 20):
                records.save([row(number)], telling=told)

        writers = [threading.Thread(target=write, args=(start,)) for start in (100, 200)]
        for each in writers:
            each.start()
        found: list[str] = []
        going_on = True
        while going_on:
            going_on = any(each.is_alive() for each in writers)
            while new := log.changes_since(seen):
                seen = new[-1]["id"]
                found += [each["event_id"] for each in new]
        assert len(found) == 40

    def test_facts_are_replaced(self, database: Database) -> None:
        """The last value counts."""
        facts = Facts(database)
        assert facts.get("learned_at") is None
        facts.set("learned_at", 1.5)
        facts.set("learned_at", {"at": 2})
        assert facts.get("learned_at") == {"at": 2}

    def test_a_token_is_recognised_until_it_is_revoked(self, database: Database) -> None:
        """Its plain text is kept nowhere."""
        tokens = TokenStore(database)
        token, plain = tokens.create("ci", role="responder", now=10.0)
        found = tokens.recognise(plain, now=20.0)
        assert found is not None
        assert (found.id, found.role) == (token.id, "responder")
        assert tokens.recognise(plain + "x", now=20.0) is None
        with database.begin() as connection:
            rows = connection.exec_driver_sql("SELECT * FROM tokens").all()
        assert plain not in repr(rows)
        tokens.revoke(token.id, now=30.0)
        assert tokens.recognise(plain, now=40.0) is None
        assert [(each.name, each.revoked_at) for each in tokens.all()] == [("ci", 30.0)]


def _walk(records: Records, *, limit: int, added: dict[str, Any]) -> list[str]:
    seen: list[str] = []
    cursor = None
    while True:
        page = records.page(cursor=cursor, limit=limit)
        seen += [each["id"] for each in page.rows]
        records.save([added])
        if page.next is None:
            return seen
        cursor = page.next
