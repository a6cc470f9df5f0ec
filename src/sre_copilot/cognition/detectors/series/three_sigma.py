"""Three sigma: how many standard deviations a value is from the mean of the day before it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sre_copilot.cognition.detectors.series.detector import Series
from sre_copilot.cognition.detectors.series.scale import floored, ratio, scored
from sre_copilot.cognition.detectors.series.trailing import day_of, trailing_moments


@dataclass(frozen=True, slots=True)
class ThreeSigma:
    """Distance from the trailing mean in trailing standard deviations.

    Parameters
    ----------
    window : values looked back at; None: a day
    sigmas : distance from which a value is worth telling; three, after which the rule is named

    References
    ----------
    Shewhart, Economic Control of Quality of Manufactured Product, 1931: the control limits.
    """

    window: int | None = None
    sigmas: float = 3.0

    def score(self, values: Series, *, start: int, step_seconds: int) -> Series:
        """Score every value, 0.7 at `sigmas`."""
        mean, deviation = trailing_moments(values, self.window or day_of(step_seconds))
        return scored(ratio(np.abs(values - mean), floored(deviation, mean)), limit=self.sigmas)
