"""The usual range of one series: of its learned profile, else of its own last day; what a check of a value is held against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sre_copilot.cognition.baselines import seasonal
from sre_copilot.cognition.ensemble.findings import RANGE
from sre_copilot.domain.series import SeriesKey
from sre_copilot.incidents.watch.metrics import MetricWatch

DAY_S = 86_400
TAIL = (
    5.0  # percent of a day that lie below its usual range, and as many above: the range of nine values in ten
)
NORMAL = 1.4826  # from a median absolute deviation to the standard deviation of a normal distribution
FEWEST = 20  # values of which a percentile says anything


@dataclass(frozen=True, slots=True)
class Range:
    """What is usual, in the unit of the series; `scale` is a robust standard deviation."""

    centre: float
    low: float
    high: float
    scale: float

    def holds(self, value: float) -> bool:
        """Whether a value is usual."""
        return self.low <= value <= self.high


def range_of(key: SeriesKey, values: NDArray[np.float64], at: int, watch: MetricWatch) -> Range | None:
    """The usual range that the last value lies outside of; None when it lies within all that are known."""
    known = (_of_profile(key, at, watch), _of_day(values[:-1], watch.step_seconds))
    return next((each for each in known if each is not None and not each.holds(float(values[-1]))), None)


def _of_profile(key: SeriesKey, at: int, watch: MetricWatch) -> Range | None:
    row = watch.row(key)
    if watch.learned is None or row is None:
        return None
    centres, scales = seasonal.expected(watch.learned.profile, at)
    centre, scale = float(centres[row]), float(scales[row])
    if not np.isfinite(centre) or not np.isfinite(scale):
        return None
    return Range(centre, centre - RANGE * scale, centre + RANGE * scale, scale)


def _of_day(values: NDArray[np.float64], step: int) -> Range | None:
    day = values[-(DAY_S // step) :]
    day = day[np.isfinite(day)]
    if len(day) < FEWEST:
        return None
    low, centre, high = np.percentile(day, (TAIL, 50.0, 100.0 - TAIL))
    return Range(float(centre), float(low), float(high), float(NORMAL * np.median(np.abs(day - centre))))
