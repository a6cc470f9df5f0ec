from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sre_copilot.perception.case_format.times import POWER, Unit, convert, from_text, parse_text, seconds

YEARS = st.integers(200_000_000, 9_000_000_000)  # epoch seconds from 1976 to 2255
EARLY, LATE = (datetime(year, 1, 1) for year in (1980, 2200))  # noqa: DTZ001 (hypothesis wants them bare)
ZONES = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
UNITS = st.sampled_from(list(POWER))


@settings(deadline=None, max_examples=50)
@given(time=YEARS, unit=UNITS, target=UNITS)
def test_a_time_of_any_unit_becomes_the_wanted_one(time: int, unit: Unit, target: Unit) -> None:
    written = pl.Series("ts", [time * 10 ** POWER[unit], None])
    assert convert(written, target).to_list() == [time * 10 ** POWER[target], None]
    assert seconds(time * 10 ** POWER[unit]) == pytest.approx(time, abs=1e-5)


@settings(deadline=None, max_examples=50)
@given(time=st.integers(-(10**8) + 1, 10**8 - 1), unit=UNITS)
def test_small_numbers_are_times_of_their_column(time: int, unit: Unit) -> None:
    assert convert(pl.Series([time]), unit).to_list() == [time]


@settings(deadline=None, max_examples=50)
@given(st.sampled_from([5 * 10**10, 5 * 10**13, 5 * 10**16, 2**63 - 1, -(2**63), -(10**9)]), UNITS)
def test_numbers_between_the_ranges_are_no_times(number: int, unit: Unit) -> None:
    assert convert(pl.Series([number]), unit).to_list() == [None]


@settings(deadline=None, max_examples=50)
@given(
    st.datetimes(EARLY, LATE, timezones=ZONES),
    st.sampled_from(["T", " "]),
)
def test_a_written_time_is_read_in_its_own_zone(time: datetime, separator: str) -> None:
    whole = time.replace(microsecond=0)
    found, bare = from_text(pl.Series([whole.isoformat(separator)]), "s")
    assert found.to_list() == [int(whole.timestamp())]
    assert bare == 0
    assert parse_text(whole.isoformat(separator)) == whole.timestamp()


def test_times_outside_of_what_nanoseconds_can_hold_are_no_times() -> None:
    found, _ = from_text(
        pl.Series(["1600-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-01-01T00:00:00Z"]), "ns"
    )
    assert found.to_list() == [None, None, int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 10**9]
