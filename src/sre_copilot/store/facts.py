"""Small facts that outlive the process: when was learned last, which tick was the last."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, select, update

from sre_copilot.store.database import Database
from sre_copilot.store.tables import facts


class Facts:
    """JSON values by name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, key: str) -> Any:
        """The value, or None."""
        with self._database.begin() as connection:
            return connection.execute(select(facts.c.value).where(facts.c.key == key)).scalar_one_or_none()

    def set(self, key: str, value: Any) -> None:
        """Keep a value."""
        with self._database.begin() as connection:
            known = update(facts).where(facts.c.key == key).values(value=value, revision=facts.c.revision + 1)
            if connection.execute(known).rowcount == 0:
                connection.execute(insert(facts).values(key=key, value=value, revision=1))
