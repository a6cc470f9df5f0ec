"""A disk that is full and a database that is away are waited for: no run is left lying."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from dbos._utils import retriable_postgres_exception, retriable_sqlite_exception
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from sre_copilot.durable.runs import sqlite_url
from sre_copilot.durable.system import system_engine


def test_no_room_is_something_that_is_tried_again(tmp_path: Path) -> None:
    engine = system_engine(sqlite_url(tmp_path))
    with engine.connect() as connection:
        connection.execute(text("CREATE TABLE small (content BLOB)"))
        connection.execute(text("PRAGMA max_page_count = 1"))
        with pytest.raises(OperationalError, match="full") as found:
            connection.execute(text("INSERT INTO small VALUES (zeroblob(1000000))"))
    engine.dispose()
    assert retriable_sqlite_exception(found.value)


def test_a_mistake_is_not(tmp_path: Path) -> None:
    engine = system_engine(sqlite_url(tmp_path))
    with engine.connect() as connection, pytest.raises(OperationalError) as found:
        connection.execute(text("SELECT nothing FROM nowhere"))
    engine.dispose()
    assert isinstance(found.value.orig, sqlite3.OperationalError)
    assert not retriable_sqlite_exception(found.value)


def test_a_database_that_is_away_is_waited_for_however_the_driver_says_it(tmp_path: Path) -> None:
    engine = system_engine(f"postgresql+psycopg://nobody@/nothing?host={tmp_path}")
    with pytest.raises(OperationalError) as found:
        engine.connect()
    engine.dispose()
    assert retriable_postgres_exception(found.value)
