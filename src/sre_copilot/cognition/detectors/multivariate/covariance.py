"""The covariance of the undisturbed part of a past."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import MinCovDet

Floats = NDArray[np.float64]
RIDGE = 0.05  # squared robust standard deviations added to each metric: two that copy each other must not be divided by nothing


def undisturbed(vectors: Floats, *, support: float, seed: int) -> tuple[Floats, Floats]:
    """Centre and covariance of vectors without gaps: the minimum covariance determinant, with a little noise added.

    Parameters
    ----------
    vectors : shape (times, metrics), in robust standard deviations
    support : share of the vectors that is taken as undisturbed
    seed : of the noise, and of the subsets that the search starts from

    References
    ----------
    Rousseeuw and Van Driessen, A Fast Algorithm for the Minimum Covariance Determinant Estimator, Technometrics 41(3), 1999.
    """
    noise = np.random.default_rng(seed).normal(scale=np.sqrt(RIDGE), size=vectors.shape)
    fitted = MinCovDet(support_fraction=support, random_state=seed).fit(vectors + noise)
    return fitted.location_, fitted.covariance_
