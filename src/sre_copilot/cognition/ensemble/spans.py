"""How long the ensemble looks back: in hours of the clock, not in points, because incidents last hours whatever the step is."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

SHORT = 5  # points of the short window: a value, its two neighbours and what led there
POINTS = 16  # points of the basis window: what follows from what within sixteen values; more would not fit the state
BINS = 12  # bins of the long window at most: it then moves on by less than a tenth of its length
HOUR = 3600.0
LONG_HOURS = (
    5.0  # of distance from the level: an incident that lasts hours stands out from the noise of single values
)
LEVEL_HOURS = 3.0  # operators open a graph of three hours: shorter than an incident, longer than a spike
HOLD_HOURS = 3.0  # an incident is remembered as long, so that it does not end with its first quiet value
LEAK_HOURS = 12.0  # a leak grows over hours; daily load has turned by then


@dataclass(frozen=True, slots=True)
class Spans:
    """Lengths in points, and the weights of one point in moving averages, for one step."""

    bins: int
    bin_points: int
    step_weight: float
    level_weight: float
    slow_weight: float
    leak_weight: float
    keep: float

    @classmethod
    def of(cls, step_seconds: int) -> Spans:
        """Return the lengths for a step in seconds."""
        hour = HOUR / step_seconds
        bin_points = max(1, round(LONG_HOURS * hour / BINS))
        return cls(
            bins=int(min(max(LONG_HOURS * hour / bin_points, 3), BINS)),
            bin_points=bin_points,
            step_weight=1 / max(hour, 3.0),
            level_weight=1 / max(LEVEL_HOURS * hour, 3.0),
            slow_weight=1 / max(24 * hour, 24.0),
            leak_weight=1 / max(LEAK_HOURS * hour, 12.0),
            keep=exp(-1 / max(HOLD_HOURS * hour, 2.0)),
        )
