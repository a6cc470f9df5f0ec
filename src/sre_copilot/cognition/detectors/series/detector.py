"""What a detector of one series is: values in, how abnormal each of them was when it came out."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]


class SeriesDetector(Protocol):
    """Scores one series on a regular grid of time.

    Causal: the score of a value depends on it and on earlier values alone. Deterministic: the same input has the same scores. A value
    that is NaN has the score NaN, and so has one that the detector has seen too little before to judge (its warm-up).
    """

    def score(self, values: Series, *, start: int, step_seconds: int) -> Series:
        """Score every value.

        Parameters
        ----------
        values : shape (times,), in the unit of the series; NaN where there is none
        start : epoch seconds UTC of the first value
        step_seconds : seconds from one value to the next

        Returns
        -------
        Shape (times,): higher is more anomalous; in 0..1 where the detector is calibrated, 0.7 then being worth telling.
        """
        ...
