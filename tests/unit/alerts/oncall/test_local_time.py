"""Local times around changes of the clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sre_copilot.alerts.oncall.local_time import instant, on_day, wall

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",  # its clocks change by half an hour
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Africa/Casablanca",
    "Pacific/Apia",
    "Asia/Shanghai",
)
LOCAL = st.datetimes(datetime(2009, 1, 1), datetime(2032, 1, 1))  # noqa: DTZ001 - local times


def utc(*parts: int) -> float:
    return datetime(*parts, tzinfo=UTC).timestamp()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("zone", "local", "expected"),
    [
        ("Europe/Berlin", "2026-03-29T02:30", utc(2026, 3, 29, 1)),
        ("Europe/Berlin", "2026-03-29T02:00", utc(2026, 3, 29, 1)),
        ("Europe/Berlin", "2026-03-29T03:00", utc(2026, 3, 29, 1)),
        ("Australia/Lord_Howe", "2026-10-04T02:15", utc(2026, 10, 3, 15, 30)),
        ("Pacific/Apia", "2011-12-30T12:00", utc(2011, 12, 30, 10)),
    ],
)
def test_a_local_time_that_does_not_exist_is_the_instant_of_the_change(
    zone: str, local: str, expected: float
) -> None:
    assert instant(datetime.fromisoformat(local), ZoneInfo(zone)) == expected


@pytest.mark.parametrize(
    ("zone", "local", "expected"),
    [
        ("Europe/Berlin", "2026-10-25T02:30", utc(2026, 10, 25, 0, 30)),
        ("America/New_York", "2026-11-01T01:30", utc(2026, 11, 1, 5, 30)),
        ("Australia/Lord_Howe", "2026-04-05T01:45", utc(2026, 4, 4, 14, 45)),
    ],
)
def test_a_local_time_that_comes_twice_is_the_first_of_the_two(
    zone: str, local: str, expected: float
) -> None:
    assert instant(datetime.fromisoformat(local), ZoneInfo(zone)) == expected


@given(zone=st.sampled_from(ZONES), local=LOCAL, later=st.timedeltas(timedelta(0), timedelta(days=3)))
def test_a_later_local_time_is_never_an_earlier_instant(zone: str, local: datetime, later: timedelta) -> None:
    assert instant(local, ZoneInfo(zone)) <= instant(local + later, ZoneInfo(zone))


@given(zone=st.sampled_from(ZONES), local=LOCAL)
def test_what_the_wall_shows_at_the_instant_of_a_time_is_that_time_unless_the_clocks_left_it_out(
    zone: str, local: datetime
) -> None:
    shown = wall(instant(local, ZoneInfo(zone)), ZoneInfo(zone))
    assert shown == local or (shown > local and shown - local <= timedelta(days=1))


def test_the_end_of_a_day_is_the_beginning_of_the_next() -> None:
    zone = ZoneInfo("Europe/Berlin")
    assert on_day(date(2026, 3, 28), 86_400, zone) == on_day(date(2026, 3, 29), 0, zone)
    assert on_day(date(2026, 3, 29), 86_400, zone) - on_day(date(2026, 3, 29), 0, zone) == 23 * 3600
