"""Statistics of the values just before each time: what a detector without a model compares with."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sre_copilot.cognition.detectors.series.detector import Series

DAY_SECONDS = 86_400
FEWEST = 20  # values before a first judgement: with fewer a standard deviation is off by a sixth and more
MOST = 2_880  # values looked back at: two days of minutes, beyond which the order statistics cost more than they tell


def day_of(step_seconds: int) -> int:
    """How many values make a day, at least `FEWEST` and at most `MOST`."""
    return int(np.clip(DAY_SECONDS // step_seconds, FEWEST, MOST))


def trailing_moments(values: Series, window: int) -> tuple[Series, Series]:
    """Mean and standard deviation of the last `window` values before each; NaN with fewer than `FEWEST` present."""
    mean, deviation = _moments(values, window, FEWEST)
    return mean, deviation


def trailing_quantiles(values: Series, window: int) -> tuple[Series, Series, Series, Series]:
    """Lower quartile, median, upper quartile and MAD of the last `window` values before each, like `trailing_moments`."""
    quartiles: NDArray[np.float64] = _quantiles(values, window, FEWEST)
    return quartiles[0], quartiles[1], quartiles[2], quartiles[3]


@njit(cache=True)
def _moments(values: Series, window: int, fewest: int) -> tuple[Series, Series]:
    mean = np.full(len(values), np.nan)
    deviation = np.full(len(values), np.nan)
    count, centre, squares = 0, 0.0, 0.0
    for now in range(len(values)):
        if count >= fewest:
            mean[now] = centre
            deviation[now] = np.sqrt(max(squares, 0.0) / (count - 1))
        if now >= window and not np.isnan(values[now - window]):
            count -= 1
            off = values[now - window] - centre
            centre = centre - off / count if count else 0.0
            squares = squares - off * (values[now - window] - centre) if count else 0.0
        if not np.isnan(values[now]):
            count += 1
            off = values[now] - centre
            centre += off / count
            squares += off * (values[now] - centre)
    return mean, deviation


@njit(cache=True)
def _quantiles(values: Series, window: int, fewest: int) -> Series:
    found = np.full((4, len(values)), np.nan)
    ordered = np.empty(window + 1)
    count = 0
    for now in range(len(values)):
        if count >= fewest:
            past = ordered[:count]
            for row in range(3):
                found[row, now] = _quantile(past, 0.25 * (row + 1))
            found[3, now] = _mad(past, found[1, now])
        if now >= window and not np.isnan(values[now - window]):
            place = np.searchsorted(ordered[:count], values[now - window])
            ordered[place : count - 1] = ordered[place + 1 : count].copy()
            count -= 1
        if not np.isnan(values[now]):
            place = np.searchsorted(ordered[:count], values[now])
            ordered[place + 1 : count + 1] = ordered[place:count].copy()
            ordered[place] = values[now]
            count += 1
    return found


@njit(cache=True)
def _quantile(ordered: Series, probability: float) -> float:
    place = probability * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return float(ordered[below] + (place - below) * (ordered[above] - ordered[below]))


@njit(cache=True)
def _mad(ordered: Series, median: float) -> float:
    """The median distance from the median: from the middle outwards the distances come in order."""
    left = np.searchsorted(ordered, median) - 1
    right = left + 1
    distance = 0.0
    for _ in range((len(ordered) + 1) // 2):
        from_left = median - ordered[left] if left >= 0 else np.inf
        from_right = ordered[right] - median if right < len(ordered) else np.inf
        distance = min(from_left, from_right)
        if from_left < from_right:
            left -= 1
        else:
            right += 1
    return distance
