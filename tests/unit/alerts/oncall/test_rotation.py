"""Turns: who, from when to when, also where the clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.alerts.oncall.making import local, rotation, utc

from sre_copilot.alerts.oncall.local_time import instant, wall
from sre_copilot.alerts.oncall.rotation import DAY_S, Restriction, Rotation

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Africa/Casablanca",
    "America/St_Johns",
    "Pacific/Chatham",
)
YEAR = (utc(2026, 1, 1), utc(2027, 3, 1))
WORKDAYS = Restriction(days=(0, 1, 2, 3, 4), start_s=9 * 3600, end_s=17 * 3600)
times_of_day = st.integers(0, 24 * 4 - 1).map(lambda quarter: time(quarter // 4, quarter % 4 * 15))


@st.composite
def rotations(draw: st.DrawFn) -> Rotation:
    every = draw(st.sampled_from(("daily", "weekly", "hours")))
    return rotation(
        every=every,
        order=tuple(draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=4))),
        start=draw(st.dates(date(2025, 12, 1), date(2025, 12, 29))),
        zone=ZoneInfo(draw(st.sampled_from(ZONES))),
        length=draw(st.integers(1, 60 if every == "hours" else 3)),
        hand_over=draw(times_of_day),
        weekday=draw(st.integers(0, 6)),
    )


def turned(made: Rotation, at: float) -> str:
    """Who has the turn, by counting hand-overs on the wall one by one from the beginning."""
    units = {"daily": timedelta(days=1), "weekly": timedelta(days=7), "hours": timedelta(hours=1)}
    mark = datetime.combine(made.start, made.hand_over)
    while made.every == "weekly" and mark.weekday() != made.weekday:
        mark -= timedelta(days=1)
    number = -1
    while instant(mark, made.zone) <= at:
        number += 1
        mark += made.length * units[made.every]
    return made.order[number % len(made.order)]


@given(
    made=rotations(),
    at=st.floats(utc(2026, 3, 20), utc(2026, 4, 10)) | st.floats(utc(2026, 10, 1), utc(2026, 11, 8)),
)
@settings(max_examples=150, deadline=None)
def test_the_turn_at_any_instant_is_that_of_the_person_who_is_next_in_the_order(
    made: Rotation, at: float
) -> None:
    assert [turn.person for turn in made.turns(at, at + 0.001) if turn.start <= at < turn.end] == [
        turned(made, at)
    ]


@given(made=rotations(), start=st.floats(*YEAR), days=st.floats(0.01, 40))
@settings(max_examples=80, deadline=None)
def test_turns_of_a_rotation_follow_each_other_without_a_gap_and_never_overlap(
    made: Rotation, start: float, days: float
) -> None:
    turns = made.turns(start, start + days * DAY_S)
    assert turns[0].start <= start
    assert turns[-1].end >= start + days * DAY_S
    assert all(one.end == other.start for one, other in pairwise(turns))
    assert all(turn.start < turn.end for turn in turns)


@given(made=rotations(), at=st.floats(*YEAR))
@settings(max_examples=80, deadline=None)
def test_a_turn_is_the_same_whatever_time_is_asked_for(made: Rotation, at: float) -> None:
    near = made.turns(at, at + 1)
    wide = made.turns(at - 20 * DAY_S, at + 20 * DAY_S)
    assert set(near) <= set(wide)


@given(made=rotations().filter(lambda each: each.every != "hours"), start=st.floats(*YEAR))
@settings(max_examples=60, deadline=None)
def test_hand_overs_stay_at_their_time_of_day_over_changes_of_the_clocks(
    made: Rotation, start: float
) -> None:
    for turn in made.turns(start, start + 250 * DAY_S)[1:]:
        shown = wall(turn.start, made.zone)
        nominal = datetime.combine(shown.date(), made.hand_over)
        assert shown.time() == made.hand_over or instant(nominal, made.zone) == turn.start
        assert made.every == "daily" or shown.weekday() == made.weekday


def test_nine_in_the_morning_stays_nine_in_the_morning_and_the_week_of_the_change_is_an_hour_shorter() -> (
    None
):
    first, second = rotation().turns(local(2026, 3, 25), local(2026, 4, 1))
    assert (first.end, second.start) == (local(2026, 3, 30, 9), local(2026, 3, 30, 9))
    assert first.end - first.start == 7 * DAY_S - 3600


def test_a_hand_over_that_the_clocks_left_out_happens_when_they_change() -> None:
    turns = rotation(every="daily", hand_over=time(2, 30)).turns(
        local(2026, 3, 29, 12), local(2026, 3, 29, 13)
    )
    assert turns[0].start == utc(2026, 3, 29, 1)
    assert turns[0].end - turns[0].start == 23.5 * 3600


def test_a_hand_over_in_the_doubled_hour_happens_the_first_time() -> None:
    turns = rotation(every="daily", hand_over=time(2, 30)).turns(
        local(2026, 10, 25, 12), local(2026, 10, 25, 13)
    )
    assert turns[0].start == utc(2026, 10, 25, 0, 30)
    assert turns[0].end - turns[0].start == 25 * 3600


def test_hours_are_those_of_the_wall_so_that_the_left_out_one_is_nobodys_turn() -> None:
    made = rotation(every="hours", order=("a", "b", "c"), start=date(2026, 3, 29), hand_over=time(0))
    turns = made.turns(utc(2026, 3, 28, 23), utc(2026, 3, 29, 3))
    assert [turn.person for turn in turns] == ["a", "b", "a", "b"]
    assert [turn.end - turn.start for turn in turns] == [3600] * 4


def test_twelve_hours_change_at_nine_and_at_twenty_one_on_both_sides_of_a_change() -> None:
    made = rotation(every="hours", length=12)
    shown = {
        wall(turn.start, made.zone).time() for turn in made.turns(local(2026, 3, 1), local(2026, 11, 30))
    }
    assert shown == {time(9), time(21)}


def test_nobody_has_a_turn_before_the_start_or_from_the_end_on() -> None:
    made = rotation(until=date(2026, 2, 2))
    assert made.turns(utc(2025, 1, 1), local(2026, 1, 5, 9)) == ()
    assert made.turns(local(2026, 2, 2, 9), utc(2027, 1, 1)) == ()
    whole = made.turns(utc(2025, 1, 1), utc(2027, 1, 1))
    assert (whole[0].start, whole[-1].end) == (local(2026, 1, 5, 9), local(2026, 2, 2, 9))


def test_the_first_turn_is_shorter_where_the_start_is_not_the_day_on_which_weeks_change() -> None:
    first, second, *_ = rotation(start=date(2026, 1, 8)).turns(utc(2026, 1, 1), utc(2026, 1, 20))
    assert (first.person, first.start, first.end) == ("ann", local(2026, 1, 8, 9), local(2026, 1, 12, 9))
    assert second.person == "bob"


@given(at=st.floats(*YEAR), zone=st.sampled_from(ZONES))
@settings(max_examples=150, deadline=None)
def test_a_restriction_counts_exactly_when_the_wall_shows_its_time(at: float, zone: str) -> None:
    made = rotation(zone=ZoneInfo(zone), start=date(2025, 12, 1), restrictions=(WORKDAYS,))
    shown = wall(at, made.zone)
    within = shown.weekday() < 5 and time(9) <= shown.time() < time(17)
    assert bool([turn for turn in made.turns(at, at + 1) if turn.start <= at < turn.end]) == within


@given(at=st.floats(*YEAR), zone=st.sampled_from(ZONES))
@settings(max_examples=100, deadline=None)
def test_a_restriction_over_midnight_belongs_to_the_day_on_which_it_begins(at: float, zone: str) -> None:
    night = Restriction(days=(4,), start_s=18 * 3600, end_s=8 * 3600)
    made = rotation(zone=ZoneInfo(zone), start=date(2025, 12, 1), restrictions=(night,))
    shown = wall(at, made.zone)
    within = (shown.weekday() == 4 and shown.time() >= time(18)) or (
        shown.weekday() == 5 and shown.time() < time(8)
    )
    assert bool([turn for turn in made.turns(at, at + 1) if turn.start <= at < turn.end]) == within


def test_restrictions_that_touch_make_one_turn() -> None:
    week = (
        Restriction(days=(5, 6), start_s=0, end_s=DAY_S),
        Restriction(days=(0,), start_s=0, end_s=8 * 3600),
    )
    turns = rotation(weekday=2, restrictions=week).turns(local(2026, 1, 17, 12), local(2026, 1, 17, 13))
    assert [(turn.start, turn.end) for turn in turns] == [(local(2026, 1, 17), local(2026, 1, 19, 8))]


@pytest.mark.parametrize("years", [0, 40])
def test_a_rotation_of_an_hour_is_found_as_fast_in_forty_years(years: int) -> None:
    made = rotation(every="hours", order=("a", "b", "c"))
    at = datetime(2026 + years, 6, 1, tzinfo=UTC).timestamp()
    assert len(made.turns(at, at + 1)) == 1
