"""What holds for every test."""

from __future__ import annotations

import gc
import logging
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine

from sre_copilot.store import database


def pytest_collection_finish() -> None:
    """What was imported and collected stays: each full sweep of the garbage would look at all of it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _tables_are_made_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A new SQLite store begins as a copy of one that the migrations made: they take longer than most tests that need a store."""
    usual, model, making = database.migrate, tmp_path_factory.mktemp("tables") / "model.db", threading.Lock()

    def migrate(engine: Engine) -> None:
        file = Path(engine.url.database or ":memory:")
        if engine.dialect.name == "sqlite" and file.is_absolute() and not file.exists():
            with making:
                if not model.exists():
                    made = create_engine(f"sqlite:///{model}")
                    usual(made)
                    made.dispose()
            _copy(model, file)
        usual(engine)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "migrate", migrate)
        yield


def _copy(model: Path, file: Path) -> None:
    """Put a copy where no file is; whoever comes second leaves what the first has begun."""
    if not file.parent.is_dir():
        return
    with tempfile.TemporaryDirectory(dir=file.parent) as beside:
        whole = Path(shutil.copyfile(model, Path(beside) / "whole"))
        try:
            os.link(whole, file)
        except FileExistsError:
            return


@pytest.fixture(autouse=True)
def _log_of_its_own() -> Iterator[None]:
    """What a test makes of the log ends with it: a handler that stays writes to a stream that is closed, and its complaint lands in another test's output."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    for handler in root.handlers[:]:
        if handler not in before and not type(handler).__module__.startswith("_pytest"):
            root.removeHandler(handler)
    root.setLevel(level)
