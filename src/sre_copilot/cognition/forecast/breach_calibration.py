"""How probable a crossing is, given what the past says: one logistic map for all series.

References
----------
Platt, Probabilistic outputs for support vector machines, 1999, eq. 1; Hoerl and Kennard, Ridge regression, 1970, eq. 2.3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sre_copilot.cognition.forecast.breach_features import NAMES, Doubles

RIDGE = 30.0  # prior precision of each standardised slope: events of one series come together, some dozens are independent
LEAST_SCALE = 1e-3  # an input that hardly varies tells nothing, and is not blown up
CEILING = 0.98  # no more is claimed than some hundred crossings can show
BINS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0)  # upper ends of the probabilities whose warnings are counted together


@dataclass(frozen=True, slots=True)
class Calibration:
    """`probability = 1 / (1 + exp(-(intercept + slopes · (inputs - centre) / scale)))`; `hit_rates` of warnings within each of BINS."""

    intercept: float
    slopes: tuple[float, ...]
    centre: tuple[float, ...]
    scale: tuple[float, ...]
    hit_rates: tuple[float | None, ...] = (None,) * len(BINS)

    def probability(self, inputs: Doubles) -> Doubles:
        """Probability of a crossing within the horizon, of inputs (…, NAMES)."""
        logit = self.intercept + ((inputs - np.array(self.centre)) / np.array(self.scale)) @ np.array(
            self.slopes
        )
        return np.asarray(np.minimum(CEILING, 1.0 / (1.0 + np.exp(-np.clip(logit, -30.0, 30.0)))))

    def hit_rate(self, probability: float) -> float | None:
        """Share of back-tested warnings of this probability that came true; None where too few were made."""
        return self.hit_rates[int(np.searchsorted(BINS, min(probability, BINS[-1])))]


def fit(
    inputs: Doubles, crossed: NDArray[np.bool_], *, hit_rates: tuple[float | None, ...] = (None,) * len(BINS)
) -> Calibration:
    """Fit by Newton's method on the ridge-penalised likelihood of standardised inputs (cases, NAMES).

    Raises
    ------
    ValueError : when there are no cases, or all or none of them crossed
    """
    if inputs.shape[1:] != (len(NAMES),) or not 0 < int(crossed.sum()) < crossed.size:
        raise ValueError(
            f"inputs of shape {inputs.shape} with {int(crossed.sum())} crossings; both kinds of cases are needed"
        )
    centre, scale = inputs.mean(axis=0), np.maximum(inputs.std(axis=0), LEAST_SCALE)
    design = np.column_stack([np.ones(len(inputs)), (inputs - centre) / scale])
    penalty = np.diag([1e-6] + [RIDGE] * len(NAMES))
    weights = np.zeros(design.shape[1])
    for _ in range(50):
        mean = 1.0 / (1.0 + np.exp(-np.clip(design @ weights, -30.0, 30.0)))
        hessian = design.T @ (design * (mean * (1 - mean))[:, None]) + penalty
        step = np.linalg.solve(hessian, design.T @ (mean - crossed) + penalty @ weights)
        weights = weights - step
        if np.abs(step).max() < 1e-9:
            break
    rounded = [tuple(round(float(each), 4) for each in row) for row in (weights[1:], centre, scale)]
    slopes, centres, scales = rounded
    return Calibration(round(float(weights[0]), 4), slopes, centres, scales, hit_rates)
