"""EWMA chart: how far the exponentially weighted mean of deviations from the usual day has moved from 0."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from sre_copilot.cognition.detectors.series.detector import Series
from sre_copilot.cognition.detectors.series.same_time import from_same_time
from sre_copilot.cognition.detectors.series.scale import floored, ratio, scored
from sre_copilot.cognition.detectors.series.trailing import day_of, trailing_moments


@dataclass(frozen=True, slots=True)
class ExponentialMean:
    """Exponentially weighted mean of deviations from the same time on earlier days, in its own standard deviations.

    The daily rise and fall of load would else be one long alarm; the first two days are not judged.

    Parameters
    ----------
    window : values that the spread is taken from; None: a day
    weight : of the newest value; 0.2, the middle of the range the reference finds good for small shifts
    limit : distance from which it is worth telling; 3, the usual width of the chart

    References
    ----------
    Roberts, Control Chart Tests Based on Geometric Moving Averages, Technometrics 1(3), 1959, eq. 3 (its variance).
    """

    window: int | None = None
    weight: float = 0.2
    limit: float = 3.0

    def score(self, values: Series, *, start: int, step_seconds: int) -> Series:
        """Score every value, 0.7 at `limit`."""
        deviation = from_same_time(values, step_seconds=step_seconds)
        _, spread = trailing_moments(deviation, self.window or day_of(step_seconds))
        own = floored(spread, values) * np.sqrt(self.weight / (2 - self.weight))
        smooth = _smoothed(deviation, self.weight)
        return scored(ratio(np.abs(smooth), own), limit=self.limit)


@njit(cache=True)
def _smoothed(values: Series, weight: float) -> Series:
    """Exponentially weighted mean that starts at 0; a missing value leaves it where it is, and is NaN itself."""
    smooth = np.full(len(values), np.nan)
    state = 0.0
    for now in range(len(values)):
        if not np.isnan(values[now]):
            state += weight * (values[now] - state)
            smooth[now] = state
    return smooth
