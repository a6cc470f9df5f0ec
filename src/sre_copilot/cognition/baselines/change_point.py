"""One common change point of many series: the split at which most of them change their level.

References
----------
Hinkley, Inference about the change-point in a sequence of random variables, 1970, eq. 2.2 (likelihood ratio of a change in mean);
Killick et al., Optimal detection of changepoints with a linear computational cost, 2012, section 2 (a penalty for each series).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

PENALTY = (
    3.0  # nats a series pays besides the choice of its split: e^-3 of the healthy series change by chance
)
SIDE = 2  # bins on each side: one bin alone is an outlier, not a level
CEILING = 15.0  # nats one series can say; beyond it a single loud series would decide alone


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """The first bin of the new level, and the nats by which a change there explains the series better than none."""

    index: int
    strength: float


def change_point(values: Array, *, allowed: NDArray[np.bool_], floor: float) -> ChangePoint | None:
    """Find the split that explains most series.

    Parameters
    ----------
    values : shape (series, bins), NaN where a series has no value; levels that are comparable as differences (logarithms, shares)
    allowed : shape (bins,), whether the new level may begin at that bin
    floor : standard deviation, in the unit of `values`, that every series is granted: what is smaller is no change

    Returns
    -------
    The best split, or None when no split is allowed or no series changes.
    """
    if values.size == 0 or not allowed.any():
        return None
    gain = np.clip(_gains(values, floor) - PENALTY - np.log(max(int(allowed.sum()), 1)), 0.0, CEILING).sum(
        axis=0
    )
    gain = np.where(allowed & (gain > 0), gain, -np.inf)
    index = int(np.argmax(gain))
    return ChangePoint(index, float(gain[index])) if gain[index] > 0 else None


def _gains(values: Array, floor: float) -> Array:
    """Log-likelihood ratio of a change in mean before each bin, shape (series, bins)."""
    known = ~np.isnan(values)
    count = known.sum(axis=1, keepdims=True).astype(float)
    mean = np.where(known, values, 0.0).sum(axis=1, keepdims=True) / np.maximum(count, 1.0)
    centred = np.where(known, values - mean, 0.0)
    before_n = _exclusive(known.astype(float))
    before_sum = _exclusive(centred)
    after_n, after_sum = count - before_n, -before_sum
    between = _square(before_sum, before_n) + _square(after_sum, after_n)
    total = (centred**2).sum(axis=1, keepdims=True) + count * floor**2
    within = np.maximum(total - between, count * floor**2)
    usable = (before_n >= SIDE) & (after_n >= SIDE)
    ratio = np.where(usable, total / np.maximum(within, 1e-12), 1.0)
    return np.asarray(0.5 * count * np.log(ratio))


def _exclusive(values: Array) -> Array:
    total = np.cumsum(values, axis=1)
    return np.asarray(np.concatenate([np.zeros((len(values), 1)), total[:, :-1]], axis=1))


def _square(total: Array, count: Array) -> Array:
    return np.asarray(total**2 / np.maximum(count, 1.0))
