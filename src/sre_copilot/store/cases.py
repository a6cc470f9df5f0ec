"""Cases: how the investigations of each incident stand, so that a restart goes on with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import JSON, Column, Float, Index, Integer, String, Table, delete, insert, select, update

from sre_copilot.store.database import Database
from sre_copilot.store.paging import Row
from sre_copilot.store.tables import metadata

FORGET_AT_ONCE = 1_000  # cases: some tens of milliseconds, for each holds what it was begun with

cases = Table(
    "cases",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("round", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("due_at", Float),
    Column("begun_at", Float),
    Column("reasons", JSON, nullable=False),
    Column("basis", JSON, nullable=False),
    Column("concluded", JSON, nullable=False),
    Column("updated_at", Float, nullable=False),
    Index("ix_cases_due_at", "due_at"),
)
"""`id` is that of the incident; `due_at` when something is to be done with it next; `basis` what the latest round was begun with, `concluded` what it found."""


class CaseStore:
    """Keeps cases; each change says in which round and state it may be made, so that two who change one case do not undo each other."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, key: str, *, due_at: float, reasons: Sequence[Mapping[str, Any]], now: float) -> bool:
        """Begin a case with a first round that is due then; False when there is one."""
        row = {"id": key, "round": 1, "state": "waiting", "due_at": due_at, "reasons": list(reasons)}
        with self._database.begin() as connection:
            known = connection.execute(select(cases.c.id).where(cases.c.id == key)).scalar_one_or_none()
            if known is None:
                connection.execute(insert(cases).values(**row, basis={}, concluded={}, updated_at=now))
        return known is None

    def get(self, key: str) -> Row | None:
        """One case."""
        with self._database.begin() as connection:
            row = connection.execute(select(cases).where(cases.c.id == key)).mappings().one_or_none()
        return dict(row) if row is not None else None

    def change(self, key: str, *, number: int, states: Sequence[str], now: float, **values: Any) -> bool:
        """Change a case that is in this round and in one of these states; whether it was."""
        mine = (cases.c.id == key) & (cases.c.round == number) & cases.c.state.in_(states)
        with self._database.begin() as connection:
            changed = connection.execute(update(cases).where(mine).values(**values, updated_at=now))
        return changed.rowcount == 1

    def due(self, now: float, *, limit: int = 100) -> tuple[Row, ...]:
        """Cases with which something is to be done now, the one that has waited longest first."""
        query = select(cases).where(cases.c.due_at <= now).order_by(cases.c.due_at, cases.c.id).limit(limit)
        with self._database.begin() as connection:
            return tuple(dict(row) for row in connection.execute(query).mappings())

    def forget(self, *, before: float, limit: int = FORGET_AT_ONCE) -> int:
        """Delete cases that are over and were not touched since, at most so many, so that whoever decides is not held up; return how many."""
        old = (cases.c.updated_at < before) & (cases.c.state == "over")
        some = select(cases.c.id).where(old).limit(limit)
        with self._database.write() as connection:
            return int(connection.execute(delete(cases).where(cases.c.id.in_(some))).rowcount)
