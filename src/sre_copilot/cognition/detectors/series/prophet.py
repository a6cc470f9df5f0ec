"""Prophet: how far a value is from the trend and seasons that Prophet fits to the past (extra `prophet`)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np

from sre_copilot.cognition.detectors.series.blocks import schedule
from sre_copilot.cognition.detectors.series.detector import Series
from sre_copilot.cognition.detectors.series.one_step import score_errors
from sre_copilot.errors import MethodError

MOST_VALUES = 4_000  # two weeks of five minutes; a fit takes seconds and grows with them


@dataclass(frozen=True, slots=True)
class Prophet:
    """Errors of a forecast made once a day from the past.

    Parameters
    ----------
    seed : of the optimiser's start

    References
    ----------
    Taylor and Letham, Forecasting at Scale, The American Statistician 72(1), 2018, eq. 1.
    """

    seed: int = 0

    def score(self, values: Series, *, start: int, step_seconds: int) -> Series:
        """Score every value; 0.7 at three robust standard deviations of the errors on the past."""
        plan = schedule(step_seconds, memory_days=14, most=MOST_VALUES)
        times = start + step_seconds * np.arange(len(values), dtype=np.float64)
        return score_errors(values, plan, lambda past, stretch: self._predict(past, len(stretch), times))

    def _predict(self, past: Series, length: int, times: Series) -> Series:
        import pandas as pd  # noqa: PLC0415 - with the extra

        # Where the past begins on the clock shifts the seasons' phase alone, which a fit on the past absorbs: any day will do.
        clock = pd.to_datetime(times[:length], unit="s")
        model = _model(self.seed)
        model.fit(pd.DataFrame({"ds": clock[: len(past)], "y": past}), seed=self.seed)
        predicted: Series = model.predict(pd.DataFrame({"ds": clock}))["yhat"].to_numpy()
        return predicted


def _model(seed: int) -> Any:
    try:
        from prophet import Prophet as Model  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MethodError("prophet is not installed: pip install 'sre-copilot[prophet]'") from error
    logging.getLogger("cmdstanpy").setLevel(logging.WARNING)
    np.random.seed(seed)  # what the library draws from
    return Model(uncertainty_samples=0, daily_seasonality=True)
