"""Where facts rest, as the configuration says."""

from __future__ import annotations

from pathlib import Path

from sre_copilot.settings.document import Settings
from sre_copilot.store.database import Database, sqlite_url

TOKEN_FILE = "token"  # noqa: S105 - the name of a file in store.folder


def token_file(settings: Settings) -> Path:
    """Where the token of the first start lies; the command line uses it."""
    return settings.store.folder / TOKEN_FILE


def open_database(settings: Settings) -> Database:
    """The configured database, its schema brought up to date; SQLite in `store.folder` by default."""
    return Database(settings.store.url or sqlite_url(settings.store.folder))
