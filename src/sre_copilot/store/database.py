"""The database: an engine, the schema brought up to date, and one way to begin a transaction.

SQLite by default (WAL, so that readers do not wait for the writer), PostgreSQL by its address; `store.tables` is the schema of both.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as NoConnection

from sre_copilot.errors import StoreError

CHECKPOINT_PAGES = 4000  # 16 MB of log: a storm would otherwise have the file written out, and wait for the disk, at nearly every commit
BUSY_MS = 5000  # a writer waits so long for another one: longer than any transaction of ours


class Database:
    """An open database whose schema is the current one."""

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        lines_up = self.engine.dialect.name == "sqlite"
        self._writing: AbstractContextManager[Any] = threading.Lock() if lines_up else nullcontext()
        try:
            migrate(self.engine)
        except DBAPIError as error:
            self.engine.dispose()
            raise StoreError(
                f"store.url ({_shown(url)}): cannot be used: {_cause(error)}. Check that it runs, user and rights."
            ) from None

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction: all of it is kept, or, when anything raises, nothing."""
        try:
            with self.engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise StoreError(
                f"the store did not accept a statement: {_cause(error)}. Check free space, rights and connection."
            ) from error
        except NoConnection as error:
            raise StoreError("the store is too slow: every connection is in use. Try again later.") from error

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes often: on SQLite the threads of this process line up for it, instead of asking again and again whether the file is free."""
        with self._writing, self.begin() as connection:
            yield connection

    def healthy(self) -> bool:
        """Whether it answers."""
        try:
            with self.begin() as connection:
                connection.execute(text("SELECT 1"))
        except StoreError:
            return False
        return True

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def sqlite_url(folder: Path) -> str:
    """The address of the SQLite database in a folder, which is made when it is not there."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreError(
            f"store.folder ({folder}): cannot be made: {error.strerror}. Name another."
        ) from None
    return f"sqlite:///{folder / 'sre-copilot.db'}"


def migrate(engine: Engine) -> None:
    """Bring the schema up to date, all of it or, when the process ends on the way, nothing; one process does it, others wait. One that is the current one is left alone."""
    with engine.begin() as connection:
        if _is_current(connection):
            return
    with engine.begin() as connection:
        # the driver of SQLite begins no transaction of its own for what defines tables
        alone = (
            "BEGIN IMMEDIATE" if engine.dialect.name == "sqlite" else "SELECT pg_advisory_xact_lock(72614)"
        )
        connection.exec_driver_sql(alone)
        if _is_current(connection):
            return
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _is_current(connection: Connection) -> bool:
    return set(MigrationContext.configure(connection).get_current_heads()) == _newest()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("sre_copilot.store") / "migrations"))
    return config


@cache
def _newest() -> frozenset[str]:
    return frozenset(ScriptDirectory.from_config(_config()).get_heads())


def _engine(url: str) -> Engine:
    try:
        engine = create_engine(url, pool_pre_ping=True)
    except (ArgumentError, NoSuchModuleError) as error:
        raise StoreError(
            f"store.url: is no address of a database: {error}. Write sqlite:///FILE or postgresql+psycopg://…"
        ) from None
    except ModuleNotFoundError as error:
        raise StoreError(
            f"store.url: the driver {error.name} is missing. Install sre-copilot[postgresql]."
        ) from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        f"busy_timeout={BUSY_MS}",
        "foreign_keys=ON",
        f"wal_autocheckpoint={CHECKPOINT_PAGES}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _shown(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True)


def _cause(error: DBAPIError) -> str:
    return " ".join(str(error.orig).split())[:300]
