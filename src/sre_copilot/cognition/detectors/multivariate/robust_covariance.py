"""Robust covariance across the metrics of a service: which combination of deviations never was before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sre_copilot.cognition.detectors.multivariate.covariance import undisturbed
from sre_copilot.cognition.detectors.multivariate.detector import Metrics, ServiceScores, shares
from sre_copilot.cognition.detectors.multivariate.z_vectors import ZVectors, fit

MOST_VECTORS = 2_000  # a fit looks at each some hundred times; a vector is like its neighbours, which half an hour is shared with


@dataclass(frozen=True, slots=True)
class RobustCovariance:
    """Mahalanobis distance of a z-vector from the centre of the past, whose covariance is the minimum covariance determinant.

    Parameters
    ----------
    support : share of the past that is taken as undisturbed; 0.9: faults are rare, and fewer would throw away busy hours
    seed : of the subsets it starts from

    References
    ----------
    Rousseeuw and Van Driessen, A Fast Algorithm for the Minimum Covariance Determinant Estimator, Technometrics 41(3), 1999.
    """

    support: float = 0.9
    seed: int = 0

    def fit(self, train: Metrics, *, start: int, step_seconds: int) -> CovarianceModel:
        """Learn from a past without labels, of shape (times, metrics), five days at least."""
        vectors, past = fit(train, step_seconds=step_seconds)
        moving = np.isfinite(past).sum(axis=0) > 0
        chosen = np.nan_to_num(past[:: max(1, len(past) // MOST_VECTORS), moving])
        centre, covariance = undisturbed(chosen, support=self.support, seed=self.seed)
        precision = np.asarray(np.linalg.inv(covariance), np.float64)
        return CovarianceModel(vectors, moving, centre, precision)


@dataclass(frozen=True, slots=True)
class CovarianceModel:
    """Centre and inverse covariance of the metrics that move."""

    vectors: ZVectors
    moving: NDArray[np.bool_]
    centre: NDArray[np.float64]
    precision: NDArray[np.float64]

    def score(self, values: Metrics, *, start: int) -> ServiceScores:
        """Score what follows the past: squared distance a metric, 1 on average in the past; a metric that is missing says nothing."""
        following = self.vectors.following(values)
        known = np.isfinite(following).sum(axis=1) > 0
        away = np.nan_to_num(following[:, self.moving] - self.centre)
        parts = np.zeros(following.shape)
        parts[:, self.moving] = away * (away @ self.precision)
        scores = np.where(known, parts.sum(axis=1) / max(1, self.moving.sum()), np.nan)
        return ServiceScores(scores, shares(np.maximum(parts, 0.0), known))
