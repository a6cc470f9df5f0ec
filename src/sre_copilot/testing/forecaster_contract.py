"""What every forecaster must keep to; a test of a forecaster derives from `ForecasterContract` and names it."""

# ruff: noqa: S101 (a suite of tests, shipped)

from __future__ import annotations

import numpy as np
import pytest

from sre_copilot.cognition.baselines.profile import Floats
from sre_copilot.cognition.forecast.forecaster import Forecaster

STEP = 1_800
DAY = 86_400 // STEP
START = 1_700_006_400  # a midnight
HORIZON = 12


def seasonal_values(series: int = 4, *, days: int = 7, noise: float = 0.3, seed: int = 0) -> Floats:
    """Return a daily wave with noise, half an hour a step, shape (series, days * 48)."""
    time = np.arange(days * DAY) / DAY
    rows = (
        10 + 3 * np.sin(2 * np.pi * time) + np.random.default_rng(seed).normal(0, noise, (series, time.size))
    )
    return rows.astype(np.float32)


class ForecasterContract:
    """Derive a test class from it and return the forecaster under test."""

    def forecaster(self) -> Forecaster:
        """Return the forecaster."""
        raise NotImplementedError

    def test_it_returns_each_step_and_quantile_asked_for(self) -> None:
        """Shape, start and step are those of the request."""
        values = seasonal_values(2)
        made = self.forecaster()(
            values, start=START, step_seconds=STEP, horizon_steps=HORIZON, quantiles=(0.1, 0.5, 0.9)
        )
        assert made.values.shape == (2, HORIZON, 3)
        assert made.quantiles == (0.1, 0.5, 0.9)
        assert (made.start, made.step_seconds) == (START + values.shape[1] * STEP, STEP)
        assert np.isfinite(made.values).all()

    def test_its_quantiles_do_not_cross(self) -> None:
        """A higher quantile is never below a lower one."""
        made = self.forecaster()(seasonal_values(), start=START, step_seconds=STEP, horizon_steps=HORIZON)
        assert (np.diff(made.values, axis=2) >= 0).all()

    def test_its_interval_holds_most_of_what_comes(self) -> None:
        """At least 80 of 100 values lie inside the 95 % interval, which is no wider than the wave is high."""
        rows = seasonal_values(6, days=8, seed=3)
        past, coming = rows[:, : 7 * DAY], rows[:, 7 * DAY : 7 * DAY + HORIZON]
        made = self.forecaster()(past, start=START, step_seconds=STEP, horizon_steps=HORIZON).values
        inside = (coming >= made[:, :, 0]) & (coming <= made[:, :, 2])
        assert inside.mean() >= 0.8
        assert (made[:, :, 2] - made[:, :, 0]).mean() < 6

    def test_gaps_are_allowed(self) -> None:
        """Missing values cost accuracy, not the answer."""
        values = seasonal_values(1)
        values[0, 40:60] = np.nan
        values[0, ::11] = np.nan
        made = self.forecaster()(values, start=START, step_seconds=STEP, horizon_steps=HORIZON)
        truth = 10 + 3 * np.sin(2 * np.pi * np.arange(HORIZON) / DAY)
        assert np.abs(made.middle[0] - truth).mean() < 1.0

    def test_a_series_without_a_value_is_not_forecast(self) -> None:
        """Nothing is invented for it, and its neighbours do not suffer."""
        values = seasonal_values(2)
        values[0] = np.nan
        made = self.forecaster()(values, start=START, step_seconds=STEP, horizon_steps=HORIZON)
        assert np.isnan(made.values[0]).all()
        assert np.isfinite(made.values[1]).all()

    def test_a_constant_series_stays_constant(self) -> None:
        """The middle of the forecast is the constant."""
        values = np.full((1, 7 * DAY), 5.0, np.float32)
        made = self.forecaster()(values, start=START, step_seconds=STEP, horizon_steps=HORIZON)
        np.testing.assert_allclose(made.middle, 5.0, rtol=1e-5)

    def test_a_short_past_is_forecast_from_its_level(self) -> None:
        """Some hours are enough for an answer."""
        values = seasonal_values(1)[:, :20]
        made = self.forecaster()(values, start=START, step_seconds=STEP, horizon_steps=HORIZON)
        assert np.isfinite(made.values).all()

    def test_series_are_forecast_each_on_its_own(self) -> None:
        """Neither company nor order changes an answer."""
        values = seasonal_values(3)
        together = self.forecaster()(values, start=START, step_seconds=STEP, horizon_steps=HORIZON).values
        turned = self.forecaster()(
            np.ascontiguousarray(values[::-1]), start=START, step_seconds=STEP, horizon_steps=HORIZON
        ).values
        np.testing.assert_allclose(together, turned[::-1], rtol=1e-5)

    def test_a_request_that_makes_no_sense_names_its_field(self) -> None:
        """A horizon of nothing is refused."""
        with pytest.raises(ValueError, match="horizon_steps"):
            self.forecaster()(seasonal_values(1), start=START, step_seconds=STEP, horizon_steps=0)
