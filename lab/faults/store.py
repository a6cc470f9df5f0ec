"""What the services keep their data in fails: a lock in PostgreSQL, Redis down."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

from lab.faults.fault import Fault, Scene


@contextmanager
def _lock(scene: Scene) -> Iterator[None]:
    """Somebody changed all rows of `stock` in a session of his own and forgot to commit."""
    with psycopg.connect(scene.shop.configuration.database, application_name="psql") as session:
        session.execute("UPDATE stock SET amount = amount")
        try:
            yield
        finally:
            with suppress(psycopg.OperationalError):  # whoever repaired it has ended the session
                session.rollback()


@contextmanager
def _down(scene: Scene) -> Iterator[None]:
    scene.shop.stop("redis")
    try:
        yield
    finally:
        scene.shop.start("redis")


FAULTS = (
    Fault(
        "database-lock", "database/lock", ("postgres",),
        "a session updates all rows of a table and stays idle in its transaction",
        "pg_locks_waiting above 0, pg_longest_transaction_seconds grows, `still waiting for ShareLock` in the log of postgres; "
        "the inventory's writes time out and fill its pool",
        _lock,
    ),
    Fault(
        "redis-down", "dependency/unavailable", ("redis",),
        "Redis is stopped",
        "`up` of redis is 0, cart and notification fail with ConnectionError",
        _down,
    ),
)  # fmt: skip
