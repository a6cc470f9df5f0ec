"""The metrics of a service as one vector of robust z-scores: how far each is from its usual day and its level of late.

Raw metrics of a service differ by unit, hour and week; a detector on them finds the busiest hour. What is left here of each metric is
what neither the time of day nor the last day explains, in its own robust standard deviations. The profile goes on learning: it compares with
the last days, not with the days of the fit.

References
----------
Rousseeuw and Croux, Alternatives to the Median Absolute Deviation, JASA 88, 1993, eq. 1.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sre_copilot.cognition.detectors.multivariate.detector import Metrics
from sre_copilot.cognition.detectors.series.trailing import trailing_quantiles
from sre_copilot.errors import MethodError

DAY_SECONDS = 86_400
SMOOTH_SECONDS = 1_800  # an incident lasts; half an hour's mean keeps what lasts and evens out what flickers
DAYS = 3  # compared with: the fewest whose median outvotes one bad day; more lag behind a drifting load
NEIGHBOURS = 1  # slots on either side: a daily job is a few minutes early or late
CONSISTENT = 1.4826  # Rousseeuw and Croux 1993
RESOLUTION = 1e-3  # of the level: less is a rounding of the meter
CLIP = (
    10.0  # robust standard deviations: tails of load are heavy, and one metric must not be the whole vector
)


@dataclass(frozen=True, slots=True)
class ZVectors:
    """What turns metrics into z-vectors; `tail` is the end of the past, which the next values are compared with."""

    spread: NDArray[np.float64]
    tail: Metrics
    step_seconds: int

    def following(self, values: Metrics) -> Metrics:
        """Z-vectors of what follows the past, of shape (times, metrics); NaN where a metric has no value or no usual day."""
        residuals = _residuals(np.vstack([self.tail, values]), self.step_seconds)
        return _smoothed(_scaled(residuals, self.spread), self.step_seconds)[len(self.tail) :]


def fit(train: Metrics, *, step_seconds: int) -> tuple[ZVectors, Metrics]:
    """Learn spreads from a past of shape (times, metrics); also its own z-vectors, without the days that nothing precedes.

    Raises
    ------
    MethodError : when the past does not hold two days more than are compared with
    """
    day = _points(DAY_SECONDS, step_seconds)
    warm = (DAYS + 1) * day
    if len(train) < warm + day:
        have = len(train) * step_seconds / DAY_SECONDS
        raise MethodError(f"z-vectors: {have:.1f} days of metrics are too few; {DAYS + 2} are needed.")
    residuals = _residuals(train, step_seconds)
    spread = _spread(residuals[warm:], np.abs(np.nanmedian(_some(train), axis=0)))
    vectors = _smoothed(_scaled(residuals, spread), step_seconds)[warm:]
    keep = warm + _points(SMOOTH_SECONDS, step_seconds)
    return ZVectors(spread, train[-keep:].copy(), step_seconds), vectors


def _residuals(values: Metrics, step_seconds: int) -> Metrics:
    """Each metric less its usual value at the time of day, less the median of that over the day before."""
    day = _points(DAY_SECONDS, step_seconds)
    off = values - _usual(values, day)
    level = np.column_stack([trailing_quantiles(np.ascontiguousarray(column), day)[1] for column in off.T])
    left: Metrics = off - level
    return left


def _usual(values: Metrics, day: int) -> Metrics:
    """Median of the same slot and its neighbours on the last days; NaN where one of the days is not there."""
    shifts = [back * day + side for back in range(1, DAYS + 1) for side in range(-NEIGHBOURS, NEIGHBOURS + 1)]
    seen = np.full((len(shifts), *values.shape), np.nan)
    for row, shift in enumerate(shifts):
        seen[row, shift:] = values[: max(0, len(values) - shift)]
    usual = np.full(values.shape, np.nan)
    first = max(shifts)
    usual[first:] = np.nanmedian(_some(seen[:, first:]), axis=0)
    return usual


def _spread(residuals: Metrics, level: NDArray[np.float64]) -> NDArray[np.float64]:
    """Robust standard deviation, the plain one where most residuals are 0; NaN for a metric that never moved."""
    robust = CONSISTENT * np.nanmedian(np.abs(_some(residuals)), axis=0)
    spread = np.maximum(np.where(robust > 0, robust, np.nanstd(_some(residuals), axis=0)), RESOLUTION * level)
    moved = np.nanmax(np.abs(_some(residuals)), axis=0) > 0
    found: NDArray[np.float64] = np.where(moved, spread, np.nan)
    return found


def _scaled(residuals: Metrics, spread: NDArray[np.float64]) -> Metrics:
    clipped: Metrics = np.clip(residuals / spread, -CLIP, CLIP)
    return clipped


def _smoothed(vectors: Metrics, step_seconds: int) -> Metrics:
    """Mean of the last half hour, of the values that are there."""
    width = _points(SMOOTH_SECONDS, step_seconds)
    there = np.isfinite(vectors)
    sums, counts = (
        _trailing_sum(each, width) for each in (np.where(there, vectors, 0.0), there.astype(float))
    )
    smooth: Metrics = np.where(there, sums / np.maximum(counts, 1.0), np.nan)
    return smooth


def _trailing_sum(values: Metrics, width: int) -> Metrics:
    padded = np.vstack([np.zeros((width - 1, values.shape[1])), values])
    windows: Metrics = np.lib.stride_tricks.sliding_window_view(padded, width, axis=0).sum(axis=-1)
    return windows


def _some(values: Metrics) -> Metrics:
    """Values in which a column without any is 0, of which a median can be taken; nothing is measured there anyway."""
    empty = np.isnan(values).all(axis=0)
    return np.where(empty, 0.0, values)


def _points(seconds: int, step_seconds: int) -> int:
    return max(1, round(seconds / step_seconds))
