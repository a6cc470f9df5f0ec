"""Rows are kept, replaced, paged and forgotten, the same way on every engine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sre_copilot.errors import StoreError, UsageError
from sre_copilot.store.database import Database, sqlite_url
from sre_copilot.testing.store_contract import StoreContract


class TestSqlite(StoreContract):
    """The default engine."""

    @pytest.fixture
    def database(self, tmp_path: Path) -> Iterator[Database]:
        database = Database(sqlite_url(tmp_path / "data"))
        yield database
        database.close()


def test_readers_do_not_wait_for_a_writer(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path))
    with database.begin() as writing:
        writing.exec_driver_sql("INSERT INTO facts (key, value, revision) VALUES ('a', '1', 1)")
        healthy: list[bool] = []
        reader = threading.Thread(target=lambda: healthy.append(database.healthy()))
        reader.start()
        reader.join(3)
        assert healthy == [True]
    database.close()


@pytest.mark.parametrize("url", ["nonsense", "mysterious://x", "postgresql+nodriver://x/y"])
def test_an_address_of_no_database_names_the_key(url: str) -> None:
    with pytest.raises(StoreError, match=r"store\.url"):
        Database(url)


def test_a_database_that_is_not_there_hides_its_password(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(StoreError) as caught:
        Database("postgresql+psycopg://someone:hunter2@127.0.0.1:9/none")
    assert "hunter2" not in str(caught.value)
    assert "store.url" in str(caught.value)


def test_a_foreign_cursor_is_refused(tmp_path: Path) -> None:
    from sre_copilot.store.paging import decode

    for cursor in ("x", "bm9uZQ", "W10"):
        with pytest.raises(UsageError, match="cursor"):
            decode(cursor)
