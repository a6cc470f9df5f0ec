"""Overrides of on-call schedules."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "oncall_overrides",
        sa.Column("id", sa.String(length=32), primary_key=True),
        sa.Column("schedule", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("replaces", sa.String(length=64), nullable=False, server_default=""),
        sa.Column("starts_at", sa.Float(), nullable=False),
        sa.Column("ends_at", sa.Float(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False, server_default=""),
        sa.Column("created_by", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("removed_by", sa.String(length=200), nullable=False, server_default=""),
        sa.Column("removed_at", sa.Float()),
        sa.Column("revision", sa.Integer(), nullable=False),
    )
    op.create_index("ix_oncall_overrides_ends_at", "oncall_overrides", ["ends_at"])
    op.create_index("ix_oncall_overrides_created_at", "oncall_overrides", ["created_at", "id"])


def downgrade() -> None:
    """Remove it."""
    op.drop_table("oncall_overrides")
