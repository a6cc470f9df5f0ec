"""Plans, approvals, delegations, and the audit as a chain of hashes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sre_copilot.store.audit_chain import HEAD, START, Head, digest_of

revision = "0012"
down_revision = "0010"
branch_labels = None
depends_on = None
AT_ONCE = 1_000


def upgrade() -> None:
    """Make the tables, and chain the entries that the audit has."""
    _make_plans()
    _make_approvals()
    _chain_audit()


def _make_plans() -> None:
    op.create_table(
        "plans",
        sa.Column("id", sa.String(length=32), primary_key=True),
        sa.Column("key", sa.String(length=200), unique=True),
        sa.Column("incident_id", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("entity", sa.String(length=300), nullable=False),
        sa.Column("mode", sa.Integer(), nullable=False),
        sa.Column("requester", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.Column("decided_at", sa.Float()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
    )
    op.create_index("ix_plans_created_at", "plans", ["created_at", "id"])
    op.create_index("ix_plans_status", "plans", ["status", "created_at", "id"])
    op.create_index("ix_plans_incident_id", "plans", ["incident_id", "created_at"])


def _make_approvals() -> None:
    op.create_table(
        "approvals",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("plan_id", sa.String(length=32), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("verdict", sa.String(length=8), nullable=False),
        sa.Column("person", sa.String(length=200), nullable=False),
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.Column("token_id", sa.String(length=16), nullable=False),
        sa.Column("on_behalf_of", sa.String(length=200), nullable=False),
        sa.Column("way", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.UniqueConstraint("plan_id", "person", name="uq_approvals_plan_id"),
    )
    op.create_table(
        "approval_delegations",
        sa.Column("id", sa.String(length=32), primary_key=True),
        sa.Column("giver", sa.String(length=200), nullable=False),
        sa.Column("taker", sa.String(length=200), nullable=False),
        sa.Column("scope", sa.JSON(), nullable=False),
        sa.Column("starts_at", sa.Float(), nullable=False),
        sa.Column("ends_at", sa.Float(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_by", sa.String(length=200), nullable=False),
        sa.Column("made_at", sa.Float(), nullable=False),
        sa.Column("revoked_at", sa.Float()),
        sa.Column("revoked_by", sa.String(length=200), nullable=False),
    )
    op.create_index("ix_approval_delegations_ends_at", "approval_delegations", ["ends_at"])


def _chain_audit() -> None:
    """Rows get numbers without a gap, for what is missing from now on was taken out."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    texts = (("who", 200), ("verb", 64), ("subject", 200), ("outcome", 32))
    op.drop_index("ix_audit_at", "audit")
    op.rename_table("audit", "audit_before")
    if op.get_bind().dialect.name == "postgresql":  # names of constraints are one space with those of tables
        op.execute("ALTER TABLE audit_before RENAME CONSTRAINT pk_audit TO pk_audit_before")
    op.create_table(
        "audit",
        sa.Column("id", number, primary_key=True, autoincrement=False),
        sa.Column("at", sa.Float(), nullable=False),
        *(sa.Column(name, sa.String(length=length), nullable=False) for name, length in texts),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False, unique=True),
    )
    _copy_audit(op.get_bind())
    op.drop_table("audit_before")
    op.create_index("ix_audit_at", "audit", ["at", "id"])
    op.create_index("ix_audit_subject", "audit", ["subject", "id"])


def _copy_audit(connection: sa.Connection) -> None:
    columns = ["id", "at", "who", "verb", "subject", "outcome", "detail"]
    before = sa.table("audit_before", *map(sa.column, columns))
    after = sa.table("audit", *map(sa.column, [*columns, "previous", "hash"]))
    facts = sa.table("facts", sa.column("key"), sa.column("value", sa.JSON()), sa.column("revision"))
    head, seen = Head(0, START), 0
    while True:
        query = sa.select(before).where(before.c.id > seen).order_by(before.c.id).limit(AT_ONCE)
        rows = [dict(row) for row in connection.execute(query).mappings()]
        if not rows:
            break
        seen = rows[-1]["id"]
        for row in rows:
            row.update(id=head.count + 1, at=float(row["at"]), previous=head.hash)
            row["hash"] = digest_of(row)
            head = Head(row["id"], row["hash"])
        connection.execute(sa.insert(after), rows)
    value = {"count": head.count, "hash": head.hash}
    connection.execute(sa.insert(facts).values(key=HEAD, value=value, revision=1))


def downgrade() -> None:
    """Remove what is new; the entries of the audit stay."""
    with op.batch_alter_table("audit") as batch:
        batch.drop_index("ix_audit_subject")
        batch.drop_column("hash")
        batch.drop_column("previous")
    for table in ("approval_delegations", "approvals", "plans"):
        op.drop_table(table)
