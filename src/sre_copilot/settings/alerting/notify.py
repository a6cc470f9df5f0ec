"""The keys of `alerting.notify`."""

from __future__ import annotations

from sre_copilot.settings.section import Section


class Notify(Section):
    """How receivers are reached."""
