"""The keys of `alerting.correlation`."""

from __future__ import annotations

from sre_copilot.settings.section import Section


class Correlation(Section):
    """How groups of alerts become incidents."""
