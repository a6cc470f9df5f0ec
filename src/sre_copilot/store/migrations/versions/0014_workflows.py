"""Workflows of the user's own: versions, runs, tasks for people."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "workflows",
        sa.Column("id", sa.String(length=64), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.Column("enabled_at", sa.Float(), nullable=False),
    )
    op.create_table(
        "workflow_versions",
        sa.Column("workflow_id", sa.String(length=64), primary_key=True),
        sa.Column("version", sa.Integer(), primary_key=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("applied_by", sa.String(length=300), nullable=False),
        sa.Column("applied_at", sa.Float(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
    )
    _runs()
    _tasks()


def _runs() -> None:
    op.create_table(
        "workflow_runs",
        sa.Column("id", sa.String(length=200), primary_key=True),
        sa.Column("workflow_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("parent", sa.String(length=200), nullable=False),
        sa.Column("cause", sa.String(length=300), nullable=False, unique=True),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("inputs", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("requested_by", sa.String(length=300), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("incident_id", sa.String(length=64), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("deadline", sa.Float(), nullable=False),
        sa.Column("finished_at", sa.Float()),
        sa.Column("outputs", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
    )
    op.create_index("ix_workflow_runs_created_at", "workflow_runs", ["created_at", "id"])
    op.create_index("ix_workflow_runs_workflow_id", "workflow_runs", ["workflow_id", "created_at", "id"])
    op.create_index("ix_workflow_runs_status", "workflow_runs", ["status", "workflow_id"])


def _tasks() -> None:
    op.create_table(
        "workflow_tasks",
        sa.Column("id", sa.String(length=300), primary_key=True),
        sa.Column("run_id", sa.String(length=200), nullable=False),
        sa.Column("run_key", sa.String(length=200), nullable=False),
        sa.Column("workflow_id", sa.String(length=64), nullable=False),
        sa.Column("step", sa.String(length=200), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("due_at", sa.Float(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("answered_by", sa.String(length=300), nullable=False),
        sa.Column("answered_at", sa.Float()),
        sa.Column("handed_on", sa.Boolean(), nullable=False),
    )
    op.create_index("ix_workflow_tasks_status", "workflow_tasks", ["status", "created_at"])
    op.create_index("ix_workflow_tasks_run_id", "workflow_tasks", ["run_id"])


def downgrade() -> None:
    """Remove them."""
    for table in ("workflow_tasks", "workflow_runs", "workflow_versions", "workflows"):
        op.drop_table(table)
