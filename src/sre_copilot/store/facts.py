"""Small facts that outlive the process: when was learned last, which tick was the last."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert, select, update

from sre_copilot.store.database import Database
from sre_copilot.store.tables import facts


class Facts:
    """JSON values by name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, key: str) -> Any:
        """The value, or None."""
        with self._database.begin() as connection:
            return read_fact(connection, key)

    def set(self, key: str, value: Any) -> None:
        """Keep a value."""
        with self._database.begin() as connection:
            write_fact(connection, key, value)


def read_fact(connection: Connection, key: str) -> Any:
    """The value, or None, in the caller's transaction."""
    return connection.execute(select(facts.c.value).where(facts.c.key == key)).scalar_one_or_none()


def write_fact(connection: Connection, key: str, value: Any) -> None:
    """Keep a value, in the caller's transaction."""
    known = update(facts).where(facts.c.key == key).values(value=value, revision=facts.c.revision + 1)
    if connection.execute(known).rowcount == 0:
        connection.execute(insert(facts).values(key=key, value=value, revision=1))
