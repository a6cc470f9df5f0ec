"""Votes on plans and go-aheads of their steps, who stands in for whom, and the key of signed links."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Float,
    Index,
    String,
    Table,
    Text,
    UniqueConstraint,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from sre_copilot.store.audit_chain import AuditChain
from sre_copilot.store.database import Database
from sre_copilot.store.paging import Row
from sre_copilot.store.tables import Number, facts, metadata

LINK_KEY = "approval.link_key"

approvals = Table(
    "approvals",
    metadata,
    Column("id", Number, primary_key=True),
    Column("plan_id", String(32), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("verdict", String(8), nullable=False),
    Column("person", String(200), nullable=False),
    Column("who", String(200), nullable=False),
    Column("token_id", String(16), nullable=False),
    Column("on_behalf_of", String(200), nullable=False),
    Column("way", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Float, nullable=False),
    UniqueConstraint("plan_id", "person"),
)
"""Votes that counted: `person` is who voted, `on_behalf_of` whose authority it was where that is another's."""

go_aheads = Table(
    "go_aheads",
    metadata,
    Column("plan_id", String(32), primary_key=True),
    Column("step_id", String(64), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("person", String(200), nullable=False),
    Column("who", String(200), nullable=False),
    Column("token_id", String(16), nullable=False),
    Column("on_behalf_of", String(200), nullable=False),
    Column("way", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Float, nullable=False),
)
"""Who let one step of a plan be done, where each waits for a person."""

delegations = Table(
    "approval_delegations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("giver", String(200), nullable=False),
    Column("taker", String(200), nullable=False),
    Column("scope", JSON, nullable=False),
    Column("starts_at", Float, nullable=False),
    Column("ends_at", Float, nullable=False),
    Column("reason", Text, nullable=False),
    Column("made_by", String(200), nullable=False),
    Column("made_at", Float, nullable=False),
    Column("revoked_at", Float),
    Column("revoked_by", String(200), nullable=False),
    Index("ix_approval_delegations_ends_at", "ends_at"),
)


def votes_of(connection: Connection, plan_id: str) -> tuple[Row, ...]:
    """The votes on a plan, in the order in which they came."""
    query = select(approvals).where(approvals.c.plan_id == plan_id).order_by(approvals.c.id)
    return tuple(dict(row) for row in connection.execute(query).mappings())


def keep_vote(connection: Connection, plan_id: str, vote: Mapping[str, Any]) -> None:
    """Keep a vote, in the caller's transaction; a person who votes again has changed their mind."""
    row = {**vote, "plan_id": plan_id}
    new = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(approvals).values(row)
    rest = {name: row[name] for name in row if name not in ("plan_id", "person")}
    connection.execute(new.on_conflict_do_update(index_elements=["plan_id", "person"], set_=rest))


def go_aheads_of(connection: Connection, plan_id: str) -> dict[str, Row]:
    """The go-aheads of a plan, by the id of the step."""
    query = select(go_aheads).where(go_aheads.c.plan_id == plan_id)
    return {str(row["step_id"]): dict(row) for row in connection.execute(query).mappings()}


def keep_go_ahead(connection: Connection, plan_id: str, step_id: str, vote: Mapping[str, Any]) -> None:
    """Keep the go-ahead of a step, in the caller's transaction; the last one counts."""
    row = {name: value for name, value in vote.items() if name != "verdict"}
    insert_into = postgresql if connection.dialect.name == "postgresql" else sqlite
    new = insert_into.insert(go_aheads).values({**row, "plan_id": plan_id, "step_id": step_id})
    connection.execute(new.on_conflict_do_update(index_elements=["plan_id", "step_id"], set_=row))


class DelegationStore:
    """Keeps who may vote with the authority of whom; each change with its entry in the audit."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, row: Mapping[str, Any]) -> Row:
        """Keep a delegation (giver, taker, scope, starts_at, ends_at, reason, made_by, made_at)."""
        made = {**row, "id": f"D-{secrets.token_hex(6)}", "revoked_at": None, "revoked_by": ""}
        said = {name: made[name] for name in ("giver", "taker", "scope", "starts_at", "ends_at", "reason")}
        with self._database.write() as connection:
            connection.execute(insert(delegations).values(made))
            AuditChain.append(
                connection, made["made_by"], "delegation.add", made["id"], "done", said, made["made_at"]
            )
        return made

    def revoke(self, key: str, *, by: str, at: float) -> bool:
        """End a delegation at once: what was voted by it and has not begun is not carried out. False when it has ended, or there is none."""
        living = (delegations.c.id == key) & delegations.c.revoked_at.is_(None)
        with self._database.write() as connection:
            ended = update(delegations).where(living).values(revoked_at=at, revoked_by=by)
            if connection.execute(ended).rowcount != 1:
                return False
            AuditChain.append(connection, by, "delegation.revoke", key, "done", None, at)
        return True

    def get(self, key: str) -> Row | None:
        """A delegation by its id."""
        with self._database.begin() as connection:
            row = connection.execute(select(delegations).where(delegations.c.id == key)).mappings().first()
        return dict(row) if row is not None else None

    def all(self, *, ended_after: float) -> tuple[Row, ...]:
        """Delegations that have not ended before a time, the revoked ones too."""
        with self._database.begin() as connection:
            return living_delegations(connection, ended_after=ended_after)


def living_delegations(connection: Connection, *, ended_after: float) -> tuple[Row, ...]:
    """Delegations that have not ended before a time, the revoked ones too, in the order in which they were made."""
    query = select(delegations).where(delegations.c.ends_at > ended_after)
    ordered = query.order_by(delegations.c.made_at, delegations.c.id)
    return tuple(dict(row) for row in connection.execute(ordered).mappings())


def link_key(database: Database) -> bytes:
    """The key that links are signed with: made once, by whichever process asks first."""
    with database.write() as connection:
        new = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(facts)
        row = {"key": LINK_KEY, "value": secrets.token_hex(32), "revision": 1}
        connection.execute(new.values(row).on_conflict_do_nothing(index_elements=["key"]))
        kept = connection.execute(select(facts.c.value).where(facts.c.key == LINK_KEY)).scalar_one()
    return bytes.fromhex(str(kept))
