"""Keys below `workflows`: where workflows of the user's own lie, and their limits."""

from __future__ import annotations

from sre_copilot.settings.section import Section


class Workflows(Section):
    """Workflows of the user's own."""
