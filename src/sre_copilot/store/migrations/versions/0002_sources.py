"""Which source a breach and a change come from, so that who may not see it does not."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; what is there came from no source that is known."""
    for table in ("breaches", "changes"):
        with op.batch_alter_table(table) as batch:
            batch.add_column(sa.Column("source", sa.String(length=200), nullable=False, server_default=""))


def downgrade() -> None:
    """Remove them."""
    for table in ("breaches", "changes"):
        with op.batch_alter_table(table) as batch:
            batch.drop_column("source")
