"""CUSUM: how much small deviations in one direction have added up to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from sre_copilot.cognition.detectors.series.detector import Series
from sre_copilot.cognition.detectors.series.same_time import from_same_time
from sre_copilot.cognition.detectors.series.scale import floored, ratio, scored
from sre_copilot.cognition.detectors.series.trailing import day_of, trailing_moments

CEILING = 4.0  # limits: what is kept of a long deviation, so that its end is noticed within as many steps as its size asks for


@dataclass(frozen=True, slots=True)
class CumulativeSum:
    """Two-sided cumulative sum of deviations from the same time on earlier days.

    The daily rise and fall of load would else add up to an alarm; the first two days are not judged.

    Parameters
    ----------
    window : values that the spread is taken from; None: a day
    slack : standard deviations that a value may be off for nothing; 0.5 finds shifts of one standard deviation soonest
    limit : sum in standard deviations from which it is worth telling; 5 gives a false alarm every 465 values of normal noise

    References
    ----------
    Page, Continuous Inspection Schemes, Biometrika 41, 1954, sec. 4. Montgomery, Introduction to Statistical Quality Control,
    sec. 9.1 (slack and limit).
    """

    window: int | None = None
    slack: float = 0.5
    limit: float = 5.0

    def score(self, values: Series, *, start: int, step_seconds: int) -> Series:
        """Score every value, 0.7 at `limit`."""
        deviation = from_same_time(values, step_seconds=step_seconds)
        _, spread = trailing_moments(deviation, self.window or day_of(step_seconds))
        steps = np.sign(deviation) * ratio(np.abs(deviation), floored(spread, values))
        return scored(_summed(steps, self.slack, CEILING * self.limit), limit=self.limit)


@njit(cache=True)
def _summed(steps: Series, slack: float, ceiling: float) -> Series:
    """The larger of the sums upwards and downwards, each at least 0 and at most `ceiling`."""
    sums = np.full(len(steps), np.nan)
    up, down = 0.0, 0.0
    for now in range(len(steps)):
        if not np.isnan(steps[now]):
            up = min(max(0.0, up + steps[now] - slack), ceiling)
            down = min(max(0.0, down - steps[now] - slack), ceiling)
            sums[now] = max(up, down)
    return sums
