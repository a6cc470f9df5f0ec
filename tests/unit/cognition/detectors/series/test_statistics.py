from __future__ import annotations

import numpy as np
import pytest

from sre_copilot.cognition.detectors.series.blocks import Schedule, filled, recent
from sre_copilot.cognition.detectors.series.cusum import CumulativeSum
from sre_copilot.cognition.detectors.series.ewma import ExponentialMean
from sre_copilot.cognition.detectors.series.scale import scored
from sre_copilot.cognition.detectors.series.three_sigma import ThreeSigma
from sre_copilot.cognition.detectors.series.trailing import FEWEST, trailing_moments, trailing_quantiles


def with_holes(length: int = 300) -> np.ndarray:
    random = np.random.default_rng(0)
    values = 1e6 + random.normal(size=length)
    values[random.integers(0, length, 30)] = np.nan
    return values


@pytest.mark.parametrize("window", [25, 80])
def test_trailing_statistics_are_those_of_the_values_before(window: int) -> None:
    values = with_holes()
    mean, deviation = trailing_moments(values, window)
    lower, median, upper, mad = trailing_quantiles(values, window)
    for now in range(len(values)):
        past = values[max(0, now - window) : now]
        past = past[~np.isnan(past)]
        if len(past) < FEWEST:
            assert np.isnan([mean[now], deviation[now], median[now], mad[now]]).all()
            continue
        assert mean[now] == pytest.approx(past.mean())
        assert deviation[now] == pytest.approx(past.std(ddof=1), rel=1e-6)
        assert (lower[now], median[now], upper[now]) == pytest.approx(
            tuple(np.quantile(past, [0.25, 0.5, 0.75]))
        )
        ordered = np.sort(np.abs(past - median[now]))
        assert mad[now] == pytest.approx(ordered[(len(ordered) - 1) // 2])


def test_a_score_is_0_7_at_the_limit_and_keeps_the_order() -> None:
    distances = np.array([0, 1, 3, 30, np.inf, np.nan])
    scores = scored(distances, limit=3.0)
    assert scores[2] == pytest.approx(0.7)
    assert scores[0] == 0
    assert scores[4] == 1
    assert np.isnan(scores[5])
    assert (np.diff(scores[:5]) > 0).all()


def test_shift_and_scale_of_a_series_change_nothing() -> None:
    values = np.random.default_rng(2).normal(size=500)
    one, other = (
        ThreeSigma(window=100).score(each, start=0, step_seconds=60) for each in (values, 3 * values - 1)
    )
    np.testing.assert_allclose(one, other, rtol=0.02)


@pytest.mark.parametrize("detector", [CumulativeSum(), ExponentialMean()], ids=["cusum", "ewma"])
def test_a_small_lasting_shift_is_told_where_three_sigma_sees_nothing(detector: object) -> None:
    day = 288
    random = np.random.default_rng(3)
    values = 50 + 10 * np.sin(2 * np.pi * np.arange(6 * day) / day) + random.normal(size=6 * day)
    values[5 * day :] += 2.5
    scores = detector.score(values, start=0, step_seconds=300)  # type: ignore[attr-defined]
    assert (scores[5 * day + 10 : 5 * day + 30] >= 0.7).mean() > 0.8
    assert (scores[3 * day : 5 * day] >= 0.7).mean() < 0.12
    assert not (ThreeSigma().score(values, start=0, step_seconds=300)[5 * day :] >= 0.7).any()


def test_a_schedule_refits_early_while_the_past_is_short_and_forgets_what_is_old() -> None:
    blocks = list(Schedule(first=10, every=50, memory=100).blocks(205))
    assert blocks == [(0, 10, 20), (0, 20, 40), (0, 40, 80), (0, 80, 130), (30, 130, 180), (80, 180, 205)]
    assert list(Schedule(first=10, every=50, memory=100).blocks(30)) == [(0, 10, 20), (0, 20, 30)]


def test_windows_end_at_their_time_and_holes_repeat_the_last_value() -> None:
    np.testing.assert_array_equal(recent(np.array([1, 2, 3.0]), 2), [[np.nan, 1], [1, 2], [2, 3]])
    np.testing.assert_array_equal(filled(np.array([np.nan, 1, np.nan, 2])), [0, 1, 1, 2])
