"""The keys of `alerting.lifecycle`."""

from __future__ import annotations

from pydantic import Field

from sre_copilot.settings.section import Section


class Lifecycle(Section):
    """When incidents end, come back and are forgotten."""

    resolve_after_seconds: float = Field(default=30, ge=0, le=3600)
    """So long nothing of an incident may fire before it is resolved; two rounds of the usual rule evaluation, so that one good sample ends nothing."""
    reopen_within_seconds: float = Field(default=3600, ge=0)
    """An alert that fires again within this time after its incident was resolved opens that incident again, not a new one."""
    remember_hours: float = Field(default=24, gt=0, le=24 * 14)
    """How long a resolved alert is remembered with how often it came and went."""
    investigate: bool = True
    """Whether an incident that is opened is investigated by itself."""
    turn_seconds: float = Field(default=1, gt=0, le=10)
    """How often timers are looked at when nothing comes in."""
