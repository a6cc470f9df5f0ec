"""The database in which DBOS keeps the runs, and how DBOS is set up: quiet, alone, and with JSON in place of pickles."""

from __future__ import annotations

import json
import logging
import sqlite3
from typing import Any

import psycopg
from dbos import DBOSConfig, Serializer
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import OperationalError

from sre_copilot.errors import DurableError

NAME = "sre-copilot"
VERSION = "1"  # pinned: a version made of the source would leave every run of yesterday's release lying; names are numbered instead
SCHEMA = "sre_copilot_durable"
POOL = 5  # connections: the listener and the background jobs keep one each, what is left is used for a millisecond at a time
DATABASE_THREADS = 8  # of DBOS, for its statements; steps have threads of their own
SQLITE_THREADS = 2  # a file has one writer at a time: more threads only ask again and again, with pauses, whether it is free
BUSY_MS = 5000  # a writer of the file waits so long for another thread
IDLE_MS = 5000  # a worker stopped within a transaction lets go of its rows before its runs are taken over
SQLITE_LOOK_S = 60.0  # a fallback: whoever sends is in the same process and wakes the waiting run itself


FAILED = "connection failed"  # what DBOS looks for where a connection cannot be made
LOCKED = "database is locked"  # what DBOS looks for before it tries again
PASSING = ("disk is full", "disk I/O error", "unable to open database file")  # until somebody makes room


class Json(Serializer):
    """Values as JSON: whoever can write the database cannot make us run code, as with pickles."""

    def name(self) -> str:
        """What DBOS notes beside each value."""
        return "sre_copilot_json"

    def serialize(self, data: Any) -> str:
        """As text."""
        return json.dumps(data, default=_exception)

    def deserialize(cls, serialized_data: str) -> Any:  # noqa: N805 - named so by the base class
        """From text."""
        value = json.loads(serialized_data)
        if isinstance(value, dict) and set(value) == {"exception"}:
            return DurableError(value["exception"])
        return value


def _exception(value: object) -> dict[str, str]:
    if not isinstance(value, BaseException):
        raise TypeError(f"{type(value).__name__} is not JSON")
    return {"exception": f"{type(value).__name__}: {value}"}


def system_engine(url: str) -> Engine:
    """The engine of the database of runs."""
    if url.startswith("sqlite"):
        engine = create_engine(url, pool_size=POOL, max_overflow=POOL)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "handle_error", _as_locked, retval=True)
    else:
        # not asked before each use whether it is still there: DBOS tries a statement again on another connection
        engine = create_engine(url, pool_size=POOL, max_overflow=POOL)
        event.listen(engine, "connect", _prepare_postgresql)
        event.listen(engine, "handle_error", _as_failed, retval=True)
    return engine


def settings(engine: Engine, executor: str) -> DBOSConfig:
    """What DBOS is told: nothing that leaves this machine, no telemetry, no console."""
    sqlite = engine.dialect.name == "sqlite"
    return DBOSConfig(
        name=NAME,
        application_version=VERSION,
        executor_id=executor,
        system_database_engine=engine,
        dbos_system_schema=None if sqlite else SCHEMA,
        serializer=Json(),
        enable_otlp=False,
        log_level="WARNING",
        max_executor_threads=SQLITE_THREADS if sqlite else DATABASE_THREADS,
        notification_listener_polling_interval_sec=SQLITE_LOOK_S if sqlite else 1.0,
        scheduler_polling_interval_sec=3600.0,  # there are no schedules of its kind
    )


def quieten() -> None:
    """Let its log lines go the way of ours; with a handler of its own present it does not make one for the console."""
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    logger.propagate = True


def silence() -> None:
    """Say nothing more; the next launch sets its level again."""
    logging.getLogger("dbos").setLevel(logging.CRITICAL)


def _as_locked(context: ExceptionContext) -> BaseException | None:
    """DBOS waits for a file that is locked, and leaves a run lying for ever whose record found no room; both pass, so both are waited for."""
    cause = context.original_exception
    if not isinstance(cause, sqlite3.OperationalError) or not any(each in str(cause) for each in PASSING):
        return None
    return OperationalError(context.statement, None, sqlite3.OperationalError(f"{cause} ({LOCKED})"))


def _as_failed(context: ExceptionContext) -> BaseException | None:
    """DBOS waits for a database that is away only where the driver says so in one of its two wordings; it says the other where the socket is gone."""
    cause = context.original_exception
    if (
        context.connection is not None
        or not isinstance(cause, psycopg.OperationalError)
        or FAILED in str(cause)
    ):
        return None
    return OperationalError(context.statement, None, psycopg.OperationalError(f"{FAILED}: {cause}"))


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = (
        "IMMEDIATE"  # writers queue up at the beginning, so that none fails in the middle
    )
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", f"busy_timeout={BUSY_MS}", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _prepare_postgresql(connection: Any, _: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET idle_in_transaction_session_timeout = {IDLE_MS}")
    connection.commit()
