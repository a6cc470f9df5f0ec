from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sre_copilot.alerts.routing.durations import duration_text, seconds
from sre_copilot.alerts.routing.interval_text import interval_of
from sre_copilot.alerts.routing.time_intervals import TimeInterval, TimeIntervals
from sre_copilot.errors import UsageError
from sre_copilot.settings.alerting.routing import TimeSpanSettings


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def span(**keys: object) -> TimeInterval:
    return interval_of(TimeSpanSettings.model_validate(keys))


OFFICE = span(
    times=[{"start_time": "09:00", "end_time": "17:30"}], weekdays=["monday:friday"], location="Europe/Berlin"
)


@pytest.mark.parametrize(
    ("moment", "inside"),
    [
        ("2026-07-06 08:59", False),
        ("2026-07-06 09:00", True),
        ("2026-07-06 17:29", True),
        ("2026-07-06 17:30", False),
        ("2026-07-05 12:00", False),  # a Sunday
        ("2026-07-11 12:00", False),  # a Saturday
        ("2026-12-07 09:00", True),
    ],
)
def test_times_of_day_and_days_are_those_of_the_place(moment: str, inside: bool) -> None:
    assert OFFICE.contains(at(moment, "Europe/Berlin")) is inside


@pytest.mark.parametrize(
    ("interval", "inside", "outside"),
    [
        (span(), "2026-01-01", None),
        (span(days_of_month=["1:5", "-1"]), "2026-02-28", "2026-02-27"),
        (span(days_of_month=["-3:-1"]), "2028-02-27", "2028-02-26"),
        (span(days_of_month=["31"]), "2026-03-31", "2026-04-30"),
        (span(days_of_month=["25:31"]), "2026-02-28", "2026-02-24"),
        (span(days_of_month=["10:-5"]), "2026-02-24", "2026-02-25"),
        (span(months=["january:march", "12"]), "2026-12-01", "2026-11-01"),
        (span(months=["April:6"]), "2026-06-01", "2026-07-01"),
        (span(years=["2026:2027", "2030"]), "2030-05-01", "2028-05-01"),
        (span(weekdays=["Sunday"]), "2026-07-05", "2026-07-06"),
        (span(times=[{"start_time": "20:00", "end_time": "24:00"}]), "2026-01-01 23:59", "2026-01-02 00:00"),
        (span(times=[]), None, "2026-01-01"),
        (span(days_of_month=["-1"], location="America/New_York"), "2026-03-31 12:00", "2026-03-30 12:00"),
    ],
)
def test_an_interval_holds_where_all_that_is_given_does(
    interval: TimeInterval, inside: str | None, outside: str | None
) -> None:
    assert inside is None or interval.contains(at(inside))
    assert outside is None or not interval.contains(at(outside))


def test_an_hour_that_the_clock_leaves_out_is_not_there_and_one_that_comes_twice_is_in_twice() -> None:
    early = span(times=[{"start_time": "02:00", "end_time": "03:00"}], location="Europe/Berlin")
    spring, autumn = at("2026-03-29 00:00", "Europe/Berlin"), at("2026-10-25 00:00", "Europe/Berlin")
    assert sum(early.contains(spring + 60 * minute) for minute in range(300)) == 0
    assert sum(early.contains(autumn + 60 * minute) for minute in range(300)) == 120


def test_a_route_is_quiet_in_its_mute_intervals_and_outside_of_its_active_ones() -> None:
    intervals = TimeIntervals({"office": [OFFICE], "never": [], "always": [span()]})
    work, night = at("2026-07-06 12:00"), at("2026-07-06 23:00")
    assert intervals.active(("office", "never", "always", "unknown"), work) == ("office", "always")
    assert intervals.muted_by(("office",), (), work) == ("office",)
    assert intervals.muted_by(("office",), (), night) == ()
    assert intervals.muted_by((), ("office", "never"), work) == ()
    assert intervals.muted_by((), ("office", "never"), night) == ("office", "never")
    assert intervals.muted_by(("always",), ("always",), night) == ("always",)
    assert intervals.muted_by((), (), night) == ()


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"times": [{"start_time": "22:00", "end_time": "06:00"}]}, "over midnight as two"),
        ({"times": [{"start_time": "9:00", "end_time": "10:00"}]}, "'9:00' is no time of day"),
        ({"times": [{"start_time": "09:00", "end_time": "24:01"}]}, "no time of day"),
        ({"weekdays": ["friday:monday"]}, "ends before it begins"),
        ({"weekdays": ["mon"]}, "write the day out"),
        ({"days_of_month": ["0"]}, "write 1 to 31"),
        ({"days_of_month": ["32"]}, "write 1 to 31"),
        ({"days_of_month": ["-1:5"]}, "ends before it begins"),
        ({"days_of_month": ["first"]}, "must be a number"),
        ({"months": ["13"]}, "1 to 12"),
        ({"months": ["march:january"]}, "ends before it begins"),
        ({"years": ["2027:2026"]}, "ends before it begins"),
        ({"location": "Local"}, "is no time zone"),
    ],
)
def test_an_interval_that_cannot_be_is_refused_with_its_key_and_the_way_out(
    keys: dict[str, object], said: str
) -> None:
    with pytest.raises(UsageError) as raised:
        span(**keys)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("0s", 0),
        ("30s", 30),
        ("5m", 300),
        ("1h30m", 5400),
        ("1d", 86_400),
        ("1w", 604_800),
        ("1y", 31_536_000),
        ("250ms", 0.25),
        ("1h5ms", 3600.005),
    ],
)
def test_durations_are_read_as_prometheus_reads_them(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "5", "5 m", "-5m", "1m1h", "1.5h", "5min", "m"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no duration"):
        seconds(text)


@given(st.integers(0, 10**10))
def test_a_duration_that_is_written_is_read_back(milliseconds: int) -> None:
    assert round(seconds(duration_text(milliseconds / 1000)) * 1000) == milliseconds
