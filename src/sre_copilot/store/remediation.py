"""Remediations: how plans that were begun stand, step by step, for people to watch and for a restart to know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    String,
    Table,
    insert,
    select,
    update,
)

from sre_copilot.store.database import Database
from sre_copilot.store.paging import Page, Row, read_page
from sre_copilot.store.tables import metadata

GOING_ON = ("running", "paused", "undoing")
TICKET = "ticket"
"""Id under which the ticket of a plan stands among its steps; nobody's go-ahead is asked for it."""

remediations = Table(
    "remediations",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("incident_id", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("who", String(200), nullable=False),
    Column("autonomous", Boolean, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("worker", String(64), nullable=False),
    Column("asked", String(16), nullable=False),
    Column("asked_by", String(200), nullable=False),
    Column("began_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("ended_at", Float),
    Column("reason", JSON, nullable=False),
    Column("known", JSON, nullable=False),
    Index("ix_remediations_began_at", "began_at", "id"),
    Index("ix_remediations_incident_id", "incident_id"),
    Index("ix_remediations_state", "state"),
)
"""`id` is that of the plan, `fingerprint` of what was approved, `who` by whom; `worker` the process that is at it, '' after an orderly end; `asked` what a person wants of it; `known` what people are handed in the end."""

steps = Table(
    "remediation_steps",
    metadata,
    Column("plan_id", String(64), primary_key=True),
    Column("step_id", String(64), primary_key=True),
    Column("place", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("action", String(100), nullable=False),
    Column("target", String(700), nullable=False),
    Column("began_at", Float),
    Column("ended_at", Float),
    Column("reason", JSON, nullable=False),
    Column("seen", JSON, nullable=False),
)
"""`seen` is what was measured last: of the target and of the signals."""


class Remediations:
    """Reads and changes how begun plans stand; those that change within another's transaction are functions below."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def get(self, plan_id: str) -> Row | None:
        """One."""
        with self.database.begin() as connection:
            return row_of(connection, plan_id)

    def steps(self, plan_id: str) -> tuple[Row, ...]:
        """The steps of one, in their order."""
        with self.database.begin() as connection:
            return steps_of(connection, plan_id)

    def going_on(self) -> tuple[Row, ...]:
        """Those that are not over, the earliest begun first."""
        with self.database.begin() as connection:
            return going_on(connection)

    def page(self, *, incident_id: str = "", cursor: str | None = None, limit: int = 100) -> Page:
        """The latest begun first."""
        where = [remediations.c.incident_id == incident_id] if incident_id else []
        return read_page(self.database, remediations, by="began_at", where=where, cursor=cursor, limit=limit)

    def asked(self, plan_id: str) -> str:
        """What a person wants of it: `pause`, `resume`, `cancel`, or ''."""
        query = select(remediations.c.asked).where(remediations.c.id == plan_id)
        with self.database.begin() as connection:
            return str(connection.execute(query).scalar_one_or_none() or "")

    def sign_off(self, worker: str, *, now: float) -> int:
        """Say that a worker ends in order: what it was at is nobody's crash."""
        mine = (remediations.c.worker == worker) & remediations.c.state.in_(GOING_ON)
        with self.database.write() as connection:
            return connection.execute(
                update(remediations).where(mine).values(worker="", updated_at=now)
            ).rowcount


def ask(connection: Connection, plan_id: str, asked: str, *, who: str, now: float) -> bool:
    """Note what a person wants of one that goes on; nothing undoes that it was called off."""
    mine = (
        (remediations.c.id == plan_id)
        & remediations.c.state.in_(GOING_ON)
        & (remediations.c.asked != "cancel")
    )
    values = {"asked": asked, "asked_by": who[:200], "updated_at": now}
    return connection.execute(update(remediations).where(mine).values(**values)).rowcount == 1


def row_of(connection: Connection, plan_id: str) -> Row | None:
    """One, in the caller's transaction."""
    query = select(remediations).where(remediations.c.id == plan_id)
    row = connection.execute(query).mappings().one_or_none()
    return dict(row) if row is not None else None


def steps_of(connection: Connection, plan_id: str) -> tuple[Row, ...]:
    """The steps of one in their order, in the caller's transaction."""
    query = select(steps).where(steps.c.plan_id == plan_id).order_by(steps.c.place)
    return tuple(dict(row) for row in connection.execute(query).mappings())


def waiting_step(connection: Connection, plan_id: str) -> str:
    """The step before which a plan that goes on stands still; '' where it does not stand still, or was called off."""
    row = row_of(connection, plan_id)
    if row is None or row["state"] != "paused" or row["asked"] == "cancel":
        return ""
    mine = (steps.c.plan_id == plan_id) & (steps.c.state == "waiting") & (steps.c.step_id != TICKET)
    query = select(steps.c.step_id).where(mine).order_by(steps.c.place).limit(1)
    return str(connection.execute(query).scalar_one_or_none() or "")


def going_on(connection: Connection) -> tuple[Row, ...]:
    """Those that are not over."""
    query = select(remediations).where(remediations.c.state.in_(GOING_ON))
    ordered = query.order_by(remediations.c.began_at, remediations.c.id)
    return tuple(dict(row) for row in connection.execute(ordered).mappings())


def begin(
    connection: Connection, row: Mapping[str, Any], its_steps: Sequence[Mapping[str, Any]], *, now: float
) -> bool:
    """Begin one; False when it was begun before."""
    if row_of(connection, str(row["id"])) is not None:
        return False
    fixed = {"asked": "", "asked_by": "", "began_at": now, "updated_at": now, "ended_at": None}
    connection.execute(insert(remediations).values({"reason": {}, "known": {}, **fixed, **row}))
    blank: dict[str, Any] = {"state": "waiting", "began_at": None, "ended_at": None, "reason": {}, "seen": {}}
    rows = [{**blank, **each, "plan_id": row["id"], "place": place} for place, each in enumerate(its_steps)]
    if rows:
        connection.execute(insert(steps), rows)
    return True


def change(connection: Connection, plan_id: str, states: Iterable[str], *, now: float, **values: Any) -> bool:
    """Change one that is in one of these states; whether it was."""
    mine = (remediations.c.id == plan_id) & remediations.c.state.in_(tuple(states))
    return connection.execute(update(remediations).where(mine).values(**values, updated_at=now)).rowcount == 1


def step_of(connection: Connection, plan_id: str, step_id: str) -> Row | None:
    """A step, in the caller's transaction."""
    mine = (steps.c.plan_id == plan_id) & (steps.c.step_id == step_id)
    row = connection.execute(select(steps).where(mine)).mappings().one_or_none()
    return dict(row) if row is not None else None


def change_step(connection: Connection, plan_id: str, step_id: str, **values: Any) -> bool:
    """Change a step, where that changes something: what was noted once is not noted again after a crash."""
    mine = (steps.c.plan_id == plan_id) & (steps.c.step_id == step_id)
    if "state" in values:
        mine &= steps.c.state != values["state"]
    return connection.execute(update(steps).where(mine).values(**values)).rowcount == 1
