"""Durations as counts in bins of equal ratio: mergeable, and any quantile of them within an eighth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BINS = 96
LEAST_MS = 0.05  # below the resolution of most clocks that time spans
STEP = np.log(1.18)  # 96 bins of 18 % reach from 0.05 ms to six minutes


def bins_of(milliseconds: Floats) -> Ints:
    """The bin of each duration; what is shorter or longer than all bins falls into the first or last."""
    place = np.floor(np.log(np.maximum(milliseconds, LEAST_MS) / LEAST_MS) / STEP)
    return np.asarray(np.clip(place, 0, BINS - 1), dtype=np.int64)


def upper_edge(place: Ints) -> Floats:
    """The longest duration of a bin, milliseconds."""
    return np.asarray(LEAST_MS * np.exp((place + 1) * STEP))


def quantile(counts: Floats, share: float) -> Floats:
    """The duration below which a share of each row of counts lies, upwards within one bin; 0 for empty rows."""
    total = counts.sum(axis=1)
    place = (np.cumsum(counts, axis=1) < share * total[:, None]).sum(axis=1)
    return np.where(total > 0, upper_edge(np.minimum(place, BINS - 1)), 0.0)


def share_above(counts: Floats, bound: Floats) -> Floats:
    """The share of each row of counts in bins above that of its bound, smoothed by half a hit."""
    above = np.arange(BINS)[None, :] > bins_of(bound)[:, None]
    return np.asarray(((counts * above).sum(axis=1) + 0.5) / (counts.sum(axis=1) + 1.0))
