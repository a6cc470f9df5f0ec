"""IQR: how far a value lies outside the quartiles of the day before it, in interquartile ranges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sre_copilot.cognition.detectors.series.detector import Series
from sre_copilot.cognition.detectors.series.scale import floored, ratio, scored
from sre_copilot.cognition.detectors.series.trailing import day_of, trailing_quantiles


@dataclass(frozen=True, slots=True)
class InterquartileRange:
    """Distance beyond the trailing quartiles in trailing interquartile ranges; 0 between them.

    Parameters
    ----------
    window : values looked back at; None: a day
    fence : distance from which a value is worth telling; 1.5, the inner fence of the reference

    References
    ----------
    Tukey, Exploratory Data Analysis, 1977, sec. 2D.
    """

    window: int | None = None
    fence: float = 1.5

    def score(self, values: Series, *, start: int, step_seconds: int) -> Series:
        """Score every value, 0.7 at `fence`."""
        lower, median, upper, _ = trailing_quantiles(values, self.window or day_of(step_seconds))
        outside = np.maximum(np.maximum(lower - values, values - upper), 0.0)
        return scored(ratio(outside, floored(upper - lower, median)), limit=self.fence)
