"""ETS: how far a value is from what exponential smoothing of the past predicts one step ahead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sre_copilot.cognition.detectors.series.blocks import schedule
from sre_copilot.cognition.detectors.series.detector import Series
from sre_copilot.cognition.detectors.series.one_step import score_errors

MOST_VALUES = 1_000  # as for ARIMA
LONGEST_SEASON = (
    24  # values; every place of the season is a state of its own, and more of them fit nothing in time
)


@dataclass(frozen=True, slots=True)
class Ets:
    """One-step errors of exponential smoothing with additive errors, fitted once a day and carried forward value by value.

    A daily season is modelled where a day has at most 24 values (hourly series), else level and damped trend alone.

    Parameters
    ----------
    model : error, trend, season as in the reference; None: "AAA" with a season, "AAN" without

    References
    ----------
    Hyndman, Koehler, Ord and Snyder, Forecasting with Exponential Smoothing, 2008, ch. 2.
    """

    model: str | None = None

    def score(self, values: Series, *, start: int, step_seconds: int) -> Series:
        """Score every value; 0.7 at three robust standard deviations of the errors on the past."""
        day = 86_400 // step_seconds
        season = day if 1 < day <= LONGEST_SEASON else 1
        plan = schedule(step_seconds, most=MOST_VALUES)
        return score_errors(values, plan, lambda past, stretch: self._predict(past, stretch, season))

    def _predict(self, past: Series, stretch: Series, season: int) -> Series:
        from statsforecast.models import AutoETS  # noqa: PLC0415 - a second to import, for those alone who ask for it

        if np.ptp(past) == 0:  # nothing to fit: what stays the same is predicted to
            return np.full(len(stretch), past[-1])
        name = self.model or ("AAA" if season > 1 else "AAN")
        model = AutoETS(season_length=season, model=name, damped=True).fit(past)
        fitted: Series = model.forward(y=stretch, h=1, fitted=True)["fitted"]
        return fitted
