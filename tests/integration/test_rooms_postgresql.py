"""Rooms and sessions in a real PostgreSQL."""

from __future__ import annotations

import pytest

from sre_copilot.store.database import Database
from sre_copilot.testing.rooms_contract import RoomsContract

pytestmark = pytest.mark.integration


class TestPostgresql(RoomsContract):
    """PostgreSQL."""

    @pytest.fixture
    def database(self, empty_postgresql: Database) -> Database:
        return empty_postgresql
