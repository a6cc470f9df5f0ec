"""Seasonal profiles: what they learn, what does not move them, and what they say of a time."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

from sre_copilot.cognition.baselines.history import History
from sre_copilot.cognition.baselines.profile import DAY_SECONDS, Profile
from sre_copilot.cognition.baselines.seasonal import expected, learn
from sre_copilot.cognition.baselines.warm_up import warm_up_gap, warming_up
from sre_copilot.domain.series import SeriesKey
from sre_copilot.incidents.report.words import say

MONDAY = 1_699_833_600  # 2023-11-13T00:00Z


def wave(times: np.ndarray) -> np.ndarray:
    return 10 + 5 * np.sin(2 * np.pi * times / DAY_SECONDS)


def past(
    *,
    series: int = 3,
    days: int = 7,
    step: int = 60,
    start: int = MONDAY,
    weekend: float = 0.0,
    rate: float = 0.0,
    seed: int = 0,
) -> np.ndarray:
    times = start + step * np.arange(days * DAY_SECONDS // step)
    noise = np.random.default_rng(seed).normal(0, np.sqrt(1 - rate**2), (series, times.size))
    for column in range(1, times.size if rate else 0):
        noise[:, column] += rate * noise[:, column - 1]
    off = weekend * (((times // DAY_SECONDS) + 3) % 7 >= 5)
    return (wave(times) + off + noise).astype(np.float32)


def numpy_centre(values: np.ndarray) -> np.ndarray:
    """Median of each minute over the days, the plain way."""
    return np.nanmedian(values.reshape(len(values), 7, 1440), axis=1)


def test_the_centre_is_the_median_of_the_minute_over_the_days() -> None:
    values = past()
    profile = learn(values, start=MONDAY, step_seconds=60)
    raw = numpy_centre(values)
    weights = np.array([1, 2, 3, 2, 1]) / 9
    smooth = sum(
        weight * np.roll(raw, shift, axis=1) for weight, shift in zip(weights, range(-2, 3), strict=True)
    )
    np.testing.assert_allclose(
        profile.centre.T, smooth, atol=2e-3
    )  # a shrunken effect of chance days remains


def test_the_scale_is_the_standard_deviation_of_the_noise() -> None:
    profile = learn(past(series=20), start=MONDAY, step_seconds=60)
    assert profile.scale.mean() == pytest.approx(1.0, abs=0.05)
    assert profile.noise.mean() == pytest.approx(0.9, abs=0.1)


@pytest.mark.parametrize(("days", "step"), [(3, 60), (7, 300), (10, 3600), (30, 900), (8, 60)])
def test_any_number_of_days_and_any_step_can_be_learned(days: int, step: int) -> None:
    profile = learn(past(days=days, step=step), start=MONDAY, step_seconds=step)
    times = MONDAY + step * np.arange(DAY_SECONDS // step)
    told = np.array([expected(profile, at)[0] for at in times])
    assert np.abs(told - wave(times)[:, None]).mean() < 0.75
    np.testing.assert_allclose(profile.days, days)


def test_a_past_that_begins_at_any_minute_is_the_same_profile() -> None:
    start = MONDAY + 37 * 60
    profile = learn(past(start=start), start=start, step_seconds=60)
    times = MONDAY + 60 * np.arange(1440)
    told = np.array([expected(profile, at)[0] for at in times])
    assert np.abs(told - wave(times)[:, None]).mean() < 0.4


def test_an_incident_in_the_past_does_not_move_the_profile() -> None:
    clean = past()
    ill = clean.copy()
    ill[:, 3 * 1440 + 500 : 3 * 1440 + 620] += 1000
    before, after = (learn(each, start=MONDAY, step_seconds=60) for each in (clean, ill))
    assert np.abs(after.centre - before.centre).max() < 1.5
    assert after.scale.max() < 2
    assert after.return_rate.max() < 0.5
    np.testing.assert_allclose(after.weekday, before.weekday, atol=0.1)


def test_gaps_are_left_out_and_counted() -> None:
    values = past()
    values[0, np.random.default_rng(1).random(values.shape[1]) < 0.2] = np.nan
    values[1, 1440:2880] = np.nan
    values[2, :] = np.nan
    profile = learn(values, start=MONDAY, step_seconds=60)
    assert profile.days[0] == pytest.approx(5.6, abs=0.1)
    assert profile.days[1] == 6
    assert np.isnan(profile.centre[:, 2]).all()
    assert profile.scale[:, :2].mean() == pytest.approx(1.0, abs=0.1)


def test_a_slot_never_seen_is_unknown_and_not_normal() -> None:
    values = past().reshape(3, 7, 1440)
    values[0, :, 100:160] = np.nan
    profile = learn(values.reshape(3, -1), start=MONDAY, step_seconds=60)
    assert np.isnan(profile.centre[100:160, 0]).all()
    assert np.isfinite(profile.centre[:, 1]).all()


def test_weekends_are_told_from_working_days() -> None:
    profile = learn(past(weekend=-4), start=MONDAY, step_seconds=60)
    np.testing.assert_allclose(profile.weekday[:5], 0, atol=0.2)
    np.testing.assert_allclose(profile.weekday[5:], -4, atol=0.3)
    saturday = MONDAY + 12 * DAY_SECONDS
    assert expected(profile, saturday)[0][0] == pytest.approx(6, abs=1)


def test_days_that_differ_by_chance_make_no_weekend() -> None:
    values = past(rate=0.0)
    profile = learn(values, start=MONDAY, step_seconds=60)
    assert np.abs(profile.weekday).max() < 0.15


def test_a_holiday_is_no_day_of_the_week() -> None:
    values = past(days=14)
    values[:, 2 * 1440 : 3 * 1440] -= 6
    date = datetime.date(2023, 11, 15)
    coming = datetime.date(2023, 12, 25)
    profile = learn(values, start=MONDAY, step_seconds=60, holidays=[date, coming])
    np.testing.assert_allclose(profile.holiday, -6, atol=0.3)
    np.testing.assert_allclose(profile.weekday[2], 0, atol=0.3)
    christmas = int(datetime.datetime(2023, 12, 25, 12, tzinfo=datetime.UTC).timestamp())
    assert expected(profile, christmas)[0][0] == pytest.approx(wave(np.array(christmas)) - 6, abs=1)


def test_an_unseen_holiday_is_like_a_sunday() -> None:
    profile = learn(past(weekend=-4), start=MONDAY, step_seconds=60, holidays=[datetime.date(2023, 12, 27)])
    wednesday = int(datetime.datetime(2023, 12, 27, 0, tzinfo=datetime.UTC).timestamp())
    assert expected(profile, wednesday)[0][0] == pytest.approx(6, abs=1)


def test_days_begin_at_local_midnight() -> None:
    shift = 8 * 3600
    times = MONDAY + 60 * np.arange(14 * 1440)
    weekend = (((times + shift) // DAY_SECONDS) + 3) % 7 >= 5
    values = (wave(times) - 4 * weekend + np.random.default_rng(0).normal(0, 0.3, (2, times.size))).astype(
        np.float32
    )
    profile = learn(values, start=MONDAY, step_seconds=60, utc_offset_seconds=shift)
    np.testing.assert_allclose(profile.weekday[5:], -4, atol=0.1)
    friday_evening = MONDAY + 4 * DAY_SECONDS + 17 * 3600
    assert expected(profile, friday_evening)[0][0] == pytest.approx(
        wave(np.array(friday_evening)) - 4, abs=0.5
    )


def test_the_return_rate_is_that_of_the_deviations() -> None:
    profile = learn(past(rate=0.8, series=8), start=MONDAY, step_seconds=60)
    assert profile.return_rate.mean() == pytest.approx(0.8, abs=0.05)


def test_a_job_that_runs_each_day_is_kept_sharp() -> None:
    values = past()
    values.reshape(3, 7, 1440)[:, :, 200] += 50
    profile = learn(values, start=MONDAY, step_seconds=60)
    assert (profile.centre[200] > 55).all()
    assert (profile.centre[198] < 20).all()


def test_a_constant_series_has_a_scale_above_zero() -> None:
    profile = learn(np.full((1, 7 * 1440), 3.0, np.float32), start=MONDAY, step_seconds=60)
    np.testing.assert_allclose(profile.centre, 3)
    assert (profile.scale > 0).all()


def test_a_count_that_is_mostly_zero_has_a_scale_of_one_step() -> None:
    values = np.zeros((1, 7 * 1440), np.float32)
    values[0, ::97] = 1
    profile = learn(values, start=MONDAY, step_seconds=60)
    assert (profile.scale >= 1).all()


def test_shift_and_scale_of_a_series_shift_and_scale_its_profile() -> None:
    values = past()
    one = learn(values, start=MONDAY, step_seconds=60)
    two = learn(values * 8 + 100, start=MONDAY, step_seconds=60)
    np.testing.assert_allclose(two.centre, one.centre * 8 + 100, rtol=1e-4)
    np.testing.assert_allclose(two.return_rate, one.return_rate, atol=1e-3)


def test_company_does_not_change_a_profile() -> None:
    values = past(series=70)
    together = learn(values, start=MONDAY, step_seconds=60)
    alone = learn(values[69:], start=MONDAY, step_seconds=60)
    np.testing.assert_allclose(together.centre[:, 69:], alone.centre, rtol=1e-6)
    np.testing.assert_allclose(together.scale[:, 69:], alone.scale, rtol=1e-6)


@pytest.mark.parametrize("slot", [7 * 60, 30])
def test_a_slot_that_cannot_be_is_refused_by_name(slot: int) -> None:
    with pytest.raises(ValueError, match="slot_seconds"):
        learn(past(days=3), start=MONDAY, step_seconds=60, slot_seconds=slot)


def test_less_than_three_days_is_warm_up_and_is_said() -> None:
    profile = learn(past(days=7)[:, : 2 * 1440], start=MONDAY, step_seconds=60)
    assert warming_up(profile).all()
    message = warm_up_gap(SeriesKey("shop", "latency"), days=float(profile.days[0])).message
    assert say(message, "en") == "shop/latency is in warm-up: 2.0 of 3 days are known; it is not judged yet"
    assert "预热" in say(message, "zh")


def same(one: Profile, two: Profile) -> None:
    for name in ("centre", "scale", "weekday", "level", "noise", "return_rate", "days"):
        np.testing.assert_allclose(getattr(one, name), getattr(two, name), rtol=1e-4, atol=1e-4, err_msg=name)


def test_fed_point_by_point_is_learned_at_once() -> None:
    values = past(days=4, step=900)
    history = History(3, step_seconds=900)
    for column in np.random.default_rng(0).permutation(values.shape[1]):
        history.feed(values[:, column], at=MONDAY + 900 * int(column))
    same(history.profile(), learn(values, start=MONDAY, step_seconds=900))


@pytest.mark.parametrize("cut", [1, 700, 1440, 5000])
def test_merged_states_are_learned_at_once(cut: int) -> None:
    values = past()
    values[0, 300:340] = np.nan
    early, late, whole = (History(3, step_seconds=60) for _ in range(3))
    early.feed_block(values[:, :cut], start=MONDAY)
    late.feed_block(values[:, cut:], start=MONDAY + 60 * cut)
    whole.feed_block(values, start=MONDAY)
    late.merge(early)
    same(late.profile(), whole.profile())
    same(late.profile(), learn(values, start=MONDAY, step_seconds=60))


def test_a_history_forgets_the_oldest_day_first() -> None:
    history = History(1, step_seconds=3600, most_days=3)
    for hour in range(5 * 24):
        history.feed(np.array([hour], np.float32), at=MONDAY + 3600 * hour)
    history.feed(np.array([9], np.float32), at=MONDAY)
    assert history.days == [MONDAY // DAY_SECONDS + day for day in (2, 3, 4)]


def test_a_history_survives_being_kept() -> None:
    values = past(days=3, step=900)
    history, restored = History(3, step_seconds=900), History(3, step_seconds=900)
    history.feed_block(values, start=MONDAY)
    restored.restore(history.arrays())
    same(restored.profile(), history.profile())
