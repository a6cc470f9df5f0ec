"""Z-vectors as they come: how far each series is from its learned profile and its level of the last day, over the last half hour.

What `z_vectors` computes from days of values is computed here from a profile and two numbers a series, so that a tick can do it for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
SMOOTH_SECONDS = 1_800  # an incident lasts; half an hour's mean keeps what lasts and evens out what flickers
CLIP = (
    10.0  # robust standard deviations: tails of load are heavy, and one metric must not be the whole vector
)
KNOWN = 0.75  # weight of the values that must be there: with fewer the mean flickers, and what stops is soon missing
LEVEL_EVERY_SECONDS = (
    600  # of the day that the level is the median of: 144 values know it to a tenth of their spread
)
FEWEST = 12  # of these values: two hours


@dataclass
class Running:
    """What is remembered of `n` series: decaying sums of z-scores and of their weights, and the level."""

    alpha: float
    sums: Floats
    weights: Floats
    level: Floats

    @classmethod
    def fresh(cls, series: int, *, step_seconds: int) -> Self:
        """Nothing known yet; a mean that decays is as even as one of half an hour when `alpha` is 2 / (values + 1)."""
        values = max(1, round(SMOOTH_SECONDS / step_seconds))
        empty = np.zeros(series, np.float32)
        return cls(2 / (values + 1), empty, empty.copy(), np.full(series, np.nan, np.float32))

    def take(self, scores: Floats) -> None:
        """Take the z-scores of one step, shape (n,), NaN where there is no value."""
        there = np.isfinite(scores)
        self.sums += np.float32(self.alpha) * (np.where(there, scores, np.float32(0)) - self.sums)
        self.weights += np.float32(self.alpha) * (there - self.weights)

    def vectors(self) -> Floats:
        """Mean of the last half hour less the level, shape (n,), NaN where too little of either is known."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.weights >= KNOWN, self.sums / self.weights - self.level, np.float32(np.nan))

    def grow(self, more: int) -> None:
        """Add series of which nothing is known."""
        added = Running.fresh(more, step_seconds=SMOOTH_SECONDS)
        for name in ("sums", "weights", "level"):
            setattr(self, name, np.concatenate([getattr(self, name), getattr(added, name)]))


def z_scores(values: Floats, centre: Floats, scale: Floats) -> Floats:
    """How far values are from what is expected, in robust standard deviations, clipped; NaN where either is not known."""
    with np.errstate(invalid="ignore", divide="ignore"):
        clipped: Floats = np.clip((values - centre) / scale, np.float32(-CLIP), np.float32(CLIP))
    return clipped


def level_of(samples: Floats) -> Floats:
    """Median of the z-scores of a day, shape (samples, n) to (n,); NaN where there are fewer than two hours of them."""
    ordered = np.sort(np.ascontiguousarray(samples.T), axis=1)  # NaN last
    count = np.isfinite(ordered).sum(axis=1)
    middle = np.take_along_axis(ordered, np.maximum((count - 1) // 2, 0)[:, None], axis=1)[:, 0]
    return np.where(count >= FEWEST, middle, np.float32(np.nan))


def samples_every(step_seconds: int) -> int:
    """Steps between two values that the level is the median of."""
    return max(1, round(LEVEL_EVERY_SECONDS / step_seconds))
