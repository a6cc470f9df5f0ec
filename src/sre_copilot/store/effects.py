"""Effects: what is to be done to other systems is written down before it is done, and what came of it after, each effect one row by its key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

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
    Text,
    insert,
    select,
    update,
)

from sre_copilot.store.database import Database
from sre_copilot.store.leases import Fenced, Lease, Leases
from sre_copilot.store.limits import Limit, Wanted, refusal
from sre_copilot.store.paging import Row
from sre_copilot.store.tables import metadata

State = Literal["prepared", "intended", "done", "none", "unknown"]
"""`prepared`: looked at and backed up; `intended`: begun, outcome not known (yet); `done`; `none`: nothing was changed; `unknown`: nobody can tell."""

Also = Callable[[Connection], object]


def nothing(connection: Connection) -> None:
    """Write nothing else."""


effects = Table(
    "effects",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("plan_id", String(64), nullable=False),
    Column("step_id", String(64), nullable=False),
    Column("direction", String(8), nullable=False),
    Column("incident_id", String(64), nullable=False),
    Column("action", String(100), nullable=False),
    Column("target", String(700), nullable=False),
    Column("autonomous", Boolean, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("token", Integer, nullable=False),
    Column("prepared_at", Float, nullable=False),
    Column("started_at", Float),
    Column("ended_at", Float),
    Column("digest", String(200), nullable=False),
    Column("version", String(200), nullable=False),
    Column("backup", JSON, nullable=False),
    Column("effect", JSON, nullable=False),
    Column("problem", Text, nullable=False),
    Index("ix_effects_plan_id", "plan_id"),
    Index("ix_effects_started_at", "started_at"),
    Index("ix_effects_target", "target", "started_at"),
)
"""`token` is that of the lock under which it was begun last: only who holds it writes the outcome."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An effect before it is begun: whose it is, and how its target was."""

    key: str
    plan_id: str
    step_id: str
    direction: str
    action: str
    target: str
    incident_id: str = ""
    autonomous: bool = False
    digest: str = ""
    version: str = ""
    backup: Mapping[str, Any] = field(default_factory=dict)


class Refused(Exception):  # noqa: N818 - ends a transaction
    """A limit says no; nothing was written."""

    def __init__(self, limit: Limit) -> None:
        super().__init__(limit.reason)
        self.limit = limit


class Effects:
    """Keeps effects; whoever writes an intent or an outcome holds the lock of the target, and shows it."""

    def __init__(self, database: Database, leases: Leases) -> None:
        self._database = database
        self._leases = leases

    def get(self, key: str) -> Row | None:
        """One effect."""
        with self._database.begin() as connection:
            row = connection.execute(select(effects).where(effects.c.key == key)).mappings().one_or_none()
        return dict(row) if row is not None else None

    def of_plan(self, plan_id: str) -> tuple[Row, ...]:
        """All effects of a plan, in the order in which they were prepared."""
        query = select(effects).where(effects.c.plan_id == plan_id)
        with self._database.begin() as connection:
            found = connection.execute(query.order_by(effects.c.prepared_at, effects.c.key)).mappings()
            return tuple(dict(row) for row in found)

    def prepare(self, prepared: Prepared, *, now: float) -> Row:
        """Keep what the target is like before the effect; once that is begun, and unless nothing came of it, it stays as it was."""
        row = _row(prepared, now)
        seen = {name: row[name] for name in ("digest", "version", "backup", "autonomous")}
        mine = effects.c.key == prepared.key
        with self._database.write() as connection:
            known = connection.execute(
                update(effects).where(mine, effects.c.state.in_(("prepared", "none"))).values(seen)
            ).rowcount
            if not known and connection.execute(select(effects.c.key).where(mine)).first() is None:
                connection.execute(insert(effects).values(row))
            found = connection.execute(select(effects).where(mine)).mappings().one()
        return dict(found)

    def intend(
        self, key: str, lease: Lease, *, now: float, wanted: Wanted | None = None, also: Also = nothing
    ) -> Row:
        """Write that it is begun; from here on nobody knows whether it was done until the outcome is there.

        `also` writes what belongs to it (event, audit) in the same transaction.

        Raises
        ------
        Fenced : when another holds the lock of the target by now
        Refused : when a limit says no
        """
        with self._database.write() as connection:
            self._leases.check(connection, lease)
            if wanted is not None and (limit := refusal(connection, effects, wanted, now=now)) is not None:
                raise Refused(limit)
            begun = (
                update(effects)
                .where(effects.c.key == key, effects.c.state != "done")
                .values(
                    state="intended",
                    attempts=effects.c.attempts + 1,
                    token=lease.token,
                    started_at=now,
                    ended_at=None,
                    problem="",
                )
            )
            if connection.execute(begun).rowcount != 1:
                raise Fenced(f"effect {key!r}: is done, or was not prepared. It is not begun again.")
            also(connection)
            return dict(connection.execute(select(effects).where(effects.c.key == key)).mappings().one())

    def take_over(self, key: str, lease: Lease) -> Row:
        """Let who holds the lock of the target judge an attempt that was cut off, and nobody else.

        Raises
        ------
        Fenced : when another holds the lock by now, or has judged it
        """
        mine = (effects.c.key == key) & (effects.c.state == "intended")
        with self._database.write() as connection:
            self._leases.check(connection, lease)
            if connection.execute(update(effects).where(mine).values(token=lease.token)).rowcount != 1:
                raise Fenced(f"effect {key!r}: another worker has judged it.")
            return dict(connection.execute(select(effects).where(effects.c.key == key)).mappings().one())

    def saw(self, key: str, digest: str) -> None:
        """Keep how the target of a done effect was seen since; all that was seen stays."""
        mine = (effects.c.key == key) & (effects.c.state == "done")
        with self._database.write() as connection:
            effect = connection.execute(select(effects.c.effect).where(mine)).scalar_one_or_none()
            if effect is not None and digest not in (seen := effect.get("digests", [])):
                kept = {**effect, "digests": [*seen, digest]}
                connection.execute(update(effects).where(mine).values(effect=kept))

    def finish(
        self,
        key: str,
        lease: Lease,
        state: State,
        *,
        now: float,
        effect: Mapping[str, Any] | None = None,
        problem: str = "",
        also: Also = nothing,
    ) -> None:
        """Write the outcome.

        Raises
        ------
        Fenced : when somebody else has begun it meanwhile: their outcome is the one that counts
        """
        mine = (effects.c.key == key) & (effects.c.token == lease.token) & (effects.c.state != "done")
        values = {"state": state, "problem": problem[:2000], "effect": dict(effect or {})}
        ended_at = None if state == "intended" else now
        with self._database.write() as connection:
            if (
                connection.execute(update(effects).where(mine).values(**values, ended_at=ended_at)).rowcount
                != 1
            ):
                raise Fenced(f"effect {key!r}: another worker has it. What came of it is theirs to say.")
            also(connection)

    def note(self, also: Also) -> None:
        """Write something in a transaction of its own."""
        with self._database.write() as connection:
            also(connection)

    def give_up(self, connection: Connection, plan_id: str, *, now: float) -> None:
        """A plan is over: what of it is in doubt stays so, and is called unknown."""
        mine = (effects.c.plan_id == plan_id) & (effects.c.state == "intended")
        values = {"state": "unknown", "ended_at": now, "problem": "given up: it cannot be told"}
        connection.execute(update(effects).where(mine).values(**values))

    def settle(self, connection: Connection, key: str, state: State, *, now: float, problem: str) -> bool:
        """Say what an effect is held for after nobody could tell; for people, and for a plan that gives up."""
        open_ = (effects.c.key == key) & effects.c.state.in_(("intended", "none"))
        values = {"state": state, "ended_at": now, "problem": problem[:2000]}
        return connection.execute(update(effects).where(open_).values(**values)).rowcount == 1


def acted(connection: Connection, plan_id: str) -> bool:
    """Whether any effect of a plan was begun."""
    mine = (effects.c.plan_id == plan_id) & (effects.c.attempts > 0)
    return connection.execute(select(effects.c.key).where(mine).limit(1)).first() is not None


def _row(prepared: Prepared, now: float) -> dict[str, Any]:
    return {
        "key": prepared.key,
        "plan_id": prepared.plan_id,
        "step_id": prepared.step_id,
        "direction": prepared.direction,
        "incident_id": prepared.incident_id,
        "action": prepared.action,
        "target": prepared.target,
        "autonomous": prepared.autonomous,
        "state": "prepared",
        "attempts": 0,
        "token": 0,
        "prepared_at": now,
        "started_at": None,
        "ended_at": None,
        "digest": prepared.digest,
        "version": prepared.version,
        "backup": dict(prepared.backup),
        "effect": {},
        "problem": "",
    }
