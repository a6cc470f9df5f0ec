"""A database that is acted on: transactions that end by the deadline, and keys that are kept in them."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Float,
    MetaData,
    String,
    Table,
    create_engine,
    insert,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from sre_copilot.action.executor import ActionError, Call
from sre_copilot.action.executors.common import left
from sre_copilot.action.executors.sql.settings import SqlExecutorSettings, dialect_of

LOOK_S = 30.0
SHOWN_ROWS = 20
KEYS = Table(
    "sre_copilot_actions",
    MetaData(),
    Column("key", String(200), primary_key=True),
    Column("at", Float, nullable=False),
)
"""`CREATE TABLE sre_copilot_actions (key VARCHAR(200) PRIMARY KEY, at DOUBLE PRECISION NOT NULL)`."""


class Known(Exception):  # noqa: N818 - no error: the effect was made before
    """The key is there already."""


class Target:
    """One database. Each transaction has a connection of its own: one that broke in between leaves an effect in doubt."""

    def __init__(self, settings: SqlExecutorSettings) -> None:
        self._name, self._settings = settings.name, settings
        self.dialect = dialect_of(settings.url.get_secret_value())

    @contextmanager
    def reading(self, call: Call | None) -> Iterator[Connection]:
        """A transaction that is rolled back, whatever was done in it."""
        with self._opened(left(call, self._name, most=LOOK_S)) as connection:
            try:
                yield connection
            except SQLAlchemyError as error:
                raise self._failed(error, "none") from None
            finally:
                with suppress(SQLAlchemyError):
                    connection.rollback()

    @contextmanager
    def changing(self, call: Call, *, effect: str = "none") -> Iterator[Connection]:
        """A transaction that is committed at its end with its key; `effect`: what is known when it fails before.

        Raises
        ------
        Known : when its key is there already
        ActionError : when it failed and was rolled back, or nobody knows whether it was committed
        """
        with self._opened(left(call, self._name, most=600.0)) as connection:
            try:
                if self._settings.keys_table:
                    self._keep(connection, call.key)
                yield connection
                if effect == "none":
                    self._in_time(call)
            except SQLAlchemyError as error:
                raise self._failed(error, effect) from None
            try:
                connection.commit()
            except SQLAlchemyError as error:
                refused = isinstance(error, IntegrityError)
                raise self._failed(error, "none" if refused else "unknown") from None

    def holds(self, connection: Connection, key: str) -> bool:
        """Whether a key is there."""
        return connection.execute(select(KEYS.c.key).where(KEYS.c.key == key)).first() is not None

    def rows(self, connection: Connection, statement: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What a SELECT finds, as JSON."""
        found = connection.execute(text(statement), dict(values)).mappings()
        return [{name: _plain(value) for name, value in row.items()} for row in found]

    def value(self, connection: Connection, statement: str, values: Mapping[str, Any]) -> Any:
        """The one value that a SELECT finds; None when it finds none."""
        return connection.execute(text(statement), dict(values)).scalar()

    def _keep(self, connection: Connection, key: str) -> None:
        try:
            connection.execute(insert(KEYS).values(key=key, at=time.time()))
        except IntegrityError:
            raise Known from None

    def _in_time(self, call: Call) -> None:
        if call.cancelled():
            raise ActionError(f"{self._name}: called off, and rolled back", effect="none")
        left(call, self._name)

    @contextmanager
    def _opened(self, seconds: float) -> Iterator[Connection]:
        engine = self._engine(seconds)
        try:
            connection = engine.connect()
        except SQLAlchemyError as error:
            problem = type(getattr(error, "orig", error)).__name__
            raise ActionError(f"{self._name}: no connection to the database ({problem}); check address, account and that it runs", effect="none", retry=True) from None  # fmt: skip
        cut = self._cut_at_the_end(connection, seconds)
        try:
            yield connection
        finally:
            cut.cancel()
            with suppress(SQLAlchemyError):
                connection.close()
            engine.dispose()

    def _engine(self, seconds: float) -> Engine:
        url, wait = self._settings.url.get_secret_value(), min(seconds, self._settings.connect_seconds)
        if self.dialect == "sqlite":
            return create_engine(
                url, poolclass=NullPool, connect_args={"timeout": wait}, hide_parameters=True
            )
        milliseconds = max(1, int(seconds * 1000))
        options = f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds}"
        arguments = {"connect_timeout": max(1, round(wait)), "options": options}
        return create_engine(url, poolclass=NullPool, connect_args=arguments, hide_parameters=True)

    def _cut_at_the_end(self, connection: Connection, seconds: float) -> threading.Timer:
        """A server that never answers is waited for by the driver for ever: at the end the connection is cut."""
        raw: Any = connection.connection.driver_connection

        def cut() -> None:
            with suppress(Exception):  # it may have been closed at this very moment
                if self.dialect == "sqlite":
                    raw.interrupt()
                else:
                    with socket.socket(fileno=os.dup(raw.fileno())) as line:
                        line.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(seconds, cut)
        timer.daemon = True
        timer.start()
        return timer

    def _failed(self, error: SQLAlchemyError, effect: str) -> ActionError:
        """What went wrong, without what the database said: it repeats values."""
        original = getattr(error, "orig", None) or error
        code = getattr(original, "sqlstate", None) or getattr(original, "sqlite_errorname", None) or ""
        word = " ".join(each for each in (type(original).__name__, str(code)) if each)
        busy = isinstance(error, DBAPIError) and not isinstance(error, IntegrityError)
        hint = "; create the table sre_copilot_actions, as the documentation says" if "no such table: sre_copilot_actions" in str(original) or 'relation "sre_copilot_actions"' in str(original) else ""  # fmt: skip
        broken = type(original).__name__ in {"OperationalError", "QueryCanceled", "LockNotAvailable", "DeadlockDetected", "SerializationFailure"}  # fmt: skip
        return ActionError(f"{self._name}: the database refuses or was cut off: {word}{hint}", effect=effect, retry=busy and broken and not hint)  # fmt: skip


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
