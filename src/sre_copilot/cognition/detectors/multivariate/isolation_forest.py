"""Isolation Forest across the metrics of a service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.ensemble import IsolationForest

from sre_copilot.cognition.detectors.multivariate.detector import Metrics, ServiceScores, shares
from sre_copilot.cognition.detectors.multivariate.z_vectors import ZVectors, fit


@dataclass(frozen=True, slots=True)
class ServiceIsolationForest:
    """How few random cuts set a z-vector apart from those of the past, times its mean absolute z-score.

    A forest cuts inside the range that it has seen: it tells a new combination from an old one, and cannot tell how far beyond the range a
    metric is. The mean can.

    Parameters
    ----------
    trees : of the forest; 100, where the reference sees path lengths converge
    seed : of the forest

    References
    ----------
    Liu, Ting and Zhou, Isolation Forest, ICDM 2008, eq. 2.
    """

    trees: int = 100
    seed: int = 0

    def fit(self, train: Metrics, *, start: int, step_seconds: int) -> ForestModel:
        """Learn from a past without labels, of shape (times, metrics), five days at least."""
        vectors, past = fit(train, step_seconds=step_seconds)
        forest = IsolationForest(n_estimators=self.trees, random_state=self.seed).fit(np.nan_to_num(past))
        return ForestModel(vectors, forest)


@dataclass(frozen=True, slots=True)
class ForestModel:
    """A fitted forest; contributions are the shares of the absolute z-scores, for the forest itself tells none."""

    vectors: ZVectors
    forest: Any

    def score(self, values: Metrics, *, start: int) -> ServiceScores:
        """Score what follows the past; a metric that is missing says nothing."""
        following = self.vectors.following(values)
        known = np.isfinite(following).sum(axis=1) > 0
        scores = np.full(len(values), np.nan)
        complete = np.nan_to_num(following)
        if known.any():
            scores[known] = -self.forest.score_samples(complete[known]) * np.abs(complete[known]).mean(axis=1)
        return ServiceScores(scores, shares(np.abs(complete), known))
