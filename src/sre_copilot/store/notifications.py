"""What people are told: each notification once by its key, what became of it at each address, and every attempt.

A notification is for a receiver. It becomes one delivery for each of the receiver's targets (a service, or one address of a service).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Float,
    Index,
    Integer,
    String,
    Table,
    Text,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from sre_copilot.domain.notification import Notification
from sre_copilot.errors import UsageError
from sre_copilot.store.database import Database
from sre_copilot.store.paging import Page, Row, decode, encode
from sre_copilot.store.tables import LAST_NUMBER, Number, metadata

LONGEST_KEY = 500  # characters of a key with its suffix
UNFINISHED = ("pending", "started")
AT_ONCE = 500  # rows a statement: SQLite takes 32,766 parameters
FORGET_AT_ONCE = 1_000  # notifications

notifications = Table(
    "notifications",
    metadata,
    Column("id", Number, primary_key=True),
    Column("key", String(LONGEST_KEY), nullable=False, unique=True),
    Column("group_key", String(LONGEST_KEY), nullable=False),
    Column("incident_id", String(64), nullable=False, server_default=""),
    Column("receiver", String(200), nullable=False),
    Column("state", String(16), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("severity", String(16), nullable=False, server_default=""),
    Column("created_at", Float, nullable=False),
    Column("payload", JSON, nullable=False),
    Column("status", String(16), nullable=False),
    Column("finished_at", Float),
    Column("last_error", Text, nullable=False, server_default=""),
    Index("ix_notifications_status", "status", "id"),
    Index("ix_notifications_group_key", "group_key"),
    Index("ix_notifications_incident_id", "incident_id"),
    Index("ix_notifications_created_at", "created_at"),
)
"""`status`: pending, started (it is with the services), sent (every target has it), failed (at least one has not), skipped (there was nobody to tell the end to)."""

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Number, primary_key=True),
    Column("key", String(LONGEST_KEY), nullable=False, unique=True),
    Column("notification_key", String(LONGEST_KEY), nullable=False, server_default=""),
    Column("group_key", String(LONGEST_KEY), nullable=False, server_default=""),
    Column("receiver", String(200), nullable=False),
    Column("target", String(300), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("bot", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("severity", String(16), nullable=False, server_default=""),
    Column("created_at", Float, nullable=False),
    Column("status", String(16), nullable=False),
    Column("handed", Boolean, nullable=False),
    Column("started_at", Float),
    Column("sent_at", Float),
    Column("attempts", Integer, nullable=False),
    Column("reference", String(500), nullable=False, server_default=""),
    Column("last_error", Text, nullable=False, server_default=""),
    Column("merged_into", String(LONGEST_KEY), nullable=False, server_default=""),
    Index("ix_deliveries_status", "status", "id"),
    Index("ix_deliveries_notification_key", "notification_key"),
    Index("ix_deliveries_group_key", "group_key", "receiver", "target"),
    Index("ix_deliveries_merged_into", "merged_into"),
)
"""`status`: pending, started (a durable run has it, or is about to: `handed`), sent, failed, merged (it is told within the digest `merged_into`), skipped."""

attempts = Table(
    "delivery_attempts",
    metadata,
    Column("id", Number, primary_key=True),
    Column("delivery_key", String(LONGEST_KEY), nullable=False),
    Column("number", Integer, nullable=False),
    Column("bot", String(16), nullable=False),
    Column("at", Float, nullable=False),
    Column("finished_at", Float),
    Column("outcome", String(16), nullable=False),
    Column("cause", String(32), nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
    Column("retry_at", Float),
    Index("ix_delivery_attempts_delivery_key", "delivery_key", "number", unique=True),
    Index("ix_delivery_attempts_bot", "bot", "at"),
)
"""`outcome`: sending (under way, or the process died before it could tell), sent, retry, failed."""


def insert_new(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, by: str = "key"
) -> int:
    """Insert rows, leaving out those whose key is there; how many are new."""
    insert = insert_postgresql if connection.dialect.name == "postgresql" else insert_sqlite
    new = 0
    for start in range(0, len(rows), AT_ONCE):
        part = [dict(row) for row in rows[start : start + AT_ONCE]]
        statement = insert(table).values(part).on_conflict_do_nothing(index_elements=by.split(","))
        new += max(0, connection.execute(statement).rowcount)
    return new


class NotificationStore:
    """Keeps notifications; nothing is told twice, for each has its key."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def insert(self, connection: Connection, told: Sequence[Notification]) -> int:
        """Keep what is to be told, within the caller's own transaction; a key that is there is left as it is. How many are new."""
        return insert_new(connection, notifications, [_row(each) for each in told]) if told else 0

    def get(self, key: str) -> Row | None:
        """A notification by its key."""
        with self.database.begin() as connection:
            return one(connection, notifications, notifications.c.key == key)

    def page(
        self,
        *,
        since: float | None = None,
        incident: str = "",
        receiver: str = "",
        status: str = "",
        cursor: str | None = None,
        limit: int = 100,
    ) -> Page:
        """The log: notifications, the latest first, each with its deliveries and their attempts."""
        where = list(_conditions(since=since, incident=incident, receiver=receiver, status=status))
        if cursor:
            where.append(notifications.c.id < _number(cursor))
        query = select(notifications).where(*where).order_by(notifications.c.id.desc()).limit(limit + 1)
        with self.database.begin() as connection:
            rows = [dict(row) for row in connection.execute(query).mappings()]
            kept = rows[:limit]
            _add_deliveries(connection, kept)
        last = kept[-1]["id"] if len(rows) > limit else None
        return Page(tuple(kept), encode(float(last), str(last)) if last is not None else None)

    def last_of(self, incident: str) -> dict[str, dict[str, Any]]:
        """What became of the last message about an incident, by receiver: `status`, and the `problem` of one that failed."""
        columns = (notifications.c.receiver, notifications.c.status, notifications.c.last_error)
        query = select(*columns).where(notifications.c.incident_id == incident).order_by(notifications.c.id)
        with self.database.begin() as connection:
            rows = connection.execute(query)
            return {receiver: {"status": status, "problem": error or ""} for receiver, status, error in rows}

    def forget(self, *, before: float, limit: int = FORGET_AT_ONCE) -> int:
        """Delete notifications that were made before a time and are finished, with all that belongs to them, those made first; how many: as many as the limit when there may be more."""
        with self.database.write() as connection:
            old = _first_keys(connection, notifications, before, limit)
            digests = _first_keys(connection, deliveries, before, limit, deliveries.c.notification_key == "")
            mine = select(deliveries.c.key).where(
                deliveries.c.created_at < before,
                deliveries.c.status.not_in(UNFINISHED),
                deliveries.c.notification_key.in_(old) | deliveries.c.key.in_(digests),
            )
            connection.execute(delete(attempts).where(attempts.c.delivery_key.in_(mine)))
            connection.execute(delete(deliveries).where(deliveries.c.key.in_(mine)))
            connection.execute(delete(notifications).where(notifications.c.key.in_(old)))
            return max(len(old), len(digests) if len(digests) == limit else 0)

    def counts(self) -> dict[str, int]:
        """How many notifications there are of each status."""
        query = select(notifications.c.status, func.count()).group_by(notifications.c.status)
        with self.database.begin() as connection:
            return {str(status): int(count) for status, count in connection.execute(query)}


def one(connection: Connection, table: Table, where: ColumnElement[bool]) -> Row | None:
    """The row that a condition names."""
    row = connection.execute(select(table).where(where)).mappings().one_or_none()
    return dict(row) if row is not None else None


def _first_keys(
    connection: Connection, table: Table, before: float, limit: int, *where: ColumnElement[bool]
) -> list[str]:
    """Keys of what is finished and was made before a time, the first ones."""
    over = (table.c.created_at < before, table.c.status.not_in(UNFINISHED), *where)
    query = select(table.c.key).where(*over).order_by(table.c.id).limit(limit)
    return [str(key) for key in connection.execute(query).scalars()]


def settle(connection: Connection, key: str, *, now: float) -> str:
    """Let a notification have the status that its deliveries give it, once all of them are finished; return it."""
    rows = connection.execute(
        select(deliveries.c.status, deliveries.c.last_error).where(deliveries.c.notification_key == key)
    ).all()
    statuses = {row.status for row in rows}
    if statuses & set(UNFINISHED):
        return "started"
    merged = connection.execute(_digests_of(key)).scalars().all() if "merged" in statuses else []
    if set(merged) & set(UNFINISHED):
        return "started"
    found = _whole((statuses - {"merged"}) | set(merged))
    errors = [row.last_error for row in rows if row.last_error]
    connection.execute(
        update(notifications)
        .where(notifications.c.key == key)
        .values(status=found, finished_at=now, last_error=errors[-1] if errors and found == "failed" else "")
    )
    return found


def _digests_of(key: str) -> Any:
    merged = select(deliveries.c.merged_into).where(
        deliveries.c.notification_key == key, deliveries.c.merged_into != ""
    )
    return select(deliveries.c.status).where(deliveries.c.key.in_(merged))


def _whole(statuses: set[str]) -> str:
    if "failed" in statuses:
        return "failed"
    return "sent" if "sent" in statuses else "skipped"


def _row(told: Notification) -> Row:
    content = dict(told.content)
    return {
        "key": told.key,
        "group_key": told.group,
        "incident_id": str(content.get("incident_id") or "")[:64],
        "receiver": told.receiver,
        "state": told.state,
        "sequence": told.sequence,
        "severity": str(content.get("severity") or "")[:16],
        "created_at": told.created_at,
        "payload": {"content": content, "people": [dict(each) for each in told.people], "about": told.about},
        "status": "pending",
        "finished_at": None,
        "last_error": "",
    }


def _conditions(
    *, since: float | None, incident: str, receiver: str, status: str
) -> Iterable[ColumnElement[bool]]:
    if since is not None:
        yield notifications.c.created_at >= since
    if incident:
        yield (notifications.c.incident_id == incident) | (notifications.c.group_key == incident)
    if receiver:
        yield notifications.c.receiver == receiver
    if status:
        yield notifications.c.status == status


def _add_deliveries(connection: Connection, rows: Sequence[Row]) -> None:
    keys = [row["key"] for row in rows]
    mine = connection.execute(
        select(deliveries).where(deliveries.c.notification_key.in_(keys)).order_by(deliveries.c.id)
    ).mappings()
    found = [dict(row) for row in mine]
    wanted = {key for row in found for key in (row["key"], row["merged_into"]) if key}
    tried = connection.execute(
        select(attempts).where(attempts.c.delivery_key.in_(wanted)).order_by(attempts.c.number)
    ).mappings()
    by_delivery: dict[str, list[Row]] = {}
    for each in map(dict, tried):
        by_delivery.setdefault(each["delivery_key"], []).append(each)
    for each in found:
        each["log"] = by_delivery.get(each["merged_into"] or each["key"], [])
    for row in rows:
        row["deliveries"] = [each for each in found if each["notification_key"] == row["key"]]


def _number(cursor: str) -> int:
    number = int(decode(cursor)[0])
    if not 0 <= number <= LAST_NUMBER:
        raise UsageError("cursor: is none that this server gave. Leave it out to begin anew.")
    return number
