"""Limits of what is done to other systems: read where the intent is written, in the same transaction, so that two workers do not both slip through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Column, Connection, Float, String, Table, delete, func, insert, select, text

from sre_copilot.store.outcomes import last_bad
from sre_copilot.store.tables import metadata

HOUR_S = 3600.0
ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(72615)")
"""Counting and adding must not overlap with another worker's; SQLite has one writer anyway."""

BESIDE = "/ticket"
"""How the case of the ticket of a plan ends (`PLAN-…/ticket`): what is done about tickets lies beside repairs, and fills no limit of theirs."""

holds = Table(
    "target_holds",
    metadata,
    Column("target", String(700), primary_key=True),
    Column("plan_id", String(64), nullable=False),
    Column("since", Float, nullable=False),
)
"""Targets that a plan works at from its beginning to its end, waits and watching included: no other plan touches them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A limit that was met: its sentence's key, what it allows, and after how many seconds it may be otherwise."""

    reason: str
    allowed: float
    wait_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is about to be begun, and what is allowed."""

    plan_id: str
    action: str
    target: str
    per_target_per_hour: int
    per_hour: int
    cooldown_s: float


def refusal(connection: Connection, effects: Table, wanted: Wanted, *, now: float) -> Limit | None:
    """The first limit that says no; attempts of the plan's own are no reason to refuse it its next."""
    if connection.dialect.name == "postgresql":
        connection.execute(ONE_AT_A_TIME)
    return (
        _cooldown(connection, effects, wanted, now)
        or _rate(connection, effects, wanted, now)
        or _rate_of_all(connection, effects, wanted, now)
    )


def hold(connection: Connection, plan_id: str, targets: Sequence[str], *, now: float) -> str | None:
    """Take targets for a plan; the other plan that has one of them, and then none is taken."""
    if connection.dialect.name == "postgresql":
        connection.execute(ONE_AT_A_TIME)
    query = select(holds.c.plan_id).where(holds.c.target.in_(targets), holds.c.plan_id != plan_id)
    other = connection.execute(query).scalars().first()
    if other is not None:
        return str(other)
    let_go(connection, plan_id)
    if targets:
        connection.execute(
            insert(holds), [{"target": each, "plan_id": plan_id, "since": now} for each in set(targets)]
        )
    return None


def holder(connection: Connection, target: str) -> str | None:
    """The plan that works at a target."""
    return connection.execute(select(holds.c.plan_id).where(holds.c.target == target)).scalar_one_or_none()


def let_go(connection: Connection, plan_id: str) -> None:
    """Let others have the targets of a plan."""
    connection.execute(delete(holds).where(holds.c.plan_id == plan_id))


def _cooldown(connection: Connection, effects: Table, wanted: Wanted, now: float) -> Limit | None:
    failed = select(func.max(effects.c.ended_at)).where(
        effects.c.action == wanted.action,
        effects.c.target == wanted.target,
        effects.c.plan_id != wanted.plan_id,
        effects.c.state.in_(("none", "unknown")),
        effects.c.attempts > 0,
        effects.c.plan_id.not_like(f"%{BESIDE}"),
    )
    moments = (connection.execute(failed).scalar_one_or_none(), last_bad(connection, wanted.action, wanted.target, wanted.plan_id))  # fmt: skip
    latest = max((each for each in moments if each is not None), default=None)
    if latest is None or now >= latest + wanted.cooldown_s:
        return None
    return Limit(reason="limits.cooldown", allowed=wanted.cooldown_s, wait_s=latest + wanted.cooldown_s - now)


def _rate(connection: Connection, effects: Table, wanted: Wanted, now: float) -> Limit | None:
    same = (effects.c.action == wanted.action) & (effects.c.target == wanted.target)
    return _counted(
        connection, effects, wanted, now, where=same, allowed=wanted.per_target_per_hour, reason="limits.rate"
    )


def _rate_of_all(connection: Connection, effects: Table, wanted: Wanted, now: float) -> Limit | None:
    return _counted(
        connection, effects, wanted, now, where=None, allowed=wanted.per_hour, reason="limits.rate_of_all"
    )


def _counted(
    connection: Connection,
    effects: Table,
    wanted: Wanted,
    now: float,
    *,
    where: object,
    allowed: int,
    reason: str,
) -> Limit | None:
    """Effects begun within the hour; the same effect, begun again, is one."""
    query = select(effects.c.started_at).where(
        effects.c.started_at > now - HOUR_S,
        effects.c.direction == "do",
        effects.c.plan_id.not_like(f"%{BESIDE}"),
    )
    if where is not None:
        query = query.where(where)  # type: ignore[arg-type]
    moments = sorted(connection.execute(query).scalars())
    if len(moments) < allowed:
        return None
    return Limit(reason=reason, allowed=allowed, wait_s=moments[-allowed] + HOUR_S - now)
