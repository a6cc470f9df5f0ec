"""Anomalies, breaches, changes and investigations as rows: written by the watch, read by the interfaces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Table, delete, insert, select, update

from sre_copilot.domain.event import Event
from sre_copilot.store.alerting.outbox import announce
from sre_copilot.store.database import Database
from sre_copilot.store.paging import Page, Row, read_page
from sre_copilot.store.tables import anomalies, breaches, changes, investigations

AT_ONCE = 500  # rows a statement: SQLite takes 32,766 parameters


class Telling(Protocol):
    """Names the events that a row means for others; `fresh` when it was not there before."""

    def __call__(self, row: Mapping[str, Any], /, *, fresh: bool) -> Iterable[Event]:
        """The events, each with an id that is the same however often the row is saved."""
        ...


class Records:
    """One table whose rows have an id and a time.

    `by` is the column of time that pages are ordered by; `closing` the column that is null while the row still holds, '' where rows do not end.
    """

    def __init__(self, database: Database, table: Table, *, by: str, closing: str = "") -> None:
        self._database = database
        self._table = table
        self._by = by
        self._closing = closing

    def save(self, rows: Iterable[Mapping[str, Any]], *, telling: Telling | None = None) -> int:
        """Insert rows, and replace those whose id is there; all or none. Return how many are new.

        `telling` names the events of a row; they are written to the outbox with it, or not at all.
        """
        wanted = {row["id"]: dict(row) for row in rows}
        if not wanted:
            return 0
        table = self._table
        with self._database.begin() as connection:
            known: set[str] = set()
            for start in range(0, len(wanted), AT_ONCE):
                ids = list(wanted)[start : start + AT_ONCE]
                known.update(connection.execute(select(table.c.id).where(table.c.id.in_(ids))).scalars())
            fresh = [row for key, row in wanted.items() if key not in known]
            for start in range(0, len(fresh), AT_ONCE):
                connection.execute(insert(table), fresh[start : start + AT_ONCE])
            for key in known:
                connection.execute(update(table).where(table.c.id == key).values(wanted[key]))
            if telling is not None:
                told = (telling(row, fresh=key not in known) for key, row in wanted.items())
                announce(connection, chain.from_iterable(told))
        return len(fresh)

    def get(self, key: str) -> Row | None:
        """The row with this id."""
        with self._database.begin() as connection:
            query = select(self._table).where(self._table.c.id == key)
            row = connection.execute(query).mappings().one_or_none()
        return dict(row) if row is not None else None

    def page(
        self, *, since: float | None = None, cursor: str | None = None, limit: int = 100, **equal: Any
    ) -> Page:
        """Rows since a time (those that still hold too), latest first, whose columns equal what is given."""
        where: list[ColumnElement[bool]] = [self._table.c[name] == value for name, value in equal.items()]
        if since is not None:
            late = self._table.c[self._by] >= since
            where.append(late | self._table.c[self._closing].is_(None) if self._closing else late)
        return read_page(self._database, self._table, by=self._by, where=where, cursor=cursor, limit=limit)

    def open(self) -> tuple[Row, ...]:
        """Rows that still hold, in the order of their ids."""
        if not self._closing:
            return ()
        query = select(self._table).where(self._table.c[self._closing].is_(None)).order_by(self._table.c.id)
        with self._database.begin() as connection:
            return tuple(dict(row) for row in connection.execute(query).mappings())

    def forget(self, *, before: float) -> int:
        """Delete rows older than a time, except those that still hold; return how many."""
        table = self._table
        where = [table.c[self._by] < before]
        if self._closing:
            where.append(table.c[self._closing].is_not(None))
        with self._database.begin() as connection:
            return int(connection.execute(delete(table).where(*where)).rowcount)


def anomaly_records(database: Database) -> Records:
    """Anomalies, by the time that they were first told."""
    return Records(database, anomalies, by="opened_at", closing="closed_at")


def breach_records(database: Database) -> Records:
    """Expected breaches, by the time of the forecast that first told them."""
    return Records(database, breaches, by="made_at", closing="closed_at")


def change_records(database: Database) -> Records:
    """Changes, by their own time."""
    return Records(database, changes, by="ts")


def investigation_records(database: Database) -> Records:
    """Investigations, by the time of their end."""
    return Records(database, investigations, by="finished_at")
