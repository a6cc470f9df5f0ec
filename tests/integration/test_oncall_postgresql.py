"""Overrides on PostgreSQL, as on SQLite."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import inspect

from sre_copilot.errors import UsageError
from sre_copilot.store.database import Database
from sre_copilot.store.oncall import OverrideStore, overrides

pytestmark = pytest.mark.integration
NOW = 1_770_000_000.0
ROW = {
    "id": "O-1",
    "schedule": "nights",
    "person": "bob",
    "replaces": "",
    "starts_at": NOW,
    "ends_at": NOW + 3600,
    "reason": "swap",
}


def test_the_migration_makes_the_table_that_the_schema_describes(empty_postgresql: Database) -> None:
    columns = {each["name"] for each in inspect(empty_postgresql.engine).get_columns("oncall_overrides")}
    assert columns == set(overrides.c.keys())


def test_one_override_is_kept_once_and_removed_once_however_many_ask_at_once(
    empty_postgresql: Database,
) -> None:
    store = OverrideStore(empty_postgresql)
    with ThreadPoolExecutor(4) as pool:
        added = list(pool.map(lambda _: store.add(dict(ROW), now=NOW, by="ann")[1], range(8)))
        removed = list(pool.map(lambda _: store.remove("O-1", revision=1, now=NOW + 9, by="ann"), range(8)))
    assert added.count(True) == 1
    assert len([each for each in removed if each is not None]) == 1
    assert store.stamp() == (1, 2)
    with pytest.raises(UsageError, match="another override"):
        store.add({**ROW, "person": "carl"}, now=NOW, by="ann")
