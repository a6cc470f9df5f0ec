"""Outcomes: how often an action has helped against a fault, and how long that took, counted from what was verified and nothing else."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Float,
    Index,
    String,
    Table,
    func,
    insert,
    select,
)

from sre_copilot.domain.plan import Record
from sre_copilot.store.database import Database
from sre_copilot.store.tables import metadata

outcomes = Table(
    "action_outcomes",
    metadata,
    Column("plan_id", String(64), primary_key=True),
    Column("step_id", String(64), primary_key=True),
    Column("action", String(100), nullable=False),
    Column("target", String(700), nullable=False),
    Column("fault_type", String(100), nullable=False),
    Column("service", String(300), nullable=False),
    Column("incident_id", String(64), nullable=False),
    Column("autonomous", Boolean, nullable=False),
    Column("good", Boolean, nullable=False),
    Column("seconds", Float),
    Column("at", Float, nullable=False),
    Index("ix_action_outcomes_action", "action", "fault_type"),
    Index("ix_action_outcomes_at", "at"),
)
"""A row a step that was carried out: `good` when the signals were well again afterwards, `seconds` from the beginning of the plan to that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one step of a plan."""

    plan_id: str
    step_id: str
    action: str
    target: str
    fault_type: str
    service: str
    incident_id: str
    autonomous: bool
    good: bool
    seconds: float | None
    at: float


class Outcomes:
    """Reads what is known of how actions have helped."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(
        self, action: str, *, fault_type: str | None = None, service: str | None = None, since: float = 0.0
    ) -> Record:
        """How often an action has helped; against one fault, on one service, where they are given."""
        wanted: list[ColumnElement[bool]] = [outcomes.c.action == action, outcomes.c.at >= since]
        if fault_type is not None:
            wanted.append(outcomes.c.fault_type == fault_type)
        if service is not None:
            wanted.append(outcomes.c.service == service)
        query = select(outcomes.c.good, outcomes.c.seconds).where(*wanted)
        with self._database.begin() as connection:
            return record_of((bool(good), seconds) for good, seconds in connection.execute(query))

    def history(self, action: str, *, fault_type: str) -> tuple[tuple[bool, float | None], ...]:
        """What came of an action against a fault, the earliest first: whether it helped, and after how many seconds."""
        wanted = (outcomes.c.action == action) & (outcomes.c.fault_type == fault_type)
        query = select(outcomes.c.good, outcomes.c.seconds).where(wanted).order_by(outcomes.c.at)
        with self._database.begin() as connection:
            return tuple((bool(good), seconds) for good, seconds in connection.execute(query))

    def records(self, *, since: float = 0.0) -> Mapping[tuple[str, str, str], Record]:
        """The record of every action, fault type and service that there is one of."""
        columns = (outcomes.c.action, outcomes.c.fault_type, outcomes.c.service)
        query = select(*columns, outcomes.c.good, outcomes.c.seconds).where(outcomes.c.at >= since)
        found: dict[tuple[str, str, str], list[tuple[bool, float | None]]] = defaultdict(list)
        with self._database.begin() as connection:
            for action, fault, service, good, seconds in connection.execute(query):
                found[action, fault, service].append((bool(good), seconds))
        return {key: record_of(each) for key, each in sorted(found.items())}


def record_of(cases: Iterable[tuple[bool, float | None]]) -> Record:
    """Good ones, all, and the median time of the good ones."""
    known = list(cases)
    times = [seconds for good, seconds in known if good and seconds is not None]
    return Record(
        good=sum(1 for good, _ in known if good),
        total=len(known),
        median_seconds=statistics.median(times) if times else None,
    )


def note_outcomes(connection: Connection, found: Iterable[Outcome]) -> None:
    """Keep outcomes, each step's once."""
    for each in found:
        mine = (outcomes.c.plan_id == each.plan_id) & (outcomes.c.step_id == each.step_id)
        if connection.execute(select(outcomes.c.plan_id).where(mine)).first() is None:
            connection.execute(insert(outcomes).values(asdict(each)))


def last_bad(connection: Connection, action: str, target: str, but: str) -> float | None:
    """When an action was last found not to have helped on a target, by another plan than this."""
    query = select(func.max(outcomes.c.at)).where(
        outcomes.c.action == action,
        outcomes.c.target == target,
        outcomes.c.plan_id != but,
        outcomes.c.good.is_(False),
    )
    found = connection.execute(query).scalar_one_or_none()
    return None if found is None else float(found)
