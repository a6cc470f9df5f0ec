"""Experience in the default database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sre_copilot.store.database import Database, sqlite_url
from sre_copilot.testing.experience_contract import ExperienceContract


class TestSqlite(ExperienceContract):
    """The default engine."""

    @pytest.fixture
    def database(self, tmp_path: Path) -> Iterator[Database]:
        database = Database(sqlite_url(tmp_path / "data"))
        yield database
        database.close()
