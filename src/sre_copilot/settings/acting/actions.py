"""Keys below `actions`: executors, each with its connection, and what the services of the topology are called there."""

from __future__ import annotations

from sre_copilot.settings.section import Section


class Actions(Section):
    """Executors and targets; without any nothing can be carried out."""
