"""Time to breach: what is warned of, when, and what is not."""

from __future__ import annotations

import numpy as np
import pytest

from sre_copilot.cognition.baselines.seasonal import learn
from sre_copilot.cognition.forecast.breach import hit_rate, time_to_breach
from sre_copilot.cognition.forecast.breach_calibration import fit
from sre_copilot.cognition.forecast.breach_features import NAMES, crossing_share, features, read_past, slope
from sre_copilot.cognition.forecast.breach_message import breach_message, hit_rate_message
from sre_copilot.cognition.forecast.thresholds import count_alerts, learned_capacity, recommend_threshold
from sre_copilot.domain.anomaly import Breach
from sre_copilot.domain.series import SeriesKey
from sre_copilot.incidents.report.words import say

KEY = SeriesKey("shop", "memory_share", "shop-1")
END = 1_700_006_400


def leak(
    *, hours: float = 12, a_hour: float = 0.03, level: float = 0.4, noise: float = 0.003, seed: int = 0
) -> np.ndarray:
    time = np.arange(int(hours * 60)) / 60
    return (level + a_hour * time + np.random.default_rng(seed).normal(0, noise, time.size)).astype(
        np.float32
    )


def ask(values: np.ndarray, limit: float, **more: object) -> Breach | None:
    return time_to_breach(
        values, None, limit, key=KEY, end=END, step_seconds=60, least_probability=0.0, **more
    )  # type: ignore[arg-type]


def probability(values: np.ndarray, limit: float, **more: object) -> float:
    found = ask(values, limit, **more)
    assert found is not None
    return found.probability


def test_a_leak_near_its_limit_is_more_probable_to_cross_than_a_quiet_series() -> None:
    assert probability(leak(), 0.8) > 3 * probability(leak(a_hour=0.0), 0.8)


def test_the_nearer_limit_is_crossed_with_the_greater_probability() -> None:
    told = [probability(leak(), limit) for limit in (0.78, 0.85, 0.95, 1.5)]
    assert told == sorted(told, reverse=True)


def test_the_time_of_a_steady_leak_is_the_distance_over_its_slope() -> None:
    found = ask(leak(noise=0.001), 0.79)
    assert found is not None
    assert found.at - END == pytest.approx(3600, rel=0.3)
    assert END < found.earliest <= found.at
    assert found.latest is None or found.latest >= found.at


def test_a_leak_is_measured_from_its_last_restart() -> None:
    values = np.concatenate([leak(hours=10, level=0.4), leak(hours=4, level=0.3, a_hour=0.1, seed=1)])
    past = read_past(values, step_seconds=60, sign=1.0)
    assert past is not None
    assert len(past.restarts) == 1
    assert slope(past.segment) * 12 == pytest.approx(0.1, rel=0.1)


def test_a_series_beyond_its_limit_is_no_forecast() -> None:
    assert ask(leak(), 0.5) is None


def test_too_little_or_too_old_a_past_is_no_forecast() -> None:
    assert ask(leak(hours=1), 0.8) is None
    stale = leak()
    stale[-30:] = np.nan
    assert ask(stale, 0.8) is None


def test_an_improbable_breach_is_not_told() -> None:
    quiet = leak(a_hour=0.0)
    assert time_to_breach(quiet, None, 5.0, key=KEY, end=END, step_seconds=60) is None


def test_below_is_above_turned_over() -> None:
    above = ask(leak(), 0.8)
    below = ask(-leak(), -0.8, direction="below")
    assert above is not None
    assert below is not None
    assert below.probability == pytest.approx(above.probability)
    assert below.at == above.at
    assert below.direction == "below"


def test_the_unit_of_the_series_does_not_matter() -> None:
    assert probability(leak() * 4096, 0.8 * 4096) == pytest.approx(probability(leak(), 0.8), rel=1e-3)


def test_a_rise_that_the_time_of_day_brings_makes_a_crossing_more_probable() -> None:
    times = END - 7 * 86_400 + 60 * np.arange(7 * 1440)
    wave = 10 + 5 * np.sin(2 * np.pi * times / 86_400) + np.random.default_rng(0).normal(0, 0.3, times.size)
    values = wave.astype(np.float32)
    profile = learn(values[None], start=END - 7 * 86_400, step_seconds=60)
    recent = values[-180:]
    known = time_to_breach(recent, profile, 14.0, key=KEY, end=END, step_seconds=60, least_probability=0.0)
    unknown = ask(recent, 14.0)
    assert known is not None
    assert unknown is not None
    assert known.probability > unknown.probability


def test_nothing_recorded_after_the_gap_of_a_missing_series_is_invented() -> None:
    assert ask(np.full(600, np.nan, np.float32), 1.0) is None


def test_a_walk_crosses_sooner_or_later_as_its_drift_says() -> None:
    time = np.array([1.0, 10.0, 100.0])
    assert (np.diff(crossing_share(5.0, drift=0.1, spread=1.0, time=time)) > 0).all()
    assert crossing_share(5.0, drift=1.0, spread=0.01, time=np.array([4.0, 6.0])) == pytest.approx(
        [0, 1], abs=1e-6
    )
    reflected = crossing_share(2.0, drift=0.0, spread=1.0, time=np.array([4.0]))[0]
    assert reflected == pytest.approx(2 * 0.158655, abs=1e-4)


def test_every_feature_is_finite_for_any_past() -> None:
    rng = np.random.default_rng(0)
    for values in (np.zeros(300), rng.normal(0, 1e6, 300), np.repeat([0.0, 1e-9], 150), rng.random(300)):
        past = read_past(values.astype(np.float32), step_seconds=60, sign=1.0)
        assert past is not None
        told = features(past, limit=float(past.blocks[-1]) + 0.5, season_rise=0.0, horizon_seconds=21_600)
        assert told.shape == (len(NAMES),)
        assert np.isfinite(told).all()


def test_a_calibration_learns_which_inputs_tell() -> None:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(2000, len(NAMES)))
    crossed = rng.random(2000) < 1 / (1 + np.exp(-(2 * inputs[:, 3] - 1)))
    made = fit(inputs, crossed)
    assert made.slopes[3] > 1.5
    assert max(abs(each) for place, each in enumerate(made.slopes) if place != 3) < 0.3
    told = made.probability(inputs)
    assert told.mean() == pytest.approx(crossed.mean(), abs=0.02)


def test_a_calibration_of_one_kind_of_case_is_refused() -> None:
    with pytest.raises(ValueError, match="crossings"):
        fit(np.zeros((5, len(NAMES))), np.zeros(5, bool))


def test_the_back_test_counts_warnings_that_came_true() -> None:
    sawtooth = np.concatenate([leak(hours=8, a_hour=0.07, seed=k) for k in range(6)])
    rate, made = hit_rate(sawtooth, 0.9, step_seconds=60)
    assert made > 0
    assert rate is not None
    assert rate > 0.5
    assert hit_rate(leak(a_hour=0.0), 5.0, step_seconds=60) == (None, 0)


def test_a_breach_is_said_in_both_languages() -> None:
    found = ask(leak(noise=0.001), 0.79)
    assert found is not None
    for language in ("en", "zh"):
        said = say(breach_message(found), language)
        assert "0.79" in said
        assert "shop-1" in said
        assert "forecast." not in said
        assert "forecast." not in say(hit_rate_message(found), language)


def test_a_learned_capacity_is_above_all_that_was_seen() -> None:
    blocks = np.array([0.2, 0.5, 0.4])
    assert learned_capacity(blocks) > 0.5
    assert learned_capacity(blocks, ceiling=1.0) == pytest.approx(0.55)


def test_a_recommended_threshold_makes_no_more_alerts_than_allowed() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(0, 1, 7 * 1440).astype(np.float32)
    for begin in (1000, 4000, 7000):
        values[begin : begin + 30] += 20
    strict = recommend_threshold(values, step_seconds=60, alerts_a_day=0.1)
    loose = recommend_threshold(values, step_seconds=60, alerts_a_day=1.0)
    assert strict is not None
    assert loose is not None
    assert loose.value < strict.value
    assert count_alerts(values, strict.value, width=5) <= 0.7
    assert loose.alerts_a_day <= 1.0
    assert count_alerts(values, 10.0, width=5) == 3


def test_a_threshold_below_is_that_above_turned_over() -> None:
    values = np.random.default_rng(0).normal(0, 1, 3 * 1440).astype(np.float32)
    above, below = (
        recommend_threshold(sign * values, step_seconds=60, direction=direction)
        for sign, direction in ((1, "above"), (-1, "below"))
    )
    assert above is not None
    assert below is not None
    assert below.value == pytest.approx(-above.value)


def test_less_than_a_day_recommends_nothing() -> None:
    assert recommend_threshold(np.ones(100, np.float32), step_seconds=60) is None
