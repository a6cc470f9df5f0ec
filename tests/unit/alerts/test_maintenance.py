from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sre_copilot.alerts.maintenance import MOST, Maintenance, occurrences, problems_of, state_of
from sre_copilot.alerts.problems import InvalidError
from sre_copilot.alerts.recurrence import problem_of, starts
from sre_copilot.alerts.state import MaintenanceState

HOUR = 3600.0
DAY = 24 * HOUR
LABELS = {"job": "api"}


def at(text: str, zone: str = "UTC") -> float:
    """The epoch second of a time on the wall."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def window(
    begins: str = "2026-03-02 02:30", hours: float = 1.0, zone: str = "UTC", rrule: str = "", **more: Any
) -> MaintenanceState:
    begin = at(begins, zone)
    given_ = {"id": "1", "matchers": [{"name": "job", "value": "api"}], "owner": "ann", "reason": "upgrade"}
    return MaintenanceState(
        **{**given_, **more}, starts_at=begin, ends_at=begin + hours * HOUR, rrule=rrule, time_zone=zone
    )


def walls(given_: MaintenanceState, start: str, end: str) -> list[str]:
    """Its starts as the clock on the wall shows them, with the offset from UTC."""
    zone = ZoneInfo(given_.time_zone)
    found = occurrences(given_, at(start), at(end))
    return [datetime.fromtimestamp(each.start, zone).isoformat(timespec="minutes") for each in found]


def test_a_single_window_mutes_from_its_start_to_its_end() -> None:
    maintenance = Maintenance([window()])
    begin = at("2026-03-02 02:30")
    moments = (begin - 1, begin, begin + HOUR - 1, begin + HOUR)
    assert [maintenance.maintained_by(LABELS, each) for each in moments] == [(), ("1",), ("1",), ()]
    assert maintenance.maintained_by({"job": "web"}, begin) == ()
    assert [maintenance.next_change(each) for each in moments] == [begin, begin + HOUR, begin + HOUR, None]
    assert [state_of(window(), each) for each in moments] == ["pending", "active", "active", "expired"]


def test_a_window_keeps_its_time_on_the_wall_when_the_clocks_change() -> None:
    sunday = window("2026-03-08 22:00", zone="Europe/Berlin", rrule="FREQ=WEEKLY;BYDAY=SU")
    assert walls(sunday, "2026-03-20", "2026-04-06") == [
        "2026-03-22T22:00+01:00",
        "2026-03-29T22:00+02:00",
        "2026-04-05T22:00+02:00",
    ]


def test_a_time_that_the_clock_leaves_out_comes_as_much_later_and_lasts_as_long() -> None:
    daily = window(
        "2026-03-01 02:30", zone="America/New_York", rrule="FREQ=DAILY"
    )  # 2026-03-08: 02:00 becomes 03:00
    assert walls(daily, "2026-03-07T12:00", "2026-03-09T12:00") == [
        "2026-03-08T03:30-04:00",
        "2026-03-09T02:30-04:00",
    ]
    gap = at("2026-03-08 07:30")
    assert [state_of(daily, gap + each) for each in (-1, 0, HOUR - 1, HOUR)] == [
        "pending",
        "active",
        "active",
        "pending",
    ]


def test_a_time_that_comes_twice_is_taken_the_first_time_only_and_lasts_as_long() -> None:
    daily = window(
        "2026-10-20 01:30", zone="America/New_York", rrule="FREQ=DAILY"
    )  # 2026-11-01: 02:00 becomes 01:00
    assert walls(daily, "2026-11-01", "2026-11-02T23:00") == [
        "2026-11-01T01:30-04:00",
        "2026-11-02T01:30-05:00",
    ]
    first = at("2026-11-01 05:30")
    assert [state_of(daily, first + each) for each in (0, HOUR - 1, HOUR, HOUR + 60)] == [
        "active",
        "active",
        "pending",
        "pending",
    ]


def test_a_window_that_spans_a_change_of_the_clock_lasts_its_seconds() -> None:
    nightly = window("2026-03-27 22:00", hours=8, zone="Europe/Berlin", rrule="FREQ=DAILY")
    (night,) = occurrences(nightly, at("2026-03-28 23:00"), at("2026-03-29 01:00"))
    assert night.end - night.start == 8 * HOUR
    assert (
        datetime.fromtimestamp(night.end, ZoneInfo("Europe/Berlin")).isoformat()
        == "2026-03-29T07:00:00+02:00"
    )


def test_rules_of_months_ends_and_counts_are_followed() -> None:
    assert walls(
        window("2026-01-31 01:00", rrule="FREQ=MONTHLY;BYMONTHDAY=-1"), "2026-02-01", "2026-05-01"
    ) == [
        "2026-02-28T01:00+00:00",
        "2026-03-31T01:00+00:00",
        "2026-04-30T01:00+00:00",
    ]
    assert walls(window("2024-02-29 01:00", rrule="FREQ=YEARLY"), "2024-01-01", "2033-01-01") == [
        "2024-02-29T01:00+00:00",
        "2028-02-29T01:00+00:00",
        "2032-02-29T01:00+00:00",
    ]
    assert len(walls(window(rrule="FREQ=DAILY;COUNT=3"), "2026-01-01", "2027-01-01")) == 3
    tuesday = window("2026-03-10 01:00", rrule="FREQ=MONTHLY;BYDAY=2TU")
    assert walls(tuesday, "2026-04-01", "2026-05-01") == ["2026-04-14T01:00+00:00"]


def test_until_is_a_moment_of_the_world_with_z_and_of_the_wall_without() -> None:
    def until(moment: str) -> int:
        rule = f"FREQ=DAILY;UNTIL={moment}"
        return len(
            walls(window("2026-03-02 23:30", zone="Asia/Shanghai", rrule=rule), "2026-03-01", "2026-04-01")
        )

    assert until("20260304T153000Z") == 3  # 23:30 there
    assert until("20260304T153000") == 2
    assert until("20260304") == 3


def test_windows_that_overlap_themselves_mute_without_a_hole() -> None:
    maintenance = Maintenance([window(hours=30, rrule="FREQ=DAILY")])
    begin = at("2026-03-02 02:30")
    assert all(maintenance.maintained_by(LABELS, begin + each * HOUR) for each in range(1, 100, 7))


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"owner": " "}, "owner"),
        ({"reason": ""}, "reason"),
        ({"matchers": []}, "matchers"),
        ({"matchers": [{"name": "a", "value": ""}]}, "matchers"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": "../etc/passwd"}, "time_zone"),
        ({"ends_at": at("2026-03-02 02:30")}, "ends_at"),
        ({"starts_at": at("2025-01-01"), "ends_at": at("2025-01-02")}, "ends_at"),
        ({"rrule": "FREQ=WEEKLY;BYDAY=TU"}, "starts_at"),
        ({"rrule": "FREQ=DAILY", "ends_at": at("2028-03-02")}, "ends_at"),
        (
            {"rrule": "FREQ=DAILY", "starts_at": at("2012-03-02 02:30"), "ends_at": at("2012-03-02 03:30")},
            "starts_at",
        ),
        ({"rrule": "FREQ=SECONDLY"}, "rrule"),
    ],
)
def test_a_window_that_cannot_be_is_refused_by_its_field(changed: dict[str, Any], field: str) -> None:
    maintenance = Maintenance()
    with pytest.raises(InvalidError) as raised:
        maintenance.set(replace(window(), **changed), now=at("2026-03-01"))
    assert [each.field for each in raised.value.problems] == [field]
    assert list(maintenance) == []


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("FREQ=SECONDLY", "FREQ must be one of DAILY"),
        ("FREQ=MINUTELY", "FREQ must be one of DAILY"),
        ("FREQ=HOURLY", "FREQ=DAILY;BYHOUR="),
        ("nonsense", "is no RRULE"),
        ("FREQ=DAILY;FREQ=DAILY", "each part once"),
        ("FREQ=DAILY;BYSECOND=1", "BYSECOND cannot be used"),
        ("FREQ=DAILY;BYHOUR=25", "is no RRULE"),
        ("FREQ=DAILY;BYDAY=XX", "is no RRULE"),
        ("FREQ=MONTHLY;BYDAY=aMO", "BYDAY must be days"),
        ("FREQ=YEARLY;BYDAY=60MO", "at most 53"),
        ("FREQ=DAILY;BYDAY=1MO", "write MO instead of 1MO"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL must be"),
        ("FREQ=DAILY;INTERVAL=-1", "INTERVAL must be"),
        ("FREQ=DAILY;COUNT=0", "COUNT must be"),
        ("FREQ=DAILY;COUNT=3;UNTIL=20270101", "exclude each other"),
        ("FREQ=DAILY;UNTIL=tomorrow", "UNTIL must be"),
        ("FREQ=DAILY;BYHOUR=0,1,2,3,4;BYMINUTE=0,10,20,30,40", "more than 24 times a day"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "never occurs"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "never occurs"),
        ("RRULE:FREQ=DAILY\nEXRULE:FREQ=DAILY", "one line"),
        ("FREQ=DAILY;BYHOUR=" + "1," * 2000 + "1", "2000 characters"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_with_the_way_out_in_bounded_time(rule: str, said: str) -> None:
    begin = time.perf_counter()
    assert said in problem_of(rule)
    assert time.perf_counter() - begin < 5  # measured: 0.2 s for the longest search, on a busy machine


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY",
        "RRULE:FREQ=WEEKLY;BYDAY=SA,SU",
        "freq=monthly;bymonthday=1",
        "FREQ=YEARLY;UNTIL=20100101",
    ],
)
def test_a_rule_that_never_ends_or_has_ended_is_fine(rule: str) -> None:
    assert problem_of(rule) == ""


def test_a_rule_whose_days_never_fit_its_interval_is_refused_in_bounded_time() -> None:
    monday = window(rrule="FREQ=DAILY;INTERVAL=7;BYDAY=TU")
    (problem,) = problems_of(monday, at("2026-03-01"))
    assert str(problem).startswith("starts_at: is not one of the times")
    assert "it never occurs" in problem.text
    tuesday = window("2026-03-03 02:30", rrule="FREQ=DAILY;INTERVAL=7;BYDAY=TU")
    assert problems_of(tuesday, at("2026-03-01")) == ()


def test_a_time_that_was_moved_onto_another_comes_once_and_order_is_kept() -> None:
    both = window("2026-03-28 02:30", zone="Europe/Berlin", rrule="FREQ=DAILY;BYHOUR=2,3;BYMINUTE=0,30")
    assert walls(both, "2026-03-29", "2026-03-29T23:00") == [
        "2026-03-29T03:00+02:00",
        "2026-03-29T03:30+02:00",
    ]


def test_a_window_is_ended_with_all_its_times_to_come() -> None:
    maintenance = Maintenance([window(rrule="FREQ=DAILY")])
    now = at("2026-03-03 02:45")
    ended = maintenance.end("1", now=now)
    assert (ended.ended_at, ended.revision, state_of(ended, now)) == (now, 1, "expired")
    assert maintenance.maintained_by(LABELS, now) == ()
    assert maintenance.next_change(now) is None
    found = maintenance.occurrences(ended, at("2026-03-01"), at("2026-04-01"))
    assert [each.end - each.start for each in found] == [HOUR, 900.0]
    assert maintenance.end("1", now=now + 1) == ended
    with pytest.raises(InvalidError, match="no maintenance window has the id 9"):
        maintenance.end("9", now=now)


def test_a_window_is_replaced_with_a_higher_revision() -> None:
    maintenance = Maintenance()
    first = maintenance.set(window(), now=at("2026-03-01"))
    second = maintenance.set(replace(first, reason="move"), now=at("2026-03-01 01:00"))
    assert (first.revision, second.revision, second.created_at) == (1, 2, at("2026-03-01"))


def test_time_may_be_turned_back_for_a_replay() -> None:
    maintenance = Maintenance([window(rrule="FREQ=DAILY")])
    assert maintenance.maintained_by(LABELS, at("2027-06-01 02:40")) == ("1",)
    assert maintenance.maintained_by(LABELS, at("2026-04-01 02:40")) == ("1",)
    assert maintenance.maintained_by(LABELS, at("2026-02-01 02:40")) == ()


def test_the_next_time_is_known_however_far_it_is_and_listings_are_bounded() -> None:
    rare = window("2026-03-02 02:30", rrule="FREQ=YEARLY;INTERVAL=10")
    assert Maintenance([rare]).next_change(at("2026-04-01")) == at("2036-03-02 02:30")
    assert len(occurrences(window(rrule="FREQ=DAILY"), at("2026-01-01"), at("2126-01-01"))) == MOST


ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Africa/Casablanca",
)
RULES = ("FREQ=DAILY", "FREQ=DAILY;INTERVAL=3", "FREQ=WEEKLY", "FREQ=DAILY;BYHOUR=1,2,3", "FREQ=MONTHLY")


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(ZONES),
    st.sampled_from(RULES),
    st.integers(0, 366 * 24 * 60),
    st.integers(1, 40),
)
def test_each_start_is_on_the_rule_by_the_wall_or_moved_by_the_change_of_the_clock(
    zone: str, rule: str, minutes: int, hours: int
) -> None:
    wall = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    given_ = window(wall.strftime("%Y-%m-%d %H:%M"), hours=hours, zone=zone, rrule=rule)
    begin = given_.starts_at
    found = list(starts(rule, first=begin, time_zone=zone, since=begin, until=begin + 370 * DAY))
    place = ZoneInfo(zone)
    assert found == sorted(set(found))
    hours_of_rule = {1, 2, 3} if "BYHOUR" in rule else {datetime.fromtimestamp(begin, place).hour}
    for moment in found:
        local = datetime.fromtimestamp(moment, place)
        if local.hour not in hours_of_rule or local.minute != datetime.fromtimestamp(begin, place).minute:
            before = datetime.fromtimestamp(moment - 2 * HOUR, place).utcoffset()
            assert before is not None
            assert local.utcoffset() != before, local  # the clock was moved forward just before
    maintenance = Maintenance([given_])
    for moment in found[:5]:
        assert maintenance.maintained_by(LABELS, moment) == ("1",)
        change = maintenance.next_change(moment)
        assert change is not None
        assert moment < change <= moment + hours * HOUR
