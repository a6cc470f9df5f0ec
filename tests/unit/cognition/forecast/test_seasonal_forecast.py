"""The default forecast: where it goes, how wide it is, and what it does after a jump."""

from __future__ import annotations

import numpy as np
import pytest

from sre_copilot.cognition.baselines.profile import DAY_SECONDS
from sre_copilot.cognition.baselines.seasonal import expected, learn
from sre_copilot.cognition.forecast.deviation import Deviation, deviation_now, window_medians
from sre_copilot.cognition.forecast.errors import AHEAD_SECONDS, learn_errors
from sre_copilot.cognition.forecast.seasonal import forecast, forecast_values
from sre_copilot.testing.forecaster_contract import START, STEP, seasonal_values

DAY = DAY_SECONDS // STEP


def truth(steps: int) -> np.ndarray:
    return 10 + 3 * np.sin(2 * np.pi * np.arange(steps) / DAY)


def made(values: np.ndarray, **more: object) -> np.ndarray:
    steps = 24
    return forecast_values(values, start=START, step_seconds=STEP, horizon_steps=steps, **more).values  # type: ignore[arg-type]


def test_the_middle_follows_the_time_of_day() -> None:
    assert np.abs(made(seasonal_values())[:, :, 1] - truth(24)).mean() < 0.3


def test_95_of_100_values_lie_inside_the_interval() -> None:
    rows = seasonal_values(60, days=8, seed=5)
    told = made(rows[:, : 7 * DAY])
    coming = rows[:, 7 * DAY : 7 * DAY + 24]
    inside = (coming >= told[:, :, 0]) & (coming <= told[:, :, 2])
    assert 0.93 <= inside.mean() <= 0.99


def test_a_new_level_stays() -> None:
    values = seasonal_values()
    values[:, -4:] += 20
    assert made(values)[:, :, 1].mean() - truth(24).mean() > 15


def test_a_single_spike_does_not() -> None:
    values = seasonal_values()
    values[:, -30] += 50
    assert np.abs(made(values)[:, :, 1] - truth(24)).mean() < 0.4


def test_intervals_grow_where_deviations_wander() -> None:
    rng = np.random.default_rng(0)
    wander = np.cumsum(rng.normal(0, 0.2, (20, 7 * DAY)), axis=1)
    told = made((seasonal_values(20) + wander).astype(np.float32))
    width = told[:, :, 2] - told[:, :, 0]
    assert width[:, -1].mean() > 1.5 * width[:, 0].mean()


def test_more_quantiles_are_read_off_between_the_known() -> None:
    values = seasonal_values()
    told = made(values, quantiles=(0.025, 0.2, 0.5, 0.8, 0.975))
    assert (np.diff(told, axis=2) >= 0).all()
    np.testing.assert_allclose(told[:, :, [0, 2, 4]], made(values), rtol=1e-5)


def test_a_quantile_beyond_what_a_week_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="quantiles"):
        made(seasonal_values(), quantiles=(0.0001, 0.5))


def test_the_kernel_writes_what_the_formula_says() -> None:
    rng = np.random.default_rng(2)
    values = (rng.normal(0, 1, (37, 7 * 1440)) + 10).astype(np.float32)
    profile = learn(values, start=START, step_seconds=60)
    errors = learn_errors(profile, values, start=START)
    parts = [rng.normal(0, 1, 37).astype(np.float32) for _ in range(3)]
    told = forecast(profile, Deviation(*parts), errors, start=START, horizon_steps=70).values
    for step in (0, 3, 15, 16, 69):
        ahead = 60 * (step + 1)
        middle = (
            expected(profile, START + 60 * step)[0]
            + parts[0]
            + parts[1] * errors.hold * np.exp(-ahead / 21_600)
        )
        middle = middle + parts[2] * profile.return_rate ** (step + 1)
        np.testing.assert_allclose(told[:, step, 1], middle, rtol=1e-4, atol=1e-4)
        low = np.array([np.interp(ahead, AHEAD_SECONDS, errors.quantiles[:, 1, one]) for one in range(37)])
        np.testing.assert_allclose(told[:, step, 0], middle + low, rtol=1e-4, atol=1e-4)


def test_memory_given_is_written_to() -> None:
    values = seasonal_values(3)
    profile = learn(values, start=START, step_seconds=STEP)
    errors = learn_errors(profile, values, start=START)
    now = deviation_now(profile, values, start=START, usual_hour=errors.usual_hour)
    memory = np.empty((3, 3, 12), np.float32)
    told = forecast(profile, now, errors, start=START + 7 * DAY_SECONDS, horizon_steps=12, into=memory)
    assert np.shares_memory(told.values, memory)


@pytest.mark.parametrize("begin", [0, 3, 12])
@pytest.mark.parametrize(("series", "steps"), [(1, 1), (1, 5), (3, 16), (17, 12), (33, 37)])
def test_memory_that_begins_within_a_line_is_written_and_nothing_around_it(
    series: int, steps: int, begin: int
) -> None:
    values = seasonal_values(series)
    profile = learn(values, start=START, step_seconds=STEP)
    errors = learn_errors(profile, values, start=START)
    now = deviation_now(profile, values, start=START, usual_hour=errors.usual_hour)
    end, size = START + 7 * DAY_SECONDS, 3 * series * steps
    memory = np.full(size + 48, -7, np.float32)
    into = memory[begin : begin + size].reshape(series, 3, steps)
    forecast(profile, now, errors, start=end, horizon_steps=steps, into=into)
    longer = forecast(profile, now, errors, start=end, horizon_steps=64).values
    np.testing.assert_allclose(into.transpose(0, 2, 1), longer[:, :steps], rtol=1e-5)
    assert (memory[:begin] == -7).all()
    assert (memory[begin + size :] == -7).all()


def test_the_deviation_now_splits_into_what_stays_and_what_returns() -> None:
    values = seasonal_values(1, noise=0.05)
    profile = learn(values, start=START, step_seconds=STEP)
    recent = values[:, -DAY:].copy()
    recent[:, -2:] += 5
    now = deviation_now(profile, recent, start=START + 6 * DAY_SECONDS, usual_hour=np.array([1], np.float32))
    assert now.stays[0] + now.hour[0] == pytest.approx(5, abs=0.2)
    assert now.stays[0] == pytest.approx(2, abs=0.2)


def test_window_medians_leave_gaps_out() -> None:
    values = np.array([[1, np.nan, 3, 100, 4, 5, np.nan, np.nan]], np.float32)
    np.testing.assert_array_equal(window_medians(values, 3), [[1, 4, 5]])
    np.testing.assert_array_equal(window_medians(values[:, 6:], 2), [[np.nan]])


def test_nothing_that_comes_later_changes_a_forecast() -> None:
    rows = seasonal_values(2, days=8)
    one = made(rows[:, : 7 * DAY])
    rows[:, 7 * DAY :] = 1e6
    np.testing.assert_array_equal(one, made(rows[:, : 7 * DAY]))
