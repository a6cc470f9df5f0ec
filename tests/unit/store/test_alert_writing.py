"""Rows of alerting are written in the words of the driver."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from sre_copilot.store.alerting.tables import groups, silences
from sre_copilot.store.alerting.writing import _insert, _update, _upsert, add, put, renew
from sre_copilot.store.database import Database, sqlite_url


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(sqlite_url(tmp_path))


def _kept(connection: Connection) -> list[tuple[str, float, str]]:
    found = connection.execute(select(silences.c.id, silences.c.ends_at, silences.c.document))
    return sorted(tuple(row) for row in found)


def test_a_row_whose_id_is_there_is_replaced_and_others_are_added(database: Database) -> None:
    with database.write() as connection:
        put(connection, silences, [{"id": "a", "ends_at": 1.5, "document": "{}"}])
        put(connection, silences, [{"id": "a", "ends_at": 2.5, "document": "[]"}, {"id": "b", "ends_at": 3.0, "document": "'%s?"}])  # fmt: skip
        assert _kept(connection) == [("a", 2.5, "[]"), ("b", 3.0, "'%s?")]


def test_renewing_changes_the_named_columns_of_the_named_rows_alone(database: Database) -> None:
    with database.write() as connection:
        add(connection, silences, [{"id": each, "ends_at": 1.0, "document": "{}"} for each in "abc"])
        renew(connection, silences, [{"id": "b", "document": "new"}, {"id": "gone", "document": "never"}])
        assert _kept(connection) == [("a", 1.0, "{}"), ("b", 1.0, "new"), ("c", 1.0, "{}")]


def test_no_rows_are_no_statement(database: Database) -> None:
    with database.write() as connection:
        put(connection, groups, [])
        add(connection, groups, [])
        renew(connection, groups, [])
        assert connection.execute(select(groups.c.id)).all() == []


def test_postgresql_gets_all_rows_as_one_typed_document() -> None:
    names = ("id", "ends_at")
    given = 'json_to_recordset(%s::json) AS given ("id" VARCHAR(64), "ends_at" FLOAT)'
    assert _insert(silences, names, whole=True).endswith(f'"ends_at" FROM {given}')
    assert _upsert(silences, names, whole=True).endswith('(id) DO UPDATE SET "ends_at" = excluded."ends_at"')
    renewed = _update(silences, names, whole=True)
    assert renewed.endswith(f'SET "ends_at" = given."ends_at" FROM {given} WHERE silences."id" = given."id"')
