"""How Alembic reaches the database: by the connection that `store.database.migrate` gives it."""

from __future__ import annotations

from alembic import context

from sre_copilot.store.schema import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
