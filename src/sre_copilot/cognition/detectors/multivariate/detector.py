"""What a detector across the metrics of one service is: fitted on a past, it scores what follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Metrics = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ServiceScores:
    """How abnormal a service was at each time.

    `scores` of shape (times,): higher is more anomalous, NaN where no metric had a value; `contributions` of shape (times, metrics): the share
    of each metric in it, adding up to 1 where there is a score.
    """

    scores: Metrics
    contributions: Metrics


class ServiceModel(Protocol):
    """What was learned from the past of one service."""

    def score(self, values: Metrics, *, start: int) -> ServiceScores:
        """Score what follows the past, of shape (times, metrics), from `start` (epoch seconds UTC) on; causal."""
        ...


class ServiceDetector(Protocol):
    """Learns, without labels, how the metrics of one service go together."""

    def fit(self, train: Metrics, *, start: int, step_seconds: int) -> ServiceModel:
        """Learn from a past of shape (times, metrics) that begins at `start` (epoch seconds UTC); NaN where there is no value.

        Raises
        ------
        MethodError : when the past is too short to learn from, or holds no values
        """
        ...


def shares(parts: Metrics, known: NDArray[np.bool_]) -> Metrics:
    """Parts of each row scaled to add up to 1; equal ones where all are 0, NaN where nothing is known."""
    total = parts.sum(axis=1, keepdims=True)
    even = np.full(parts.shape, 1 / parts.shape[1])
    found: Metrics = np.divide(parts, total, out=even, where=total > 0)
    found[~known] = np.nan
    return found
