"""How the metrics of every service go together, and how unlike it they are now: many services at once, calibrated to 0..1.

The distance of a z-vector, by one of two measures, is held against what is worth telling for this service. A metric without a value is left out of
the distance and changes what is needed: it is never counted as normal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, fdtri  # type: ignore[import-untyped]

from sre_copilot.cognition.detectors.multivariate.covariance import undisturbed
from sre_copilot.cognition.detectors.multivariate.members import Members

Floats = NDArray[np.float64]
Measure = Literal["mean_deviation", "robust_covariance"]
RARE = (
    1 / (200 * 1440)
)  # of the minutes of a quiet service: one in 200 days, so that 200 services make one false alarm a day at most
TAILS = (
    (0.5, 0.1),
    (0.1, 0.01),
)  # shares of the past between whose quantiles the tail is drawn: its middle, and where heavy ones begin
MOST = 4.0  # of the least distance: a service that was abnormal for more than a hundredth of its past is not to be mute
TOLD_AT = 0.7  # the score of a distance that is as rare as said
LEAST_SPREAD = 0.1  # robust standard deviations of half an hour's mean; of white noise 0.18 are left, less is a meter that stands
CONSISTENT = 1.4826  # Rousseeuw and Croux 1993
LEAST_VECTORS = 100  # a day and a half at twenty minutes
VECTORS_A_METRIC = 10  # or the covariance is of the accidents
LEAST_METRICS = 2
LEAST_MEAN = (
    3.0  # robust standard deviations that the metrics are off on average: what is normal of a single one
)
FARTHEST = 10.0  # robust standard deviations that one metric counts at most: it must not be the whole vector
PRESENT = 0.75  # of the past in which a metric must be known
SUPPORT = 0.9  # share of the past that is taken as undisturbed: faults are rare


@dataclass(frozen=True, slots=True)
class JointModel:
    """What was learned of services.

    `unit` and `centre` of shape (services, width), NaN for metrics that are no part of it; `needed`, shape (services,), is the distance that is
    worth telling; `covariance` of shape (services, width, width), the identity for metrics that are no part, or None: the distance is the squared mean
    deviation, which knows none.
    """

    members: Members
    unit: Floats
    centre: Floats
    needed: Floats
    covariance: Floats | None


@dataclass(frozen=True, slots=True)
class JointScores:
    """`scores` of shape (services,), NaN where fewer than two metrics are known; `shares` of shape (services, width) of each metric in it, and which metrics are `missing`."""

    scores: Floats
    shares: Floats
    missing: NDArray[np.bool_]


@dataclass
class JointScorer:
    """Scores vector after vector; what was inverted for the metrics that are there is used until others are."""

    model: JointModel
    _there: NDArray[np.bool_] = field(init=False)
    _precision: Floats | None = field(init=False)
    _needed: Floats = field(init=False)

    def __post_init__(self) -> None:
        self._there = np.isfinite(self.model.unit)
        covariance = self.model.covariance
        self._precision = None if covariance is None else np.asarray(np.linalg.inv(covariance), np.float64)
        self._needed = np.array(self.model.needed)

    def score(self, vectors: Floats) -> JointScores:
        """Score the vectors of one time, shape (services, width), NaN where a metric is not known."""
        away = (vectors - self.model.centre) / self.model.unit
        there = np.isfinite(away)
        self._meet(there)
        away = np.where(there, away, 0.0)
        if self._precision is None:
            parts = np.minimum(np.abs(away), FARTHEST)
            distance = (parts.sum(axis=1) / np.maximum(there.sum(axis=1), 1)) ** 2
        else:  # 0 is of no effect where a metric is not there: its row of the inverse is that of the identity
            parts = away * np.einsum("sij,sj->si", self._precision, away)
            distance = np.maximum(parts.sum(axis=1), 0.0)
        scores = distance / (distance + (1 / TOLD_AT - 1) * self._needed)
        scores[there.sum(axis=1) < LEAST_METRICS] = np.nan
        shares = np.maximum(parts, 0.0)
        shares /= np.maximum(shares.sum(axis=1, keepdims=True), np.finfo(float).tiny)
        return JointScores(scores, shares, np.isfinite(self.model.unit) & ~there)

    def _meet(self, there: NDArray[np.bool_]) -> None:
        """Find what is needed, and invert anew, where other metrics are known than before."""
        for row in np.flatnonzero((there != self._there).any(axis=1)).tolist():
            kept = there[row]
            whole, count = int(np.isfinite(self.model.unit[row]).sum()), max(int(kept.sum()), 1)
            if self._precision is None or self.model.covariance is None:
                self._needed[row] = self.model.needed[row] * whole / count  # a mean of fewer is less even
                continue
            among = np.where(np.outer(kept, kept), self.model.covariance[row], np.eye(len(kept)))
            self._precision[row] = np.linalg.inv(among)
            self._needed[row] = self.model.needed[row] * _rare(count) / _rare(whole)
        self._there = there


def fit(members: Members, vectors: NDArray[np.float32], *, measure: Measure) -> JointModel:
    """Learn from the past vectors of all services, shape (services, times, width); those of which too little is known are left out."""
    fitted = [_fit_one(np.asarray(each, np.float64), measure) for each in vectors]
    kept = [row for row, each in enumerate(fitted) if each is not None]
    found = [each for each in fitted if each is not None]
    chosen = Members(
        tuple(members.services[row] for row in kept), tuple(members.metrics[row] for row in kept)
    )
    width, count = chosen.width, len(found)
    covariances = [each.covariance[:width, :width] for each in found if each.covariance is not None]
    return JointModel(
        chosen,
        np.array([each.unit[:width] for each in found]).reshape(count, width),
        np.array([each.centre[:width] for each in found]).reshape(count, width),
        np.array([each.needed for each in found]),
        np.array(covariances).reshape(count, width, width) if measure == "robust_covariance" else None,
    )


@dataclass(frozen=True, slots=True)
class _One:
    unit: Floats
    centre: Floats
    needed: float
    covariance: Floats | None


def _fit_one(past: Floats, measure: Measure) -> _One | None:
    """Learn one service from its past vectors, shape (times, width); None when too few metrics move, or too little is known."""
    known = np.isfinite(past)
    kept = (known.sum(axis=0) >= PRESENT * max(known.any(axis=1).sum(), 1)) & known.any(axis=0)
    kept[kept] = _spread(past[:, kept]) > 0
    rows = past[known[:, kept].all(axis=1)][:, kept]
    count = int(kept.sum())
    if count < LEAST_METRICS or len(rows) < max(LEAST_VECTORS, VECTORS_A_METRIC * count):
        return None
    spread = np.maximum(_spread(rows), LEAST_SPREAD)
    middle = np.median(rows, axis=0)
    scaled = (rows - middle) / spread
    unit, centre = np.full(len(kept), np.nan), np.full(len(kept), np.nan)
    unit[kept], centre[kept] = spread, middle
    if measure == "mean_deviation":
        means = np.minimum(np.abs(scaled), FARTHEST).mean(axis=1)
        return _One(unit, centre, _needed(means**2, LEAST_MEAN**2), None)
    location, covariance = undisturbed(scaled, support=SUPPORT, seed=0)
    away = scaled - location
    distances = np.einsum("ti,ij,tj->t", away, np.linalg.inv(covariance), away)
    centre[kept] = middle + location * spread
    whole = np.eye(len(kept))
    whole[np.ix_(kept, kept)] = covariance
    return _One(unit, centre, _needed(distances, _chance(count, len(rows))), whole)


def _spread(values: Floats) -> Floats:
    """Robust standard deviation of each column, the plain one where most values are equal."""
    robust = CONSISTENT * np.nanmedian(np.abs(values - np.nanmedian(values, axis=0)), axis=0)
    return np.asarray(np.where(robust > 0, robust, np.nanstd(values, axis=0)))


def _needed(distances: Floats, least: float) -> float:
    """The distance that is worth telling: an exponential tail of the past, within bounds."""
    drawn = []
    for often, seldom in TAILS:
        near, far = np.quantile(distances, (1 - often, 1 - seldom))
        drawn.append(far + (far - near) * np.log(seldom / RARE) / np.log(often / seldom))
    return float(np.clip(max(drawn), least, MOST * least))


def _chance(count: int, known: int) -> float:
    """Hotelling's distance that chance alone makes so rare: the covariance itself is known from so many vectors only."""
    factor = count * (known - 1) * (known + 1) / (known * (known - count))
    return float(factor * fdtri(count, known - count, 1 - RARE))


@lru_cache(maxsize=64)
def _rare(count: int) -> float:
    """The squared distance that so many independent metrics exceed as rarely as is worth telling."""
    return float(chdtri(count, RARE))
