"""Workflows of the user's own, with every version that was ever applied."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    String,
    Table,
    Text,
    case,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from sre_copilot.errors import UsageError
from sre_copilot.store.database import Database
from sre_copilot.store.paging import Row
from sre_copilot.store.tables import metadata

workflows = Table(
    "workflows",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("enabled_at", Float, nullable=False),
)
"""`version` is the newest; `enabled_at`: since when its triggers count."""

versions = Table(
    "workflow_versions",
    metadata,
    Column("workflow_id", String(64), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("text", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("applied_by", String(300), nullable=False),
    Column("applied_at", Float, nullable=False),
    Column("note", Text, nullable=False),
)
"""`text` is the YAML as it was applied; a version never changes."""

runs = Table(
    "workflow_runs",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("workflow_id", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("parent", String(200), nullable=False),
    Column("cause", String(300), nullable=False, unique=True),
    Column("trigger", Text, nullable=False),
    Column("inputs", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("requested_by", String(300), nullable=False),
    Column("role", String(16), nullable=False),
    Column("incident_id", String(64), nullable=False),
    Column("arguments", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("deadline", Float, nullable=False),
    Column("finished_at", Float),
    Column("outputs", Text, nullable=False),
    Column("error", Text, nullable=False),
    Index("ix_workflow_runs_created_at", "created_at", "id"),
    Index("ix_workflow_runs_workflow_id", "workflow_id", "created_at", "id"),
    Index("ix_workflow_runs_status", "status", "workflow_id"),
)
"""`cause` is why it was started, once for each; `arguments` is what it runs with, until it has begun; JSON is kept as text, for it is read seldom."""

tasks = Table(
    "workflow_tasks",
    metadata,
    Column("id", String(300), primary_key=True),
    Column("run_id", String(200), nullable=False),
    Column("run_key", String(200), nullable=False),
    Column("workflow_id", String(64), nullable=False),
    Column("step", String(200), nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("form", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("due_at", Float, nullable=False),
    Column("answer", Text, nullable=False),
    Column("answered_by", String(300), nullable=False),
    Column("answered_at", Float),
    Column("handed_on", Boolean, nullable=False),
    Index("ix_workflow_tasks_status", "status", "created_at"),
    Index("ix_workflow_tasks_run_id", "run_id"),
)
"""What people are asked: `open`, `answered`, `closed` (nobody answered in time, or the run ended). `handed_on`: the run was told of the answer."""


class StaleError(UsageError):
    """Somebody else has changed it meanwhile."""


@dataclass(frozen=True, slots=True)
class Stored:
    """The newest version after a text was applied, whether it is another one than before, and the text before; '' where there was none."""

    version: int
    changed: bool
    before: str


class WorkflowStore:
    """Keeps workflows."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def apply(
        self,
        key: str,
        text: str,
        *,
        name: str,
        description: str,
        enabled: bool,
        who: str,
        now: float,
        note: str = "",
        expected: int | None = None,
    ) -> Stored:
        """Keep a text as the newest version, where the newest is the expected one (0: there is none yet), in one transaction.

        Raises
        ------
        StaleError : there is another version than the expected one
        """
        digest = hashlib.sha256(text.encode()).hexdigest()
        with self.database.write() as connection:
            known = _held(connection, key, now=now)
            before = int(known["version"])
            if expected is not None and before != expected:
                now_is = f"is version {before} now" if before else "is not there"
                raise StaleError(f"workflow {key!r}: {now_is}, not version {expected}. Read it again.")
            newest = self._version(connection, key, before) or {"digest": "", "text": ""}
            if newest["digest"] == digest:
                return Stored(before, changed=False, before=text)
            row = {"name": name, "description": description, "version": before + 1, "updated_at": now}
            mine = update(workflows).where(workflows.c.id == key)
            connection.execute(mine.values(**row, enabled=enabled, enabled_at=now))
            connection.execute(
                insert(versions).values(
                    workflow_id=key, version=before + 1, text=text, digest=digest, applied_by=who, applied_at=now, note=note
                )
            )  # fmt: skip
        return Stored(before + 1, changed=True, before=newest["text"])

    def enable(self, key: str, enabled: bool, *, now: float) -> bool:
        """Let its triggers count, or not; False when there is no such workflow."""
        values: dict[str, Any] = {"enabled": enabled, "enabled_at": now}
        with self.database.write() as connection:
            return (
                connection.execute(update(workflows).where(workflows.c.id == key).values(**values)).rowcount
                == 1
            )

    def get(self, key: str) -> Row | None:
        """One workflow, without its text."""
        with self.database.begin() as connection:
            row = connection.execute(select(workflows).where(workflows.c.id == key)).mappings().one_or_none()
        return dict(row) if row is not None else None

    def all(self) -> tuple[Row, ...]:
        """All workflows, by id."""
        with self.database.begin() as connection:
            return tuple(
                dict(row) for row in connection.execute(select(workflows).order_by(workflows.c.id)).mappings()
            )

    def version(self, key: str, number: int | None = None) -> Row | None:
        """A version with its text; the newest by default."""
        with self.database.begin() as connection:
            if number is None:
                newest = select(workflows.c.version).where(workflows.c.id == key)
                number = connection.execute(newest).scalar_one_or_none()
            return self._version(connection, key, number) if number is not None else None

    def versions(self, key: str) -> tuple[Row, ...]:
        """All versions without their texts, newest first."""
        columns = [each for each in versions.c if each.name != "text"]
        query = select(*columns).where(versions.c.workflow_id == key).order_by(versions.c.version.desc())
        with self.database.begin() as connection:
            return tuple(dict(row) for row in connection.execute(query).mappings())

    def newest(self) -> tuple[Row, ...]:
        """The newest version of every workflow, with `enabled` and `enabled_at`: what triggers are read from."""
        both = (versions.c.workflow_id == workflows.c.id) & (versions.c.version == workflows.c.version)
        query = select(versions, workflows.c.enabled, workflows.c.enabled_at).join(workflows, both)
        with self.database.begin() as connection:
            return tuple(dict(row) for row in connection.execute(query.order_by(workflows.c.id)).mappings())

    def mark(self) -> tuple[int, int, float]:
        """Changes whenever a workflow was applied, enabled or disabled."""
        enabled = func.sum(case((workflows.c.enabled, 1), else_=0))
        with self.database.begin() as connection:
            query = select(func.sum(workflows.c.version), enabled, func.max(workflows.c.enabled_at))
            count, on, last = connection.execute(query).one()
        return int(count or 0), int(on or 0), float(last or 0.0)

    def _version(self, connection: Connection, key: str, number: int) -> Row | None:
        mine = (versions.c.workflow_id == key) & (versions.c.version == number)
        row = connection.execute(select(versions).where(mine)).mappings().one_or_none()
        return dict(row) if row is not None else None


def _held(connection: Connection, key: str, *, now: float) -> Row:
    """The row of a workflow, which nobody else changes before the transaction is over; of one that is not there yet with version 0."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    new = dialect.insert(workflows).values(
        id=key, name="", description="", version=0, enabled=False, created_at=now, updated_at=now, enabled_at=now
    )  # fmt: skip
    connection.execute(new.on_conflict_do_nothing())
    mine = select(workflows).where(workflows.c.id == key).with_for_update()
    return dict(connection.execute(mine).mappings().one())
