"""Many rows at once, in the words of the driver: a statement that is put together anew for each turn costs more than what it writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

import orjson
from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql

Rows = Sequence[Mapping[str, Any]]


Statement = Callable[..., str]


def put(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert rows, and replace those whose id is there."""
    _write(connection, _upsert, table, rows)


def add(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert rows that are new."""
    _write(connection, _insert, table, rows)


def renew(connection: Connection, table: Table, rows: Rows) -> None:
    """Set columns of rows that are there, by their `id`, which comes first; where nothing is searched by them, no index is touched."""
    _write(connection, _update, table, rows)


def _write(connection: Connection, statement: Statement, table: Table, rows: Rows) -> None:
    if not rows:
        return
    names = tuple(rows[0])
    whole = connection.dialect.name == "postgresql"
    text = statement(table, names, whole=whole)
    if whole:  # all rows as one document, which the server takes apart: a parameter a value would cost this process ten times as much
        connection.exec_driver_sql(text, (orjson.dumps(list(rows)).decode(),))
    else:
        connection.exec_driver_sql(text, list(map(itemgetter(*names), rows)))


@lru_cache(64)
def _insert(table: Table, names: tuple[str, ...], *, whole: bool) -> str:
    named = ", ".join(map(_quoted, names))
    values = f"SELECT {named} FROM {_given(table, names)}" if whole else f"VALUES ({_marks(names)})"  # noqa: S608 - names of our own tables
    return f"INSERT INTO {table.name} ({named}) {values}"


@lru_cache(64)
def _upsert(table: Table, names: tuple[str, ...], *, whole: bool) -> str:
    changed = ", ".join(f"{_quoted(name)} = excluded.{_quoted(name)}" for name in names if name != "id")
    inserted = _insert(table, names, whole=whole)
    return f"{inserted} ON CONFLICT (id) DO UPDATE SET {changed}"


@lru_cache(64)
def _update(table: Table, names: tuple[str, ...], *, whole: bool) -> str:
    key, *others = names
    if not whole:
        marked = ", ".join(f"{_quoted(name)} = ?{place}" for place, name in enumerate(others, start=2))
        return f"UPDATE {table.name} SET {marked} WHERE {_quoted(key)} = ?1"  # noqa: S608
    changed = ", ".join(f"{_quoted(name)} = given.{_quoted(name)}" for name in others)
    return (
        f"UPDATE {table.name} SET {changed} FROM {_given(table, names)}"  # noqa: S608
        f" WHERE {table.name}.{_quoted(key)} = given.{_quoted(key)}"
    )


def _given(table: Table, names: Sequence[str]) -> str:
    """The rows of the one parameter, with the types of the columns."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    columns = ", ".join(f"{_quoted(name)} {table.c[name].type.compile(dialect=dialect)}" for name in names)
    return f"json_to_recordset(%s::json) AS given ({columns})"


def _marks(names: Sequence[str]) -> str:
    return ", ".join("?" * len(names))


def _quoted(name: str) -> str:
    return f'"{name}"'
