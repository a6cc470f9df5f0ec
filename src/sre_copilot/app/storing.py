"""Where facts rest, as the configuration says."""

from __future__ import annotations

from sre_copilot.settings.document import Settings
from sre_copilot.store.database import Database, sqlite_url


def open_database(settings: Settings) -> Database:
    """The configured database, its schema brought up to date; SQLite in `store.folder` by default."""
    return Database(settings.store.url or sqlite_url(settings.store.folder))
