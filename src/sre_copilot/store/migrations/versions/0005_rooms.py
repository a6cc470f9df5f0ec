"""Rooms in which people and agents work on an investigation, and the sessions of questions that belong to their owner."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    _make_rooms()
    _make_sessions()


def _make_rooms() -> None:
    op.create_table(
        "rooms",
        sa.Column("id", sa.String(length=32), primary_key=True),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("investigation_id", sa.String(length=32), nullable=False, server_default=""),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("least_role", sa.String(length=16), nullable=False),
        sa.Column("members", sa.JSON(), nullable=False),
        sa.Column("opened_at", sa.Float(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.Column("closed_at", sa.Float()),
    )
    op.create_index("ix_rooms_opened_at", "rooms", ["opened_at", "id"])
    op.create_table(
        "room_messages",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("room_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("author", sa.String(length=200), nullable=False),
        sa.Column("author_kind", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("lang", sa.String(length=2), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
    )
    op.create_index("ix_room_messages_room_id", "room_messages", ["room_id", "id"])
    op.create_table(
        "room_notes",
        sa.Column("id", sa.String(length=32), primary_key=True),
        sa.Column("room_id", sa.String(length=32), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("about", sa.String(length=32), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
    )
    op.create_index("ix_room_notes_room_id", "room_notes", ["room_id", "kind", "at"])


def _make_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(length=32), primary_key=True),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("opened_at", sa.Float(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
    )
    op.create_index("ix_sessions_owner", "sessions", ["owner", "updated_at", "id"])
    op.create_table(
        "session_turns",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("understood", sa.JSON(), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
    )
    op.create_index("ix_session_turns_session_id", "session_turns", ["session_id", "id"])


def downgrade() -> None:
    """Remove them."""
    for table in ("session_turns", "sessions", "room_notes", "room_messages", "rooms"):
        op.drop_table(table)
