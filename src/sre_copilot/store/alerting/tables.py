"""Tables of alerting; a `document` is the whole record as JSON, the other columns are what is searched by. Times are epoch seconds UTC."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Index, Integer, LargeBinary, String, Table, Text

from sre_copilot.store.tables import Number, metadata

inbox = Table(
    "inbox",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),
    Column("source", String(200), nullable=False),
    Column("key", String(200), unique=True),
    Column("received_at", Float, nullable=False),
    Column("count", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("done_at", Float),
    Column("outcome", Text),
    sqlite_autoincrement=True,
)
"""What came in and is, or is not yet, worked off. `key` is the idempotency key of a command."""
Index(
    "ix_inbox_pending", inbox.c.id, sqlite_where=inbox.c.done_at.is_(None), postgresql_where=inbox.c.done_at.is_(None)
)  # fmt: skip
Index("ix_inbox_received_at", inbox.c.received_at)
Index("ix_inbox_done_at", inbox.c.done_at)

alerts = Table(
    "alerts",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("status", String(16), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("name", String(300), nullable=False),
    Column("service", String(300), nullable=False),
    Column("incident_id", String(32), nullable=False),
    Column("muted", Boolean, nullable=False),
    Column("starts_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("document", Text, nullable=False),
    Index("ix_alerts_status", "status", "starts_at", "id"),
    Index("ix_alerts_starts_at", "starts_at", "id"),
    Index("ix_alerts_incident_id", "incident_id"),
    Index("ix_alerts_updated_at", "updated_at"),
)

groups = Table(
    "alert_groups",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("receiver", String(200), nullable=False),
    Column("document", Text, nullable=False),
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("status", String(16), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("priority", String(2), nullable=False),
    Column("woken", Boolean, nullable=False),
    Column("opened_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("resolved_at", Float),
    Column("revision", Integer, nullable=False),
    Column("document", Text, nullable=False),
    Index("ix_incidents_opened_at", "opened_at", "id"),
    Index("ix_incidents_status", "status", "opened_at", "id"),
)

timeline = Table(
    "incident_timeline",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("incident_id", String(32), nullable=False),
    Column("at", Float, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("who", String(200), nullable=False),
    Column("document", Text, nullable=False),
    Index("ix_incident_timeline_incident_id", "incident_id", "id"),
)

silences = Table(
    "silences",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("ends_at", Float, nullable=False),
    Column("document", Text, nullable=False),
)

maintenance = Table(
    "maintenance",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("document", Text, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("event_id", String(64), nullable=False, unique=True),
    Column("type", String(64), nullable=False),
    Column("key", String(200), nullable=False),
    Column("at", Float, nullable=False),
    Column("data", Text, nullable=False),
    Column("published_at", Float),
    sqlite_autoincrement=True,
)
"""Events that are, or are not yet, on the bus."""
Index(
    "ix_outbox_unpublished", outbox.c.id, sqlite_where=outbox.c.published_at.is_(None), postgresql_where=outbox.c.published_at.is_(None)
)  # fmt: skip
Index("ix_outbox_published_at", outbox.c.published_at)
