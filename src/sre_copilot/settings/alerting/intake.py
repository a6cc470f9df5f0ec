"""The keys of `alerting.intake`."""

from __future__ import annotations

from sre_copilot.settings.section import Section


class Intake(Section):
    """Where alerts come in."""
