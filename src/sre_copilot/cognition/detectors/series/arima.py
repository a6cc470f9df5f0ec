"""ARIMA: how far a value is from what an ARIMA model of the past predicts one step ahead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sre_copilot.cognition.detectors.series.blocks import schedule
from sre_copilot.cognition.detectors.series.detector import Series
from sre_copilot.cognition.detectors.series.one_step import score_errors

MOST_VALUES = 1_000  # a fit looks at each some hundred times; coefficients of so few need no more


@dataclass(frozen=True, slots=True)
class Arima:
    """One-step errors of an ARIMA model, fitted once a day and carried forward value by value.

    Parameters
    ----------
    order : (p, d, q); (1, 1, 1) follows a level that wanders, remembers and corrects, which load does between its daily rises

    References
    ----------
    Box and Jenkins, Time Series Analysis, 1970, ch. 4. Hyndman and Khandakar, Journal of Statistical Software 27(3), 2008.
    """

    order: tuple[int, int, int] = (1, 1, 1)

    def score(self, values: Series, *, start: int, step_seconds: int) -> Series:
        """Score every value; 0.7 at three robust standard deviations of the errors on the past."""
        return score_errors(values, schedule(step_seconds, most=MOST_VALUES), self._predict)

    def _predict(self, past: Series, stretch: Series) -> Series:
        from statsforecast.models import ARIMA  # noqa: PLC0415 - a second to import, for those alone who ask for it

        if np.ptp(past) == 0:  # nothing to fit: what stays the same is predicted to
            return np.full(len(stretch), past[-1])
        model = ARIMA(order=self.order).fit(past)
        fitted: Series = model.forward(y=stretch, h=1, fitted=True)["fitted"]
        return fitted
