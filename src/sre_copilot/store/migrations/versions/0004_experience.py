"""Experience: cards with their revisions, past faults, labels, proposals, and how recalls turned out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    _cards()
    _card_revisions()
    _past_faults()
    _labels()
    _proposals()
    _outcomes()


def downgrade() -> None:
    """Drop the tables."""
    op.drop_index("ix_outcomes_target_id", table_name="outcomes")
    op.drop_table("outcomes")
    op.drop_index("ix_proposals_made_at", table_name="proposals")
    op.drop_table("proposals")
    op.drop_index("ix_labels_at", table_name="labels")
    op.drop_index("ix_labels_investigation_id", table_name="labels")
    op.drop_table("labels")
    op.drop_index("ix_past_faults_at", table_name="past_faults")
    op.drop_table("past_faults")
    op.drop_index("ix_card_revisions_card_id", table_name="card_revisions")
    op.drop_table("card_revisions")
    op.drop_index("ix_cards_standing", table_name="cards")
    op.drop_table("cards")


def _cards() -> None:
    op.create_table(
        "cards",
        sa.Column("id", sa.String(length=100), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("fault_type", sa.String(length=100), nullable=False),
        sa.Column("standing", sa.String(length=16), nullable=False),
        sa.Column("trust", sa.Float(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("probes", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.Column("updated_by", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cards")),
    )
    op.create_index("ix_cards_standing", "cards", ["standing"], unique=False)


def _card_revisions() -> None:
    op.create_table(
        "card_revisions",
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.Column("card_id", sa.String(length=100), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card_revisions")),
    )
    op.create_index("ix_card_revisions_card_id", "card_revisions", ["card_id", "revision"], unique=False)


def _past_faults() -> None:
    op.create_table(
        "past_faults",
        sa.Column("id", sa.String(length=100), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("service", sa.String(length=300), nullable=False),
        sa.Column("fault_type", sa.String(length=100), nullable=False),
        sa.Column("severity", sa.String(length=32), nullable=False),
        sa.Column("standing", sa.String(length=16), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("probes", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.Column("updated_by", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_past_faults")),
    )
    op.create_index("ix_past_faults_at", "past_faults", ["at", "id"], unique=False)


def _labels() -> None:
    op.create_table(
        "labels",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("investigation_id", sa.String(length=100), nullable=False),
        sa.Column("target", sa.String(length=16), nullable=False),
        sa.Column("target_id", sa.String(length=100), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("right", sa.Boolean(), nullable=False),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("holds", sa.Boolean(), nullable=True),
        sa.Column("correction", sa.JSON(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_labels")),
    )
    op.create_index("ix_labels_at", "labels", ["at", "id"], unique=False)
    op.create_index("ix_labels_investigation_id", "labels", ["investigation_id"], unique=False)


def _proposals() -> None:
    op.create_table(
        "proposals",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("made_at", sa.Float(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("change", sa.JSON(), nullable=False),
        sa.Column("support", sa.JSON(), nullable=False),
        sa.Column("standing", sa.String(length=16), nullable=False),
        sa.Column("decided_at", sa.Float(), nullable=True),
        sa.Column("decided_by", sa.String(length=200), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposals")),
    )
    op.create_index("ix_proposals_made_at", "proposals", ["made_at", "id"], unique=False)


def _outcomes() -> None:
    op.create_table(
        "outcomes",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("target_id", sa.String(length=100), nullable=False),
        sa.Column("success", sa.Boolean(), nullable=False),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("investigation_id", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcomes")),
    )
    op.create_index("ix_outcomes_target_id", "outcomes", ["target_id", "at"], unique=False)
