"""The one schema, on SQLite and PostgreSQL; times are epoch seconds UTC."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Float, Index, Integer, MetaData, String, Table, Text

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMING)
Number = BigInteger().with_variant(Integer, "sqlite")
"""Of rows that are numbered as they come: some thousands a second would use up 31 bits within days. SQLite counts up an `INTEGER` alone, which holds 63 bits there."""
LAST_NUMBER = 2**53 - 1  # what every reader of JSON holds exactly; no counting gets there

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("role", String(16), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("created_at", Float, nullable=False),
    Column("revoked_at", Float),
    Column("used_at", Float),
)

anomalies = Table(
    "anomalies",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("entity", String(300), nullable=False),
    Column("metric", String(300), nullable=False),
    Column("instance", String(300), nullable=False),
    Column("modality", String(16), nullable=False),
    Column("source", String(200), nullable=False),
    Column("method", String(64), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("score", Float, nullable=False),
    Column("peak_score", Float, nullable=False),
    Column("current", Float),
    Column("expected", Float),
    Column("low", Float),
    Column("high", Float),
    Column("deviation", Float),
    Column("since", Float, nullable=False),
    Column("opened_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("closed_at", Float),
    Column("finding", JSON, nullable=False),
    Index("ix_anomalies_opened_at", "opened_at", "id"),
    Index("ix_anomalies_closed_at", "closed_at"),
)

breaches = Table(
    "breaches",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("entity", String(300), nullable=False),
    Column("metric", String(300), nullable=False),
    Column("instance", String(300), nullable=False),
    Column("source", String(200), nullable=False, server_default=""),
    Column("made_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("closed_at", Float),
    Column("horizon_hours", Float, nullable=False),
    Column("limit_value", Float, nullable=False),
    Column("direction", String(8), nullable=False),
    Column("at", Float, nullable=False),
    Column("earliest", Float, nullable=False),
    Column("latest", Float),
    Column("probability", Float, nullable=False),
    Column("hit_rate", Float),
    Column("method", String(64), nullable=False),
    Index("ix_breaches_made_at", "made_at", "id"),
)

changes = Table(
    "changes",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("ts", Float, nullable=False),
    Column("service", String(300), nullable=False),
    Column("kind", String(100), nullable=False),
    Column("text", Text, nullable=False),
    Column("detail", JSON, nullable=False),
    Column("source", String(200), nullable=False, server_default=""),
    Column("received_at", Float, nullable=False),
    Index("ix_changes_ts", "ts", "id"),
)

investigations = Table(
    "investigations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("started_at", Float, nullable=False),
    Column("finished_at", Float, nullable=False),
    Column("anomaly_ids", JSON, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("cause", String(300), nullable=False),
    Column("fault_type", String(100), nullable=False),
    Column("confidence", Float, nullable=False),
    Column("report", JSON, nullable=False),
    Index("ix_investigations_finished_at", "finished_at", "id"),
)

facts = Table(
    "facts",
    metadata,
    Column("key", String(100), primary_key=True),
    Column("value", JSON, nullable=False),
    Column("revision", Integer, nullable=False),
)
