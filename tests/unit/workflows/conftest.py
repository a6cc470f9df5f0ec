"""A bench: workflows on fakes, under a turned clock."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sre_copilot.store.database import Database, sqlite_url
from sre_copilot.testing.workflows import Bench


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with all tables, made once: making them takes longer than any test here."""
    folder = tmp_path_factory.mktemp("store")
    Database(sqlite_url(folder)).close()
    return folder


@pytest.fixture
def bench(tmp_path: Path, empty_store: Path) -> Iterator[Bench]:
    shutil.copytree(empty_store, tmp_path, dirs_exist_ok=True)
    made = Bench(tmp_path)
    yield made
    made.close()
