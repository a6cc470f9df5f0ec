from __future__ import annotations

import time
from datetime import datetime
from typing import Any

import pytest
from pydantic import ValidationError
from tests.unit.decision.situations import target

from sre_copilot.decision.freeze import care_at, freeze_at
from sre_copilot.settings.acting.freezes import FreezeWindow


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def window(**given: Any) -> FreezeWindow:
    return FreezeWindow(**{"name": "w", "starts_at": "2026-01-02T18:00+01:00", "ends_at": "2026-01-05T06:00+01:00", **given})  # fmt: skip


WEEKENDS = window(rrule="FREQ=WEEKLY", time_zone="Europe/Berlin")


def frozen(window: FreezeWindow, moment: str) -> bool:
    return freeze_at(at(moment), target(), windows=[window]) is not None


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-01-02T17:59:59+01:00", False),
        ("2026-01-02T18:00+01:00", True),
        ("2026-01-05T05:59:59+01:00", True),
        ("2026-01-05T06:00+01:00", False),
        ("2027-05-07T18:00+02:00", True),  # by the clock on the wall, in summer too
        ("2027-05-07T17:59+02:00", False),
        ("2031-06-11T12:00+02:00", False),
    ],
)
def test_a_freeze_recurs_by_the_clock_on_the_wall(moment: str, expected: bool) -> None:
    assert frozen(WEEKENDS, moment) is expected


def test_each_time_lasts_as_long_as_the_first_across_a_change_of_the_clock() -> None:
    found = freeze_at(at("2026-03-29T12:00+02:00"), target(), windows=[WEEKENDS])
    assert found is not None
    assert (found.starts_at, found.ends_at) == (at("2026-03-27T18:00+01:00"), at("2026-03-30T07:00+02:00"))


def test_a_begin_that_the_clock_leaves_out_comes_later_and_not_never() -> None:
    nightly = window(
        starts_at="2026-03-01T02:30+01:00", ends_at="2026-03-01T02:45+01:00", rrule="FREQ=DAILY", time_zone="Europe/Berlin"
    )  # fmt: skip
    assert frozen(nightly, "2026-03-29T03:35+02:00")
    assert not frozen(nightly, "2026-03-29T01:59+01:00")


def test_the_last_of_counted_and_ended_rules_is_the_last() -> None:
    twice = window(rrule="FREQ=WEEKLY;COUNT=2", time_zone="Europe/Berlin")
    assert frozen(twice, "2026-01-10T12:00+01:00")
    assert not frozen(twice, "2026-01-17T12:00+01:00")
    for until in ("UNTIL=20260110", "UNTIL=20260110T120000Z", "UNTIL=20260110T120000"):
        ended = window(rrule=f"FREQ=WEEKLY;{until}", time_zone="Europe/Berlin")
        assert frozen(ended, "2026-01-10T12:00+01:00")
        assert not frozen(ended, "2026-01-17T12:00+01:00")


def test_one_without_a_rule_is_once_and_meets_only_what_it_names() -> None:
    named = window(environments=["prod*"], targets=["supervisor/*"])
    assert frozen(named, "2026-01-03T00:00Z")
    assert not frozen(named, "2026-01-10T00:00Z")
    now = at("2026-01-03T00:00Z")
    assert freeze_at(now, target(environment=""), windows=[named]) is not None
    assert freeze_at(now, target(environment="staging"), windows=[named]) is None
    assert freeze_at(now, target(executor="sql"), windows=[named]) is None


def test_of_several_that_which_ends_last_is_told_and_care_is_no_freeze() -> None:
    now = at("2026-01-03T00:00Z")
    long = window(name="long", ends_at="2026-01-20T00:00Z")
    found = freeze_at(now, target(), windows=[long, window(), window(name="care", effect="approval")])
    assert found is not None
    assert found.name == "long"
    assert dict(found.message.params) == {"freeze": "long", "until": "2026-01-20T00:00:00Z"}
    care = care_at(now, target(), windows=[window(effect="approval")])
    assert care is not None
    assert care.message.key == "decision.care"
    assert care_at(now, target(), windows=[window()]) is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"ends_at": "2026-01-02T18:00+01:00"}, "ends_at: must lie after starts_at"),
        ({"time_zone": "Mars/Base"}, "is no time zone"),
        ({"rrule": "FREQ=HOURLY"}, "FREQ must be one of"),
        ({"rrule": "FREQ=WEEKLY;BYSECOND=1"}, "BYSECOND cannot be used here"),
        ({"rrule": "FREQ=WEEKLY;COUNT=2;UNTIL=20270101"}, "exclude each other"),
        ({"rrule": "FREQ=WEEKLY;BYDAY=XX"}, "is no RRULE"),
        ({"rrule": "FREQ=WEEKLY;COUNT=0"}, "from 1 to 9999"),
        ({"rrule": "FREQ=WEEKLY;FREQ=DAILY"}, "stands twice"),
        ({"rrule": "FREQ=WEEKLY;BYDAY=SA"}, "the first is 2026-01-03 17:00:00"),
        ({"rrule": "FREQ=WEEKLY", "time_zone": "Europe/Berlin", "ends_at": "2028-01-01T00:00Z"}, "a year at most"),
        ({"rrule": "FREQ=WEEKLY;UNTIL=20250101"}, "UNTIL lies before starts_at"),
        ({"rrule": "FREQ=WEEKLY;UNTIL=20261332"}, "UNTIL is no day"),
        ({"rrule": "FREQ=WEEKLY;UNTIL=soon"}, "is no RRULE"),
        ({"starts_at": "2026-01-02T18:00"}, "timezone info"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_the_way_out(given: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        window(**given)


@pytest.mark.parametrize("end", ["", ";COUNT=5", ";UNTIL=99991231"])
def test_a_rule_that_fits_no_day_is_refused_at_once(end: str) -> None:
    began = time.perf_counter()
    with pytest.raises(ValidationError, match="it never is"):
        window(rrule=f"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30{end}")
    assert time.perf_counter() - began < 3.0
