"""The executor `sql`: an undo restores the rows of the backup or is not called done, and functions are not tried by running them."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from sre_copilot.action.executors.sql import SqlExecutor, SqlExecutorSettings
from sre_copilot.action.executors.sql.settings import acts_by_function
from sre_copilot.testing.executor_contract import call
from sre_copilot.testing.sql_actions import SIZE, action, furnish, sizes

SET = {
    "name": "set_size",
    "statement": "UPDATE pools SET size = :size WHERE name = :pool",
    "parameters": {"size": SIZE, "pool": {"pattern": "[a-z]+"}},
    "look": "SELECT name, size FROM pools WHERE name = :pool",
    "backup": "SELECT name, size FROM pools WHERE name = :pool",
    "undo": "UPDATE pools SET size = :size WHERE name = :name",
    "level": "reversible",
}
ASKED = action("set_size", size=99, pool="web")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    engine = create_engine(f"sqlite:///{tmp_path}/shop.sqlite")
    furnish(engine)
    engine.dispose()
    return tmp_path / "shop.sqlite"


def executor(file: Path, **more: Any) -> SqlExecutor:
    usual = {"url": f"sqlite:///{file}", "database": "shop", "keys_table": True}
    return SqlExecutor(SqlExecutorSettings(**usual, statements=[SET | more]))


def test_columns_of_the_backup_win_over_parameters_of_the_same_name(file: Path) -> None:
    found = executor(file)
    backup = found.backup(ASKED)
    found.execute(ASKED, call())
    found.undo(ASKED, call("undo"), backup)
    assert found.done(ASKED, call("undo"), backup)
    assert sizes(create_engine(f"sqlite:///{file}"))["web"] == 10


@pytest.mark.parametrize("keys_table", [True, False])
def test_an_undo_that_was_committed_and_restored_something_else_is_not_done(
    file: Path, *, keys_table: bool
) -> None:
    found = SqlExecutor(
        SqlExecutorSettings(
            url=f"sqlite:///{file}",
            database="shop",
            keys_table=keys_table,
            statements=[SET | {"undo": "UPDATE pools SET size = :size + 1 WHERE name = :name"}],
        )
    )
    backup = found.backup(ASKED)
    found.execute(ASKED, call())
    assert found.undo(ASKED, call("undo"), backup).changed
    assert found.done(ASKED, call("undo"), backup) is False


@pytest.mark.parametrize(
    ("statement", "acts"),
    [
        ("UPDATE pools SET size = notify(size) WHERE name = :pool", True),
        ("UPDATE pools SET size = 1 WHERE name = shop.lower(:pool)", True),
        ("INSERT INTO pools (size) VALUES (nextval('numbers'))", True),
        ("SELECT lower('a')", True),
        ("UPDATE pools SET size = coalesce(size, 0) + abs(-1), at = now() WHERE lower(name) = :pool AND size < 5", False),
        ("DELETE FROM pools WHERE name = :pool AND at < current_timestamp", False),
    ],
)  # fmt: skip
def test_what_is_not_known_to_be_harmless_acts(statement: str, *, acts: bool) -> None:
    assert acts_by_function(statement, "postgresql") is acts


def test_a_change_that_calls_a_function_is_explained_and_never_run_to_try_it(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[int] = []
    connect = sqlite3.connect

    def with_function(*arguments: Any, **more: Any) -> sqlite3.Connection:
        made: sqlite3.Connection = connect(*arguments, **more)
        made.create_function("notify", 1, lambda value: ran.append(value) or value)  # type: ignore[func-returns-value]
        return made

    monkeypatch.setattr("sqlite3.dbapi2.connect", with_function)
    monkeypatch.setattr("sqlite3.connect", with_function)
    found = executor(file, statement="UPDATE pools SET size = notify(:size) WHERE name = :pool")
    assert not found.specs()[0].exactly_once
    assert "pools" in str(found.preview(ASKED).difference)
    assert ran == []
    assert found.execute(ASKED, call()).detail == {"rows": 1}
    assert ran == [99]
    with create_engine(f"sqlite:///{file}").connect() as connection:
        assert connection.execute(text("SELECT size FROM pools WHERE name = 'web'")).scalar() == 99
