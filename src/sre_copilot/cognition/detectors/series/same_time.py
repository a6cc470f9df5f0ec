"""How far each value is from what the same time of day held on the days before."""

from __future__ import annotations

import numpy as np
from numba import njit

from sre_copilot.cognition.detectors.series.detector import Series
from sre_copilot.cognition.detectors.series.trailing import DAY_SECONDS

DAYS = 7  # looked back at: a week holds each day of the week once
FEWEST_DAYS = 2  # before a first judgement: one day's accident is no habit


def from_same_time(values: Series, *, step_seconds: int) -> Series:
    """Each value less the median of the values at its time on the last seven days; NaN with fewer than two of them.

    A day that the step does not divide is taken as the nearest whole number of steps.
    """
    day = max(1, round(DAY_SECONDS / step_seconds))
    deviation: Series = values - _usual(values, day, DAYS, FEWEST_DAYS)
    return deviation


@njit(cache=True)
def _usual(values: Series, day: int, days: int, fewest: int) -> Series:
    usual = np.full(len(values), np.nan)
    seen = np.empty(days)
    for now in range(fewest * day, len(values)):
        count = 0
        for back in range(1, days + 1):
            then = now - back * day
            if then >= 0 and not np.isnan(values[then]):
                seen[count] = values[then]
                count += 1
        if count >= fewest:
            usual[now] = np.median(seen[:count])
    return usual
