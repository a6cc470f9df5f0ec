"""The customers' day has the shape of a day."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("httpx", reason="the `lab` extra is not installed")

from lab.load import DAY_S, daily_shape, hour_of_day


def test_the_night_is_quiet_and_the_evening_is_the_peak() -> None:
    hours = [hour / 4 for hour in range(96)]
    assert 19 <= max(hours, key=daily_shape) <= 21
    assert daily_shape(4) < daily_shape(9) < daily_shape(12.5) < daily_shape(20)


def test_the_mean_of_the_day_is_about_one() -> None:
    mean = sum(daily_shape(minute / 60) for minute in range(1440)) / 1440
    assert mean == pytest.approx(1.0, abs=0.05)


@given(st.floats(0, 24))
def test_the_shape_is_positive_and_has_no_step(hour: float) -> None:
    assert 0.5 < daily_shape(hour) < 2
    assert abs(daily_shape(hour) - daily_shape((hour + 0.05) % 24)) < 0.05


@given(st.floats(0, 2e9))
def test_a_lab_day_repeats(seconds: float) -> None:
    assert 0 <= hour_of_day(seconds) < 24.0001
    assert daily_shape(hour_of_day(seconds)) == pytest.approx(
        daily_shape(hour_of_day(seconds + DAY_S)), abs=1e-6
    )
