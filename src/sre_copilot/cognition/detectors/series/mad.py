"""MAD: how many robust standard deviations a value is from the median of the day before it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sre_copilot.cognition.detectors.series.detector import Series
from sre_copilot.cognition.detectors.series.scale import floored, ratio, scored
from sre_copilot.cognition.detectors.series.trailing import day_of, trailing_quantiles

CONSISTENT = 1.4826  # makes the MAD of normal noise its standard deviation (Rousseeuw and Croux 1993)


@dataclass(frozen=True, slots=True)
class MedianAbsoluteDeviation:
    """Distance from the trailing median in trailing MADs; up to half of the window may be anomalous itself.

    Parameters
    ----------
    window : values looked back at; None: a day
    limit : modified z-score from which a value is worth telling; 3.5 as recommended by the reference

    References
    ----------
    Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993, ch. 3.
    """

    window: int | None = None
    limit: float = 3.5

    def score(self, values: Series, *, start: int, step_seconds: int) -> Series:
        """Score every value, 0.7 at `limit`."""
        _, median, _, mad = trailing_quantiles(values, self.window or day_of(step_seconds))
        spread = floored(CONSISTENT * mad, median)
        return scored(ratio(np.abs(values - median), spread), limit=self.limit)
