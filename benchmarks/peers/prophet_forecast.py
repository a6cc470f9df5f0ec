"""Prophet on a week of minutes: fit, and forecast six hours with its interval. Called with the number of series."""

from __future__ import annotations

import json
import logging
import sys
import time

import numpy as np
import pandas as pd
from prophet import Prophet

MINUTES = 7 * 1_440
STEPS = 360


def series(seed: int) -> pd.DataFrame:
    """A daily wave with noise."""
    wave = 10 + 3 * np.sin(2 * np.pi * np.arange(MINUTES) / 1_440)
    values = wave + np.random.default_rng(seed).normal(size=MINUTES)
    return pd.DataFrame({"ds": pd.date_range("2026-01-05", periods=MINUTES, freq="min"), "y": values})


def main(count: int) -> None:
    """Print series a second for the fit alone, and for fit and forecast."""
    for name in ("prophet", "cmdstanpy"):
        logging.getLogger(name).setLevel(logging.ERROR)
    fitting, forecasting = 0.0, 0.0
    for seed in range(count):
        table = series(seed)
        begun = time.perf_counter()
        model = Prophet(interval_width=0.95, weekly_seasonality=True, daily_seasonality=True).fit(table)
        fitted = time.perf_counter()
        model.predict(model.make_future_dataframe(STEPS, freq="min", include_history=False))
        fitting += fitted - begun
        forecasting += time.perf_counter() - fitted
    print(json.dumps({"fit_series_per_s": count / fitting, "series_per_s": count / (fitting + forecasting)}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
