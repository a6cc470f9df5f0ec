"""Tables of experience: cards with their revisions, past faults, labels, proposals, and how recalls turned out."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Float, Index, Integer, String, Table, Text

from sre_copilot.store.database import Database
from sre_copilot.store.records import Records
from sre_copilot.store.tables import metadata

cards = Table(
    "cards",
    metadata,
    Column("id", String(100), primary_key=True),
    Column("title", String(300), nullable=False),
    Column("fault_type", String(100), nullable=False),
    Column("standing", String(16), nullable=False),
    Column("trust", Float, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("document", JSON, nullable=False),
    Column("probes", JSON, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("updated_by", String(200), nullable=False),
    Index("ix_cards_standing", "standing"),
)

card_revisions = Table(
    "card_revisions",
    metadata,
    Column("id", String(120), primary_key=True),
    Column("card_id", String(100), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("document", JSON, nullable=False),
    Column("at", Float, nullable=False),
    Column("by", String(200), nullable=False),
    Column("note", Text, nullable=False),
    Index("ix_card_revisions_card_id", "card_id", "revision"),
)

past_faults = Table(
    "past_faults",
    metadata,
    Column("id", String(100), primary_key=True),
    Column("at", Float, nullable=False),
    Column("service", String(300), nullable=False),
    Column("fault_type", String(100), nullable=False),
    Column("severity", String(32), nullable=False),
    Column("standing", String(16), nullable=False),
    Column("document", JSON, nullable=False),
    Column("probes", JSON, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("updated_by", String(200), nullable=False),
    Index("ix_past_faults_at", "at", "id"),
)

labels = Table(
    "labels",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("at", Float, nullable=False),
    Column("by", String(200), nullable=False),
    Column("role", String(16), nullable=False),
    Column("investigation_id", String(100), nullable=False),
    Column("target", String(16), nullable=False),
    Column("target_id", String(100), nullable=False),
    Column("subject", String(300), nullable=False),
    Column("right", Boolean, nullable=False),
    Column("score", Float),
    Column("holds", Boolean),
    Column("correction", JSON, nullable=False),
    Column("note", Text, nullable=False),
    Index("ix_labels_at", "at", "id"),
    Index("ix_labels_investigation_id", "investigation_id"),
)

proposals = Table(
    "proposals",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("made_at", Float, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("subject", String(300), nullable=False),
    Column("change", JSON, nullable=False),
    Column("support", JSON, nullable=False),
    Column("standing", String(16), nullable=False),
    Column("decided_at", Float),
    Column("decided_by", String(200), nullable=False),
    Column("note", Text, nullable=False),
    Index("ix_proposals_made_at", "made_at", "id"),
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("at", Float, nullable=False),
    Column("target_id", String(100), nullable=False),
    Column("success", Boolean, nullable=False),
    Column("weight", Float, nullable=False),
    Column("by", String(200), nullable=False),
    Column("investigation_id", String(100), nullable=False),
    Index("ix_outcomes_target_id", "target_id", "at"),
)


def card_records(database: Database) -> Records:
    """Cards, by the time that they were last changed."""
    return Records(database, cards, by="updated_at")


def revision_records(database: Database) -> Records:
    """Every revision of every card, by its time."""
    return Records(database, card_revisions, by="at")


def past_fault_records(database: Database) -> Records:
    """Past faults, by the time of the fault."""
    return Records(database, past_faults, by="at")


def label_records(database: Database) -> Records:
    """What people said of findings and outputs, by its time."""
    return Records(database, labels, by="at")


def proposal_records(database: Database) -> Records:
    """Proposals, by the time that they were made."""
    return Records(database, proposals, by="made_at")


def outcome_records(database: Database) -> Records:
    """How recalls turned out, by the time."""
    return Records(database, outcomes, by="at")
