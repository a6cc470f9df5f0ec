"""The keys of `alerting.people`."""

from __future__ import annotations

from sre_copilot.settings.section import Section


class People(Section):
    """Teams, on-call schedules and escalation policies."""
