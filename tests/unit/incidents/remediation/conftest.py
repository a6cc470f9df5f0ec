"""A world of two things whose effects are counted."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.incidents.remediation.bench import NOW, Make

from sre_copilot.clock import TurnedClock
from sre_copilot.store.database import Database, sqlite_url
from sre_copilot.testing.acting import Acting
from sre_copilot.testing.counted_target import CountedTarget
from sre_copilot.testing.durable import MemoryDurable


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database whose schema is the current one, to be copied."""
    folder = tmp_path_factory.mktemp("empty")
    Database(sqlite_url(folder)).close()
    return folder / "sre-copilot.db"


@pytest.fixture
def make(tmp_path: Path, empty: Path) -> Iterator[Make]:
    """Makes a world with two things of value 10."""
    shutil.copy(empty, tmp_path / empty.name)
    database = Database(sqlite_url(tmp_path))
    target = CountedTarget(tmp_path / "target.sqlite")
    for name in ("a", "b"):
        target.put(name, 10.0)

    def made(**parts: Any) -> Acting:
        clock = TurnedClock(NOW)
        durable = MemoryDurable(clock)
        acting = Acting(database, durable, target, clock=clock, elapsed=clock.now, **parts)
        durable.launch()
        return acting

    yield made
    database.close()
