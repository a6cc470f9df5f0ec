"""How often the first suspect is the true one, given how it leads: a small logistic regression.

References
----------
Platt, Probabilistic outputs for support vector machines, 1999, eq. 1 (a logistic map from a score to a probability) and section 2.1 (targets
shrunk by the class counts).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sre_copilot.cognition.rca.features import Features

RIDGE = 0.3  # prior precision of each slope; keeps a perfectly separable set of some 30 cases finite
CEILING = 0.99  # no more is claimed than a collection of some 200 incidents can show


@dataclass(frozen=True, slots=True)
class Calibration:
    """`probability = 1 / (1 + exp(-(intercept + slopes · inputs)))`."""

    intercept: float
    slopes: tuple[float, ...]

    def probability(self, features: Features) -> float:
        """Probability, 0 to 1, that the first suspect is the true entity."""
        logit = self.intercept + float(np.dot(self.slopes, features.inputs()))
        return float(min(CEILING, 1.0 / (1.0 + np.exp(-np.clip(logit, -30.0, 30.0)))))


def fit(features: Sequence[Features], right: Sequence[bool]) -> Calibration:
    """Fit by Newton's method on the ridge-penalised likelihood.

    Parameters
    ----------
    features : one a case, of investigations that named a suspect
    right : whether the first suspect was the true entity

    Raises
    ------
    ValueError : when the lengths differ or there is no case
    """
    if len(features) != len(right) or not features:
        raise ValueError(
            f"{len(features)} features and {len(right)} answers; both must be equal and at least 1"
        )
    inputs = np.array([each.inputs() for each in features])
    design = np.column_stack([np.ones(len(inputs)), inputs])
    positive, negative = sum(right), len(right) - sum(right)
    target = np.where(right, (positive + 1) / (positive + 2), 1 / (negative + 2))
    penalty = np.diag([1e-6] + [RIDGE] * inputs.shape[1])
    weights = np.zeros(design.shape[1])
    for _ in range(50):
        mean = 1.0 / (1.0 + np.exp(-np.clip(design @ weights, -30.0, 30.0)))
        gradient = design.T @ (mean - target) + penalty @ weights
        hessian = design.T @ (design * (mean * (1 - mean))[:, None]) + penalty
        step = np.linalg.solve(hessian, gradient)
        weights = weights - step
        if np.abs(step).max() < 1e-9:
            break
    return Calibration(float(weights[0]), tuple(float(weight) for weight in weights[1:]))


SHIPPED = Calibration(intercept=-1.1243, slopes=(0.6156, 1.7339))
