"""What people are told: notifications, what became of them at each address, and every attempt."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    _make_notifications()
    _make_deliveries()
    _make_attempts()


def _make_notifications() -> None:
    op.create_table(
        "notifications",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("key", sa.String(length=500), nullable=False, unique=True),
        sa.Column("group_key", sa.String(length=500), nullable=False),
        sa.Column("incident_id", sa.String(length=64), nullable=False, server_default=""),
        sa.Column("receiver", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False, server_default=""),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("finished_at", sa.Float()),
        sa.Column("last_error", sa.Text(), nullable=False, server_default=""),
    )
    op.create_index("ix_notifications_status", "notifications", ["status", "id"])
    op.create_index("ix_notifications_group_key", "notifications", ["group_key"])
    op.create_index("ix_notifications_incident_id", "notifications", ["incident_id"])
    op.create_index("ix_notifications_created_at", "notifications", ["created_at"])


def _make_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("key", sa.String(length=500), nullable=False, unique=True),
        sa.Column("notification_key", sa.String(length=500), nullable=False, server_default=""),
        sa.Column("group_key", sa.String(length=500), nullable=False, server_default=""),
        sa.Column("receiver", sa.String(length=200), nullable=False),
        sa.Column("target", sa.String(length=300), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("bot", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False, server_default=""),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("handed", sa.Boolean(), nullable=False),
        sa.Column("started_at", sa.Float()),
        sa.Column("sent_at", sa.Float()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=500), nullable=False, server_default=""),
        sa.Column("last_error", sa.Text(), nullable=False, server_default=""),
        sa.Column("merged_into", sa.String(length=500), nullable=False, server_default=""),
    )
    op.create_index("ix_deliveries_status", "deliveries", ["status", "id"])
    op.create_index("ix_deliveries_notification_key", "deliveries", ["notification_key"])
    op.create_index("ix_deliveries_group_key", "deliveries", ["group_key", "receiver", "target"])
    op.create_index("ix_deliveries_merged_into", "deliveries", ["merged_into"])


def _make_attempts() -> None:
    op.create_table(
        "delivery_attempts",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("delivery_key", sa.String(length=500), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("bot", sa.String(length=16), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("finished_at", sa.Float()),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("cause", sa.String(length=32), nullable=False, server_default=""),
        sa.Column("reason", sa.Text(), nullable=False, server_default=""),
        sa.Column("retry_at", sa.Float()),
    )
    op.create_index(
        "ix_delivery_attempts_delivery_key", "delivery_attempts", ["delivery_key", "number"], unique=True
    )
    op.create_index("ix_delivery_attempts_bot", "delivery_attempts", ["bot", "at"])


def downgrade() -> None:
    """Remove them again."""
    for table in ("delivery_attempts", "deliveries", "notifications"):
        op.drop_table(table)
