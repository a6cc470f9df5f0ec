"""Overrides of on-call schedules: who takes over, from when to when; a removed one is kept, with who removed it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import Column, Float, Index, Integer, String, Table, Text, func, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from sre_copilot.errors import UsageError
from sre_copilot.store.alerting.audit import note
from sre_copilot.store.database import Database
from sre_copilot.store.paging import Page, Row, read_page
from sre_copilot.store.tables import metadata
from sre_copilot.telemetry import audit

overrides = Table(
    "oncall_overrides",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("schedule", String(64), nullable=False),
    Column("person", String(64), nullable=False),
    Column("replaces", String(64), nullable=False, server_default=""),
    Column("starts_at", Float, nullable=False),
    Column("ends_at", Float, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("created_by", String(200), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("removed_by", String(200), nullable=False, server_default=""),
    Column("removed_at", Float),
    Column("revision", Integer, nullable=False),
    Index("ix_oncall_overrides_ends_at", "ends_at"),
    Index("ix_oncall_overrides_created_at", "created_at", "id"),
)
SAME = ("schedule", "person", "replaces", "starts_at", "ends_at", "reason")
"""What makes two requests for an override the same one."""


class OverrideStore:
    """Keeps overrides. Times are epoch seconds UTC."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, row: Row, *, now: float, by: str) -> tuple[Row, bool]:
        """Keep an override under its id, once: the row, and whether it is new; the same one again is no second one.

        Raises
        ------
        UsageError : when another override has this id
        """
        kept = {
            **row,
            "created_by": by,
            "created_at": now,
            "removed_by": "",
            "removed_at": None,
            "revision": 1,
        }
        with self._database.begin() as connection:
            insert = sqlite_insert if connection.dialect.name == "sqlite" else postgresql_insert
            once = insert(overrides).values(kept).on_conflict_do_nothing(index_elements=["id"])
            is_new = connection.execute(once.returning(overrides.c.id)).first() is not None
            mine = select(overrides).where(overrides.c.id == row["id"])
            found = dict(connection.execute(mine).mappings().one())
            if is_new:
                said = {name: row[name] for name in SAME}
                note(connection, "oncall.override.add", who=by, at=now, subject=row["id"], detail={"arguments": said})  # fmt: skip
        if any(found[name] != row[name] for name in SAME):
            raise UsageError(f"id: there is another override '{row['id']}'; use another key for another one")
        if is_new:
            audit("on-call override added", by=by, id=row["id"], schedule=row["schedule"], name=row["person"])
        return found, is_new

    def refused(
        self, verb: Literal["add", "remove"], *, subject: str, now: float, by: str, problem: str, **asked: Any
    ) -> None:
        """Note that somebody asked for a change which was refused, and why."""
        detail = {"arguments": asked, "problem": problem}
        with self._database.write() as connection:
            name = f"oncall.override.{verb}"
            note(connection, name, who=by, at=now, subject=subject, outcome="refused", detail=detail)

    def get(self, key: str) -> Row | None:
        """One override, also a removed one."""
        with self._database.begin() as connection:
            row = connection.execute(select(overrides).where(overrides.c.id == key)).mappings().one_or_none()
        return dict(row) if row is not None else None

    def remove(self, key: str, *, revision: int, now: float, by: str) -> Row | None:
        """Remove an override, if it still has this revision; None when it was changed or removed meanwhile, or there is none."""
        living = (
            (overrides.c.id == key) & overrides.c.removed_at.is_(None) & (overrides.c.revision == revision)
        )
        change = {"removed_at": now, "removed_by": by, "revision": revision + 1}
        with self._database.begin() as connection:
            if connection.execute(update(overrides).where(living).values(change)).rowcount != 1:
                return None
            note(connection, "oncall.override.remove", who=by, at=now, subject=key)
        audit("on-call override removed", by=by, id=key)
        return self.get(key)

    def living(self, *, since: float, schedule: str = "") -> tuple[Row, ...]:
        """Overrides that have not ended before `since`, in the order in which they were made; a removed one counts as far as it had begun."""
        begun = overrides.c.removed_at.is_(None) | (overrides.c.removed_at > overrides.c.starts_at)
        where: list[Any] = [begun, overrides.c.ends_at > since]
        where += [overrides.c.schedule == schedule] if schedule else []
        query = select(overrides).where(*where).order_by(overrides.c.created_at, overrides.c.id)
        with self._database.begin() as connection:
            return tuple(dict(row) for row in connection.execute(query).mappings())

    def page(self, *, schedule: str = "", cursor: str | None = None, limit: int = 100) -> Page:
        """All overrides, the removed ones too, the latest made first."""
        where = [overrides.c.schedule == schedule] if schedule else []
        return read_page(self._database, overrides, by="created_at", where=where, cursor=cursor, limit=limit)

    def stamp(self) -> tuple[int, int]:
        """What differs whenever an override was added or removed: how many there are, and the sum of their revisions."""
        query = select(func.count(), func.coalesce(func.sum(overrides.c.revision), 0)).select_from(overrides)
        with self._database.begin() as connection:
            count, total = connection.execute(query).one()
        return int(count), int(total)

    def add_all(self, rows: Sequence[Row], *, now: float, by: str) -> int:
        """Keep several, each once; how many were new."""
        return sum(self.add(row, now=now, by=by)[1] for row in rows)
