"""How Alembic reaches the database: by the connection that `store.database.migrate` gives it."""

from __future__ import annotations

from alembic import context

from sre_copilot.store import (  # noqa: F401 - its tables belong to the schema
    approvals,
    audit_chain,
    cases,
    leases,
    notifications,
    oncall,
    passages,
    plans,
    rooms,
    workflows,
)
from sre_copilot.store.alerting import tables  # noqa: F401 - as above
from sre_copilot.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
