"""How far the metrics of a service are from their usual, on average."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sre_copilot.cognition.detectors.multivariate.detector import Metrics, ServiceScores, shares
from sre_copilot.cognition.detectors.multivariate.z_vectors import ZVectors, fit


@dataclass(frozen=True, slots=True)
class MeanDeviation:
    """Mean absolute z-score of the metrics that are there: many that are off a little count as much as one that is off by far.

    It knows nothing of how the metrics go together, and so learns no accidents of the past: what it needs is one spread a metric.
    """

    def fit(self, train: Metrics, *, start: int, step_seconds: int) -> DeviationModel:
        """Learn from a past without labels, of shape (times, metrics), five days at least."""
        vectors, _ = fit(train, step_seconds=step_seconds)
        return DeviationModel(vectors)


@dataclass(frozen=True, slots=True)
class DeviationModel:
    """The spread of each metric."""

    vectors: ZVectors

    def score(self, values: Metrics, *, start: int) -> ServiceScores:
        """Score what follows the past: the mean over the metrics that have a value."""
        away = np.abs(self.vectors.following(values))
        count = np.isfinite(away).sum(axis=1)
        away = np.nan_to_num(away)
        scores = np.where(count > 0, away.sum(axis=1) / np.maximum(count, 1), np.nan)
        return ServiceScores(scores, shares(away, count > 0))
