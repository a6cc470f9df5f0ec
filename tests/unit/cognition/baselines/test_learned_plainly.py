"""The fast learner against plain array functions: any gaps, any number of days, any beginning."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sre_copilot.cognition.baselines.profile import DAY_SECONDS
from sre_copilot.cognition.baselines.seasonal import learn

MONDAY = 1_699_833_600


def plain(values: np.ndarray, slots: int) -> tuple[np.ndarray, np.ndarray]:
    """Median and MAD of each slot over the days, the plain way."""
    days = values.reshape(len(values), -1, slots)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        centre = np.nanmedian(days, axis=1)
        return centre, np.nanmedian(np.abs(days - centre[:, None]), axis=1)


@settings(max_examples=25, deadline=None)
@given(
    days=st.integers(3, 15),
    series=st.integers(1, 19),
    gaps=st.sampled_from([0.0, 0.001, 0.3]),
    seed=st.integers(0, 1_000),
)
def test_centres_are_plain_medians_whatever_is_missing(
    days: int, series: int, gaps: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(5, 1, (series, days * 96)).astype(np.float32)
    values[rng.random(values.shape) < gaps] = np.nan
    profile = learn(values, start=MONDAY, step_seconds=900)
    told = profile.centre.T
    centre, _spread = plain(values, 96)
    np.testing.assert_array_equal(np.isnan(told), np.isnan(centre))
    # Days that differ by chance are shifted by a shrunken effect before the median; it is far below the noise.
    assert np.nanmean(np.abs(told - centre)) < 0.25
    np.testing.assert_allclose(profile.days, np.isfinite(values).sum(axis=1) / 96, rtol=1e-5)


@pytest.mark.parametrize("minute", [0, 1, 37, 1_439])
@pytest.mark.parametrize("gaps", [0.0, 0.01])
def test_a_week_of_minutes_is_learned_as_plainly(minute: int, gaps: float) -> None:
    rng = np.random.default_rng(3)
    start = MONDAY + 60 * minute
    values = rng.normal(5, 1, (21, 7 * 1_440)).astype(np.float32)
    values[rng.random(values.shape) < gaps] = np.nan
    profile = learn(values, start=start, step_seconds=60)
    raw, spread = plain(values, 1_440)
    weights = zip((1, 2, 3, 2, 1), range(-2, 3), strict=True)
    smooth = sum(weight / 9 * np.roll(raw, shift, axis=1) for weight, shift in weights)
    np.testing.assert_allclose(np.roll(smooth, minute, axis=1), profile.centre.T, atol=0.12)
    whole = 1.4826 * 1.140 * spread.mean(axis=1)
    np.testing.assert_allclose(profile.scale.mean(axis=0), whole, rtol=0.06)


def test_a_series_whose_weekend_differs_is_learned_without_it() -> None:
    rng = np.random.default_rng(4)
    times = MONDAY + 60 * np.arange(7 * 1_440)
    noise = rng.normal(0, 1, (20, times.size))
    off = -6.0 * ((times // DAY_SECONDS + 3) % 7 >= 5)
    one = learn((10 + noise).astype(np.float32), start=MONDAY, step_seconds=60)
    two = learn((10 + noise + off).astype(np.float32), start=MONDAY, step_seconds=60)
    assert np.abs(two.centre - one.centre).mean() < 0.05
    np.testing.assert_allclose(two.scale.mean(), one.scale.mean(), rtol=0.03)
    np.testing.assert_allclose(two.return_rate, one.return_rate, atol=0.05)


def test_no_series_have_an_empty_profile() -> None:
    profile = learn(np.empty((0, 7 * 1_440), np.float32), start=MONDAY, step_seconds=60)
    assert profile.centre.shape == (1_440, 0)
