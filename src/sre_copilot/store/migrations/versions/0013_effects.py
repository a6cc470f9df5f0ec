"""Effects, what limits and locks them, what came of them, and how remediations stand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    _make_effects()
    _make_outcomes()
    _make_remediations()
    op.create_table(
        "target_holds",
        sa.Column("target", sa.String(length=700), primary_key=True),
        sa.Column("plan_id", sa.String(length=64), nullable=False),
        sa.Column("since", sa.Float(), nullable=False),
    )


def _make_effects() -> None:
    op.create_table(
        "effects",
        sa.Column("key", sa.String(length=200), primary_key=True),
        sa.Column("plan_id", sa.String(length=64), nullable=False),
        sa.Column("step_id", sa.String(length=64), nullable=False),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("incident_id", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=100), nullable=False),
        sa.Column("target", sa.String(length=700), nullable=False),
        sa.Column("autonomous", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("prepared_at", sa.Float(), nullable=False),
        sa.Column("started_at", sa.Float()),
        sa.Column("ended_at", sa.Float()),
        sa.Column("digest", sa.String(length=200), nullable=False),
        sa.Column("version", sa.String(length=200), nullable=False),
        sa.Column("backup", sa.JSON(), nullable=False),
        sa.Column("effect", sa.JSON(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
    )
    op.create_index("ix_effects_plan_id", "effects", ["plan_id"])
    op.create_index("ix_effects_started_at", "effects", ["started_at"])
    op.create_index("ix_effects_target", "effects", ["target", "started_at"])


def _make_outcomes() -> None:
    op.create_table(
        "action_outcomes",
        sa.Column("plan_id", sa.String(length=64), primary_key=True),
        sa.Column("step_id", sa.String(length=64), primary_key=True),
        sa.Column("action", sa.String(length=100), nullable=False),
        sa.Column("target", sa.String(length=700), nullable=False),
        sa.Column("fault_type", sa.String(length=100), nullable=False),
        sa.Column("service", sa.String(length=300), nullable=False),
        sa.Column("incident_id", sa.String(length=64), nullable=False),
        sa.Column("autonomous", sa.Boolean(), nullable=False),
        sa.Column("good", sa.Boolean(), nullable=False),
        sa.Column("seconds", sa.Float()),
        sa.Column("at", sa.Float(), nullable=False),
    )
    op.create_index("ix_action_outcomes_action", "action_outcomes", ["action", "fault_type"])
    op.create_index("ix_action_outcomes_at", "action_outcomes", ["at"])


def _make_remediations() -> None:
    op.create_table(
        "remediations",
        sa.Column("id", sa.String(length=64), primary_key=True),
        sa.Column("incident_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.Column("autonomous", sa.Boolean(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(length=64), nullable=False),
        sa.Column("asked", sa.String(length=16), nullable=False),
        sa.Column("asked_by", sa.String(length=200), nullable=False),
        sa.Column("began_at", sa.Float(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.Column("ended_at", sa.Float()),
        sa.Column("reason", sa.JSON(), nullable=False),
        sa.Column("known", sa.JSON(), nullable=False),
    )
    op.create_index("ix_remediations_began_at", "remediations", ["began_at", "id"])
    op.create_index("ix_remediations_incident_id", "remediations", ["incident_id"])
    op.create_index("ix_remediations_state", "remediations", ["state"])
    op.create_table(
        "remediation_steps",
        sa.Column("plan_id", sa.String(length=64), primary_key=True),
        sa.Column("step_id", sa.String(length=64), primary_key=True),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("action", sa.String(length=100), nullable=False),
        sa.Column("target", sa.String(length=700), nullable=False),
        sa.Column("began_at", sa.Float()),
        sa.Column("ended_at", sa.Float()),
        sa.Column("reason", sa.JSON(), nullable=False),
        sa.Column("seen", sa.JSON(), nullable=False),
    )


def downgrade() -> None:
    """Remove them."""
    for table in ("remediation_steps", "remediations", "target_holds", "action_outcomes", "effects"):
        op.drop_table(table)
