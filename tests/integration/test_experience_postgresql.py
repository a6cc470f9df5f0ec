"""Experience in a real PostgreSQL."""

from __future__ import annotations

import pytest

from sre_copilot.store.database import Database
from sre_copilot.testing.experience_contract import ExperienceContract

pytestmark = pytest.mark.integration


class TestPostgresql(ExperienceContract):
    """PostgreSQL."""

    @pytest.fixture
    def database(self, empty_postgresql: Database) -> Database:
        return empty_postgresql
