"""Which of several detectors suits a metric: rolling origin over its own past, with labels or with planted anomalies.

References
----------
Tashman, Out-of-Sample Tests of Forecasting Accuracy: an Analysis and Review, International Journal of Forecasting 16, 2000, sec. 3
(rolling origin).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from sre_copilot.cognition.detectors.series.detector import Series, SeriesDetector
from sre_copilot.errors import MethodError

FOLDS = 4
FIRST_ORIGIN = 0.5  # of the past: a detector needs something to learn from before it is asked
SIZES = (
    4.0,
    6.0,
    10.0,
)  # robust one-step deviations: from what an engineer sees on a graph to what nobody overlooks
SPIKE, SHIFT = (
    1,
    12,
)  # values: one that is off, and a level that stays for as long as an alarm takes to be looked at
FEWEST = 40  # values a fold: fewer do not hold the planted anomalies apart
CONSISTENT = 1.4826  # Rousseeuw and Croux 1993


@dataclass(frozen=True, slots=True)
class Ranked:
    """How a detector did: average precision in each fold, 1 where it found everything before anything else."""

    name: str
    folds: tuple[float, ...]

    @property
    def precision(self) -> float:
        """Mean over the folds."""
        return fmean(self.folds)


@dataclass(frozen=True, slots=True)
class Fold:
    """What is scored: the past up to the end of the fold, of which the part from `origin` on counts."""

    values: Series
    labels: NDArray[np.bool_]
    origin: int


def rank(
    values: Series,
    detectors: Mapping[str, SeriesDetector],
    *,
    start: int,
    step_seconds: int,
    labels: NDArray[np.bool_] | None = None,
    seed: int = 0,
) -> tuple[Ranked, ...]:
    """Order detectors by how well they find the anomalies of a metric, best first; equal ones stay in the order given.

    Parameters
    ----------
    values : shape (times,), the past of the metric; NaN where there is no value
    detectors : by name, the cheapest first
    labels : shape (times,), true where the past is known to be anomalous; None: spikes and shifts of both signs are planted into the
        later half, half a dozen a fold, and found again
    seed : of places and sizes of what is planted

    Raises
    ------
    MethodError : when the past is too short, or no label lies in its later half
    """
    folds = tuple(_labelled(values, labels) if labels is not None else _planted(values, seed))
    if not folds:
        raise MethodError("selection: no label lies in the later half of the past. Select without labels.")
    ranked = [
        Ranked(
            name, tuple(_precision(fold, detector, start=start, step_seconds=step_seconds) for fold in folds)
        )
        for name, detector in detectors.items()
    ]
    return tuple(sorted(ranked, key=lambda each: -each.precision))


def _precision(fold: Fold, detector: SeriesDetector, *, start: int, step_seconds: int) -> float:
    scores = detector.score(fold.values, start=start, step_seconds=step_seconds)[fold.origin :]
    judged = np.where(np.isnan(scores), -np.inf, scores)
    finite = np.nan_to_num(judged, neginf=-1.0, posinf=np.finfo(np.float64).max)
    return float(average_precision_score(fold.labels[fold.origin :], finite))


def _labelled(values: Series, labels: NDArray[np.bool_]) -> Iterator[Fold]:
    for origin, end in _origins(len(values)):
        if labels[origin:end].any():
            yield Fold(values[:end], labels[:end], origin)


def _planted(values: Series, seed: int) -> Iterator[Fold]:
    """Folds into which anomalies are planted; what came before the fold stays as it was."""
    random = np.random.default_rng(seed)
    for origin, end in _origins(len(values)):
        changed, labels = values[:end].copy(), np.zeros(end, dtype=np.bool_)
        unit = _unit(values[:origin])
        for place, length, size in _plan(origin, end, random):
            changed[place : place + length] += size * unit
            labels[place : place + length] = True
        yield Fold(changed, labels & ~np.isnan(changed), origin)


def _plan(origin: int, end: int, random: np.random.Generator) -> Iterator[tuple[int, int, float]]:
    """Place, length and size of each planted anomaly: every size as spike and as shift, apart from each other, either sign."""
    kinds = [(length, size) for size in SIZES for length in (SPIKE, SHIFT)]
    bounds = np.linspace(origin, end, len(kinds) + 1).astype(int)
    for (length, size), begin, limit in zip(kinds, bounds, bounds[1:], strict=False):
        place = int(random.integers(begin, max(begin + 1, limit - length)))
        yield place, min(length, int(limit) - place), size * float(random.choice((-1.0, 1.0)))


def _unit(past: Series) -> float:
    """The robust standard deviation of one step, that of the values where most steps are 0."""
    known = past[~np.isnan(past)]
    if not len(known):
        raise MethodError("selection: the first half of the past holds no values.")
    steps = np.diff(known)
    robust = CONSISTENT * float(np.median(np.abs(steps - np.median(steps)))) if len(steps) else 0.0
    return robust or float(np.std(known)) or max(abs(float(known[0])), 1.0) / 100


def _origins(length: int) -> tuple[tuple[int, int], ...]:
    bounds = np.linspace(int(FIRST_ORIGIN * length), length, FOLDS + 1).astype(int)
    if (np.diff(bounds) < FEWEST).any():
        raise MethodError(
            f"selection: {length} values are too few; {int(FOLDS * FEWEST / FIRST_ORIGIN) + 2} are needed."
        )
    return tuple((int(origin), int(end)) for origin, end in pairwise(bounds))
