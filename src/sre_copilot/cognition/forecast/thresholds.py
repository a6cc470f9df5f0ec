"""Limits that nobody gave: a capacity learned from the past, and a static threshold with the alerts that it would make."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HEADROOM = 0.1  # share of what is left to a known ceiling that a new highest level must take
MARGIN = 0.1  # share of the usual range that a new highest level must exceed where no ceiling is known


def learned_capacity(blocks: NDArray[np.float64], *, ceiling: float | None = None) -> float:
    """Return the level that a series has not reached yet and that would be new to it.

    Parameters
    ----------
    blocks : shape (times,), medians of a few minutes, known values only, nothing later than now
    ceiling : the most that the series can be (1 for a share of a limit), None: unknown
    """
    top = float(blocks.max())
    if ceiling is not None:
        return top + HEADROOM * max(ceiling - top, 0.0)
    low, high = np.quantile(blocks, [0.05, 0.95])
    return top + MARGIN * max(float(high - low), 1e-3 * abs(top), 1e-9)


@dataclass(frozen=True, slots=True)
class Threshold:
    """A static threshold and how many alerts a day it would have made in the past; `quantile` of the past lies below it."""

    value: float
    alerts_a_day: float
    quantile: float


def recommend_threshold(
    values: NDArray[np.float32],
    *,
    step_seconds: int,
    direction: str = "above",
    alerts_a_day: float = 0.1,
    for_seconds: int = 300,
) -> Threshold | None:
    """Return the tightest threshold that would have made at most `alerts_a_day`, None without a day of values.

    An alert is a stretch beyond the threshold of `for_seconds` or more; a gap ends it, and it fires again only after `for_seconds` within.

    Parameters
    ----------
    values : shape (times,), NaN where there is none
    alerts_a_day : the default, one in ten days, is what one person can bear for some dozens of series
    """
    sign = 1.0 if direction == "above" else -1.0
    known = sign * values[np.isfinite(values)].astype(np.float64)
    days = known.size * step_seconds / 86_400
    if days < 1:
        return None
    width = max(1, for_seconds // step_seconds)
    for quantile in (0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999, 1.0):
        level = float(np.quantile(known, quantile))
        made = count_alerts(sign * values, level, width=width) / days
        if made <= alerts_a_day:
            return Threshold(sign * level, made, quantile)
    return None


def count_alerts(values: NDArray[np.float32], level: float, *, width: int) -> int:
    """Count stretches of at least `width` columns above `level` that are `width` columns apart."""
    above = np.concatenate([[False], values > level, [False]])
    edges = np.flatnonzero(np.diff(above.astype(np.int8)))
    begins, ends = edges[::2], edges[1::2]
    count, last = 0, -width - 1
    for begin, end in zip(begins, ends, strict=True):
        if end - begin >= width:
            count += begin - last >= width
            last = end
    return int(count)
