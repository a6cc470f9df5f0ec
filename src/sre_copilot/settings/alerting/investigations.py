"""The keys of `alerting.investigations`."""

from __future__ import annotations

from pydantic import Field

from sre_copilot.settings.section import Section


class Investigations(Section):
    """How incidents are investigated."""

    at_once: int = Field(default=2, ge=1, le=32)
    """Investigations that are under way at the same time in one process; two, for each reads all sources and takes a core."""
    settle_seconds: float = Field(default=60, ge=0, le=900)
    """So long after an alert came in an investigation waits: by then four samples of the slowest usual source are there. What began twice as long and two minutes ago waits for nothing: a beginning is known to a minute or two."""
    pause_seconds: float = Field(default=300, ge=0, le=86_400)
    """Least time between the beginnings of two investigations of one incident: a cascade is one incident, not twenty."""
    most_rounds: int = Field(default=5, ge=1, le=50)
    """Investigations that changed evidence may cause in one incident; people may ask for more."""
    sure: float = Field(default=0.7, ge=0, le=1)
    """Probability from which an answer stands while nothing changes; one below it, none, or one that nothing is known to help against is sought once more after the pause, when there is more telemetry. As `risk.minimum_confidence`: what is surer may be acted upon."""
    unsure_rounds: int = Field(default=2, ge=0, le=20)
    """Up to this round an incident is investigated again only because its answer is not sure; what two looks do not show a third will hardly."""
    finish_seconds: float = Field(default=120, ge=0, le=3600)
    """An investigation that is under way when its incident ends by itself may take so long in all; what was nearly found is of use afterwards, too."""
