"""Leases: who may do what only one may do, for how long, and a number that tells a former holder from the present one.

A lease that has run out is still its holder's until another takes it: its token is what counts, and it rises with each holder.
Times are the database's on PostgreSQL, where several machines take part; this machine's on SQLite.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Float,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    delete,
    func,
    literal,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection

from sre_copilot.clock import Clock, SystemClock
from sre_copilot.errors import StoreError
from sre_copilot.store.database import Database
from sre_copilot.store.tables import metadata

IDLE_MS = 3000  # a leader stopped within its transaction lets go of the row after it, well within the 10 s of a take-over

leases = Table(
    "leases",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("holder", Text, nullable=False),
    Column("token", BigInteger().with_variant(Integer, "sqlite"), nullable=False),
    Column("acquired_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    # a key that others could refer to: so that renewing, which leaves it alone, does not wait for a transaction that checked it
    UniqueConstraint("name", "token"),
)


class Fenced(StoreError):  # noqa: N818 - a kind of StoreError, and it reads better so
    """Somebody else holds the lease by now: whatever its former holder was about to write is not written."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease as it was given; `token` rises with each new holder of the name."""

    name: str
    holder: str
    token: int


class Leases:
    """The leases in a database."""

    def __init__(self, database: Database, *, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()
        self._postgresql = database.engine.dialect.name == "postgresql"

    def acquire(self, name: str, holder: str, ttl_s: float) -> Lease | None:
        """Take a lease that nobody holds now; None when somebody does."""
        now = self._now()
        row = {"name": name, "holder": holder, "acquired_at": now, "expires_at": now + ttl_s}
        insert = postgresql.insert(leases) if self._postgresql else sqlite.insert(leases)
        taken = (
            insert.values(**row, token=1)
            .on_conflict_do_update(
                index_elements=[leases.c.name],
                set_={**row, "token": leases.c.token + 1},
                where=leases.c.expires_at <= now,
            )
            .returning(leases.c.token)
        )
        with self._single() as connection:
            token = connection.execute(taken).scalar_one_or_none()
        return None if token is None else Lease(name, holder, int(token))

    def renew(self, lease: Lease, ttl_s: float) -> bool:
        """Hold it longer, also when it has run out and nobody has taken it; False when somebody has."""
        with self._single() as connection:
            longer = update(leases).where(_mine(lease)).values(expires_at=self._now() + ttl_s)
            return connection.execute(longer).rowcount == 1

    def release(self, lease: Lease) -> bool:
        """Let another take it at once; False when somebody has."""
        with self._single() as connection:
            return connection.execute(update(leases).where(_mine(lease)).values(expires_at=0.0)).rowcount == 1

    def free(self, name: str) -> None:
        """Take it from whoever holds it: where one process alone may use the store, that one is dead."""
        with self._single() as connection:
            connection.execute(update(leases).where(leases.c.name == name).values(expires_at=0.0))

    def held(self, lease: Lease) -> bool:
        """Whether it is its holder's and has not run out."""
        running = select(literal(1)).where(_mine(lease), leases.c.expires_at > self._now())
        with self._single() as connection:
            return connection.execute(running).first() is not None

    def check(self, connection: Connection, lease: Lease) -> None:
        """Within the caller's own transaction: nobody can take the lease before that is over.

        Raises
        ------
        Fenced : when somebody has taken it; the transaction is to be rolled back
        """
        if self._postgresql:
            # whoever is stopped within the transaction does not keep the row: the server ends an idle one
            idle = func.set_config(
                "idle_in_transaction_session_timeout", str(IDLE_MS), literal_column("true")
            )
            locked = select(idle).where(_mine(lease)).with_for_update(read=True, key_share=True, of=leases)
            found = connection.execute(locked).first() is not None
        else:
            # the write lock of the file is held from here on
            found = (
                connection.execute(update(leases).where(_mine(lease)).values(token=lease.token)).rowcount == 1
            )
        if not found:
            raise Fenced(
                f"lease {lease.name!r}: {lease.holder!r} does not hold it any more. Nothing was written."
            )

    def holder(self, name: str) -> str | None:
        """Who holds it now; None when nobody does."""
        now = select(leases.c.holder).where(leases.c.name == name, leases.c.expires_at > self._now())
        with self._single() as connection:
            found = connection.execute(now).scalar_one_or_none()
        return None if found is None else str(found)

    def live(self, prefix: str) -> frozenset[str]:
        """Names with this beginning that somebody holds now."""
        named = leases.c.name.startswith(prefix, autoescape=True)
        with self._single() as connection:
            return frozenset(
                connection.execute(
                    select(leases.c.name).where(named, leases.c.expires_at > self._now())
                ).scalars()
            )

    def forget(self, prefix: str, *, unheld_s: float) -> int:
        """Delete those with this beginning that nobody has held for so long; how many. Only for names that are never used again."""
        old = delete(leases).where(
            leases.c.name.startswith(prefix, autoescape=True),
            leases.c.acquired_at <= self._now() - unheld_s,
            leases.c.expires_at <= self._now() - unheld_s,
        )
        with self._single() as connection:
            return int(connection.execute(old).rowcount)

    def _now(self) -> Any:
        """Now: of the database where machines share it."""
        if self._postgresql:
            return literal_column("extract(epoch from clock_timestamp())")
        return self._clock.now()

    @contextmanager
    def _single(self) -> Iterator[Connection]:
        """A connection on which each statement is a transaction of its own: nobody can be stopped in the middle of one."""
        try:
            with self._database.engine.connect() as connection:
                yield connection.execution_options(isolation_level="AUTOCOMMIT")
        except DBAPIError as error:
            cause = " ".join(str(error.orig).split())[:300]
            raise StoreError(f"leases: the store did not answer: {cause}. Check that it runs.") from error
        except NoConnection as error:
            raise StoreError("leases: every connection to the store is in use. Try again later.") from error


def _mine(lease: Lease) -> ColumnElement[bool]:
    return (leases.c.name == lease.name) & (leases.c.holder == lease.holder) & (leases.c.token == lease.token)
