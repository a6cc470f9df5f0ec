"""Speaking to a database so that nothing but reading is possible: read-only transactions, time-outs, verified TLS, few connections."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, OperationalError, SQLAlchemyError

from sre_copilot.errors import SourceError, SourceRefused, SourceUnreachable
from sre_copilot.perception.pace import Pace, tries

_SAID = 300  # characters of the database's own words that an error repeats
_STEPS = 10_000  # instructions of SQLite between two looks at the clock: some tenths of a millisecond
_ALLOWED = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE,
                      sqlite3.SQLITE_TRANSACTION})  # fmt: skip
_BEGIN = {
    "postgresql": (
        "SET TRANSACTION READ ONLY",
        "SET LOCAL statement_timeout = {ms}",
        "SET LOCAL TIME ZONE '{zone}'",
    ),
    "mysql": ("SET SESSION TRANSACTION READ ONLY", "SET SESSION max_execution_time = {ms}"),
    "mariadb": ("SET SESSION TRANSACTION READ ONLY", "SET SESSION max_statement_time = {s}"),
    "oracle": ("SET TRANSACTION READ ONLY",),
}
_TIMED_OUT = ("timeout", "timed out", "interrupted", "canceling statement")
_NOW = {
    "postgresql": "SELECT EXTRACT(EPOCH FROM clock_timestamp())",
    "sqlite": "SELECT (julianday('now') - 2440587.5) * 86400",
}
_VERSION = {"sqlite": "SELECT sqlite_version()", "postgresql": "SHOW server_version"}


@dataclass(frozen=True, slots=True)
class Reach:
    """How a database is reached; `verified` asks for TLS with a certificate that is checked, `zone` is that of times that name none."""

    url: URL = field(repr=False)
    timeout_seconds: float
    attempts: int
    requests_per_second: float
    zone: str
    verified: bool
    files: tuple[Path | None, Path | None, Path | None] = (None, None, None)


class Database:
    """One database; every statement runs in a transaction that cannot write."""

    def __init__(self, reach: Reach, *, name: str) -> None:
        self.name = name
        self.backend = reach.url.get_backend_name()
        self.shown = reach.url.set(password=None).render_as_string(hide_password=True)
        self.guarded = self.backend in {"sqlite", *_BEGIN}
        self._reach = reach
        self._engine: Engine | None = None
        self._lock = threading.Lock()
        self._pace = Pace(reach.requests_per_second)

    def rows(self, sql: str, parameters: Mapping[str, object]) -> Sequence[Sequence[Any]]:
        """Run a query and return its rows, again when the connection was lost.

        Raises
        ------
        SourceUnreachable : no connection, or no answer in time
        SourceRefused : the database does not accept who we are, or the query
        """
        found: Sequence[Sequence[Any]] = self._tried(
            lambda connection: connection.execute(sa.text(sql), parameters).all()
        )
        return found

    def table(self, sql: str) -> tuple[Sequence[Sequence[Any]], list[str]]:
        """Run a query that holds no parameter, and return its rows and the names of its columns."""

        def ask(connection: Connection) -> tuple[Sequence[Sequence[Any]], list[str]]:
            found = connection.execute(sa.text(sql.replace(":", r"\:")))
            return found.all(), list(found.keys())

        rows: tuple[Sequence[Sequence[Any]], list[str]] = self._tried(ask)
        return rows

    def version(self) -> str:
        """Version of the server."""
        question = _VERSION.get(self.backend, "SELECT 1")
        return (
            f"{self.backend} {self._tried(lambda connection: connection.exec_driver_sql(question).scalar())}"
        )

    def clock_skew(self) -> float | None:
        """Its clock minus ours in seconds, or None where it has no clock of its own or cannot be asked in a way that is known."""
        question = _NOW.get(self.backend)
        if question is None:
            return None
        return (
            float(self._tried(lambda connection: connection.exec_driver_sql(question).scalar())) - time.time()
        )

    def close(self) -> None:
        """Close all connections."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def __repr__(self) -> str:
        return f"Database({self.shown})"

    def _tried(self, do: Callable[[Connection], Any]) -> Any:
        try:
            for attempt in tries(_lost, attempts=self._reach.attempts):
                with attempt, self._reading() as connection:
                    return do(connection)
        except SQLAlchemyError as error:
            raise self._error(error) from None
        raise AssertionError("the loop above returns or raises")

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """A transaction that cannot write; it is rolled back in any case."""
        self._pace.wait()
        with self._opened().connect() as connection:
            milliseconds = round(self._reach.timeout_seconds * 1000)
            for line in _BEGIN.get(self.backend, ()):
                connection.exec_driver_sql(
                    line.format(ms=milliseconds, s=self._reach.timeout_seconds, zone=self._reach.zone)
                )
            if self.backend == "sqlite":
                _bounded(connection, self._reach.timeout_seconds)
            try:
                yield connection
            finally:
                connection.rollback()

    def _opened(self) -> Engine:
        with self._lock:
            if self._engine is None:
                self._engine = self._engine_of()
            return self._engine

    def _engine_of(self) -> Engine:
        url = self._reach.url
        try:
            if self.backend == "sqlite":
                return sa.create_engine("sqlite://", creator=lambda: _opened_file(url), hide_parameters=True)
            arguments = self._tls() if self.backend == "postgresql" else {}
            return sa.create_engine(
                url,
                connect_args=arguments,
                hide_parameters=True,
                pool_size=1,
                max_overflow=0,
                pool_pre_ping=True,
            )
        except (ImportError, NoSuchModuleError) as error:
            module = getattr(error, "name", None) or url.drivername
            raise SourceRefused(
                self.name,
                f"there is no driver for {url.drivername} ({module})",
                remedy="install it: `pip install sre-copilot[postgresql]` has that of PostgreSQL",
            ) from None

    def _tls(self) -> dict[str, Any]:
        authority, certificate, key = self._reach.files
        found: dict[str, Any] = {"connect_timeout": max(2, round(self._reach.timeout_seconds))}
        if self._reach.verified:
            found |= {"sslmode": "verify-full", "sslrootcert": str(authority or "system")}
        elif authority:
            found |= {"sslmode": "verify-ca", "sslrootcert": str(authority)}
        if certificate:
            found |= {"sslcert": str(certificate), "sslkey": str(key)}
        return found

    def _error(self, error: SQLAlchemyError) -> SourceError:
        said = self._clean(str(getattr(error, "orig", None) or error))
        low = said.lower()
        if any(word in low for word in _TIMED_OUT):
            limit = self._reach.timeout_seconds
            return SourceUnreachable(
                self.name,
                f"no answer within {limit:g} s: {said}",
                remedy="ask for less, or raise timeout_seconds",
            )
        if "authentication" in low or "password" in low or "role" in low or "access denied" in low:
            return SourceRefused(
                self.name, f"refused: {said}", remedy="check the user in url, password, and what it may read"
            )
        if _lost(error):
            return SourceUnreachable(
                self.name,
                f"no connection to {self.shown}: {said}",
                remedy="check url and that the database runs",
            )
        return SourceRefused(
            self.name,
            f"the query failed: {said}",
            remedy="run it by hand; check query, signals and parameters",
        )

    def _clean(self, said: str) -> str:
        secret = str(self._reach.url.password or "")
        return " ".join((said.replace(secret, "***") if secret else said).split())[:_SAID]


def _lost(error: Exception) -> bool:
    """Whether another try may help: the connection was not made or was lost."""
    if not isinstance(error, DBAPIError):
        return False
    said = str(error.orig).lower()
    if any(
        word in said
        for word in (*_TIMED_OUT, "authentication", "password", "no such", "syntax", "not authorized")
    ):
        return False
    return error.connection_invalidated or (isinstance(error, OperationalError) and "read-only" not in said)


def _opened_file(url: URL) -> sqlite3.Connection:
    """A SQLite file, opened for reading."""
    connection = sqlite3.connect(
        f"file:{quote(url.database or '')}?mode=ro", uri=True, check_same_thread=False
    )
    connection.execute("PRAGMA query_only = ON")
    return connection


def _bounded(connection: Connection, seconds: float) -> None:
    """Refuse everything but SELECT, and interrupt what runs longer; what SQLAlchemy needs to know it has asked by now."""
    until = time.monotonic() + seconds
    driver: Any = connection.connection.driver_connection
    driver.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY)
    driver.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
