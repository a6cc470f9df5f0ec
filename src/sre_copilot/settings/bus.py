"""The keys of `bus`."""

from __future__ import annotations

from sre_copilot.settings.section import Section


class BusSettings(Section):
    """How events travel."""
