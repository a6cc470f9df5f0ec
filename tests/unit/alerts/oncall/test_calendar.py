"""Calendars: recurring events, exceptions, zones, and who is meant."""

from __future__ import annotations

from datetime import date

import pytest
from tests.unit.alerts.oncall.making import BERLIN, PEOPLE, local, rotation, schedule, utc

from sre_copilot.alerts.oncall.calendar import Calendar, read_calendar
from sre_copilot.alerts.oncall.rotation import DAY_S
from sre_copilot.errors import UsageError

WEEK = "DTSTART;TZID=Europe/Berlin:20260316T090000\nDTEND;TZID=Europe/Berlin:20260323T090000\n"


def text(*events: str) -> bytes:
    named = [
        each if each.startswith("UID") else f"UID:{number}\n{each}" for number, each in enumerate(events)
    ]
    inside = "".join(f"BEGIN:VEVENT\n{each}\nEND:VEVENT\n" for each in named)
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:test\n{inside}END:VCALENDAR\n".encode()


def calendar(*events: str, priority: int = 0) -> Calendar:
    return read_calendar(
        text(*events), place="rota.ics", people=PEOPLE, zone=BERLIN, name="calendar", priority=priority
    )


def persons(made: Calendar, at: float) -> list[str]:
    return [turn.person for turn in made.turns(at, at + 1) if turn.start <= at < turn.end]


def test_a_recurring_event_keeps_its_time_of_day_when_the_clocks_change() -> None:
    made = calendar(WEEK + "RRULE:FREQ=WEEKLY;INTERVAL=2\nSUMMARY:Ann Lee")
    turns = made.turns(utc(2026, 3, 1), utc(2026, 4, 10))
    assert [(turn.start, turn.end) for turn in turns] == [
        (local(2026, 3, 16, 9), local(2026, 3, 23, 9)),
        (local(2026, 3, 30, 9), local(2026, 4, 6, 9)),
    ]


def test_an_event_over_the_change_of_the_clocks_ends_at_its_time_of_day() -> None:
    event = (
        "DTSTART;TZID=Europe/Berlin:20260328T180000\nDTEND;TZID=Europe/Berlin:20260329T090000\nSUMMARY:bob"
    )
    (turn,) = calendar(event).turns(utc(2026, 3, 1), utc(2026, 4, 10))
    assert (turn.start, turn.end) == (local(2026, 3, 28, 18), local(2026, 3, 29, 9))
    assert turn.end - turn.start == 14 * 3600


def test_a_left_out_occurrence_is_nobodys_and_a_moved_one_is_where_it_was_moved_to() -> None:
    daily = "UID:x\nDTSTART:20260302T090000Z\nDURATION:P1D\nRRULE:FREQ=DAILY;COUNT=5\nEXDATE:20260303T090000Z\nSUMMARY:ann"
    moved = "UID:x\nRECURRENCE-ID:20260304T090000Z\nDTSTART:20260310T090000Z\nDURATION:P1D\nSUMMARY:ann"
    made = calendar(daily, moved)
    shown = {day: persons(made, utc(2026, 3, day, 12)) for day in (2, 3, 4, 5, 10)}
    assert shown == {2: ["ann"], 3: [], 4: [], 5: ["ann"], 10: ["ann"]}


def test_an_occurrence_may_name_somebody_else() -> None:
    daily = "UID:x\nDTSTART:20260302T090000Z\nDURATION:P1D\nRRULE:FREQ=DAILY;COUNT=5\nSUMMARY:ann"
    other = "UID:x\nRECURRENCE-ID:20260304T090000Z\nDTSTART:20260304T090000Z\nDURATION:P1D\nSUMMARY:carl"
    made = calendar(daily, other)
    assert [persons(made, utc(2026, 3, day, 12)) for day in (3, 4, 5)] == [["ann"], ["carl"], ["ann"]]


def test_whole_days_and_times_without_a_zone_are_those_of_the_schedule() -> None:
    made = calendar(
        "DTSTART;VALUE=DATE:20260302\nSUMMARY:ann", "DTSTART:20260303T080000\nDURATION:PT1H\nSUMMARY:bob"
    )
    turns = made.turns(utc(2026, 3, 1), utc(2026, 3, 5))
    assert [(turn.person, turn.start, turn.end) for turn in turns] == [
        ("ann", local(2026, 3, 2), local(2026, 3, 3)),
        ("bob", local(2026, 3, 3, 8), local(2026, 3, 3, 9)),
    ]


def test_a_time_that_does_not_exist_begins_when_the_clocks_change() -> None:
    made = calendar(
        "DTSTART;TZID=Europe/Berlin:20260322T023000\nDURATION:PT4H\nRRULE:FREQ=WEEKLY\nSUMMARY:ann"
    )
    assert made.turns(utc(2026, 3, 29), utc(2026, 3, 30))[0].start == utc(2026, 3, 29, 1)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("SUMMARY:On call: ann lee (primary)", ["ann"]),
        ("SUMMARY:bob@example.org", ["bob"]),
        ("SUMMARY:值班：张三", ["zhang"]),
        ("SUMMARY:张三值班", ["zhang"]),
        ("SUMMARY:夜班张三/bob", ["bob", "zhang"]),
        ("SUMMARY:Bob.", ["bob"]),
        ("SUMMARY:ann值班", ["ann"]),
        ("SUMMARY:Bob & Carl", ["bob", "carl"]),
        ("SUMMARY:anything\nATTENDEE;CN=Ann:mailto:ANN@example.org", ["ann"]),
        ("SUMMARY:x\nATTENDEE:mailto:ann@example.org\nATTENDEE:mailto:bob@example.org", ["ann", "bob"]),
        ("SUMMARY:x\nATTENDEE;CUTYPE=ROOM:mailto:room@example.org\nATTENDEE:mailto:bob@example.org", ["bob"]),
        (
            "SUMMARY:x\nATTENDEE;PARTSTAT=DECLINED:mailto:ann@example.org\nATTENDEE:mailto:bob@example.org",
            ["bob"],
        ),
        ("SUMMARY:x\nATTENDEE;CN=Carl:mailto:private@example.net", ["carl"]),
    ],
)
def test_who_is_meant_is_told_by_attendees_else_by_the_summary(event: str, expected: list[str]) -> None:
    assert persons(calendar(WEEK + event), utc(2026, 3, 17)) == expected


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        (
            WEEK + "SUMMARY:Dora",
            r"event 'Dora' \(2026-03-16T09:00:00\+01:00, UID 0\): its summary names nobody",
        ),
        (WEEK + "SUMMARY:Annabel", "names nobody who is known"),
        (WEEK + "SUMMARY:张三丰值班", "names nobody who is known"),
        (WEEK + "SUMMARY:小张三", "names nobody who is known"),
        (WEEK + "SUMMARY:mary-bob", "names nobody who is known"),
        (WEEK + "SUMMARY:bob.smith", "names nobody who is known"),
        (WEEK + "SUMMARY:bob-team@example.org", "names nobody who is known"),
        (
            WEEK + "SUMMARY:bob\nATTENDEE:mailto:dora@example.org",
            "attendee 'mailto:dora@example.org' is no person",
        ),
        (
            WEEK + "SUMMARY:bob\nATTENDEE;PARTSTAT=DECLINED:mailto:ann@example.org",
            "everybody who is invited declined",
        ),
        (WEEK, "names nobody who is known"),
        ("SUMMARY:ann", "has no DTSTART"),
        ("DTSTART:20260302T090000Z\nSUMMARY:ann", "lasts no time"),
        ("DTSTART:20260302T090000Z\nDTEND:20260302T080000Z\nSUMMARY:ann", "ends before it has begun"),
        ("DTSTART:20260302T090000Z\nDTEND;VALUE=DATE:20260303\nSUMMARY:ann", "make both one kind"),
        ("DTSTART:soon\nSUMMARY:ann", "its DTSTART cannot be read"),
        (
            WEEK + "RRULE:FREQ=WEEKLY\nEXDATE;TZID=Nope/Nope:20260323T090000\nSUMMARY:ann",
            "its EXDATE has no time zone",
        ),
        ("DTSTART:090000\nDURATION:PT1H\nSUMMARY:ann", "its DTSTART is no date or time"),
        ("DTSTART:00010101T000000Z\nDURATION:PT1H\nSUMMARY:ann", "does not lie between 1970 and 2100"),
        ("DTSTART:20260302T090000Z\nDURATION:P99999D\nSUMMARY:ann", "lasts more than 3660 days"),
        (
            "DTSTART:20260302T090000Z\nDTSTART:20260303T090000Z\nDURATION:PT1H\nSUMMARY:ann",
            "has DTSTART twice",
        ),
        (
            "DTSTART;TZID=Nope/Nope:20260302T090000\nDURATION:PT1H\nSUMMARY:ann",
            "the time zone 'Nope/Nope' of its DTSTART is not known",
        ),
        (
            "DTSTART:20260302T090000Z\nDURATION:PT1H\nRRULE:FREQ=NEVER\nSUMMARY:ann",
            "its RRULE cannot be read",
        ),
        ("DTSTART:20260302T090000Z\nDURATION:PT1H\nRRULE:FREQ=SECONDLY\nSUMMARY:ann", "comes again SECONDLY"),
    ],
)
def test_an_event_that_cannot_be_used_is_named_with_the_way_out(event: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem) as raised:
        calendar(event)
    assert str(raised.value).startswith("rota.ics: event ")


def test_a_name_of_two_persons_is_never_guessed() -> None:
    people = {**PEOPLE, "ann2": PEOPLE["bob"].__class__(id="ann2", name="Ann Lee")}
    with pytest.raises(UsageError, match="may be ann or ann2; write the id"):
        read_calendar(text(WEEK + "SUMMARY:Ann Lee"), place="r", people=people, zone=BERLIN, name="c")


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff\xfe", b"BEGIN:VEVENT\nEND:VEVENT", text(), b"{}"])
def test_what_is_no_calendar_is_refused_in_one_sentence(content: bytes) -> None:
    with pytest.raises(UsageError, match=r"^rota\.ics: "):
        read_calendar(content, place="rota.ics", people=PEOPLE, zone=BERLIN, name="c")


def test_many_wrong_events_are_told_together() -> None:
    with pytest.raises(UsageError, match="and 2 more") as raised:
        calendar(*[f"{WEEK}SUMMARY:Nobody {number}" for number in range(12)])
    assert str(raised.value).count("names nobody") == 10


def test_a_cancelled_event_is_nobodys() -> None:
    made = calendar(WEEK + "SUMMARY:Dora\nSTATUS:CANCELLED", WEEK + "SUMMARY:bob")
    assert persons(made, utc(2026, 3, 17)) == ["bob"]


def test_the_calendar_goes_before_a_rotation_which_fills_what_it_leaves() -> None:
    plan = schedule(rotation(start=date(2026, 1, 5)), calendar(WEEK + "SUMMARY:carl", priority=1))
    assert [each.person for each in plan.on_call(utc(2026, 3, 17))] == ["carl"]
    assert plan.gaps(utc(2026, 3, 1), utc(2026, 3, 1) + 40 * DAY_S) == ()
    alone = schedule(calendar(WEEK + "SUMMARY:carl"))
    assert alone.gaps(utc(2026, 3, 15), utc(2026, 3, 16)) == ((utc(2026, 3, 15), utc(2026, 3, 16)),)


def test_lines_are_unfolded_and_a_zone_of_the_calendars_own_is_understood() -> None:
    zone = (
        "BEGIN:VTIMEZONE\nTZID:Plus Three\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0300\n"
        "TZOFFSETTO:+0300\nEND:STANDARD\nEND:VTIMEZONE\n"
    )
    event = "BEGIN:VEVENT\r\nUID:1\r\nDTSTART;TZID=Plus Three:20260302T090000\r\nDURATION:PT1H\r\nSUMMARY:On call\r\n : carl\r\nEND:VEVENT\r\n"
    content = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:t\n{zone}{event}END:VCALENDAR\n".encode()
    made = read_calendar(content, place="r", people=PEOPLE, zone=BERLIN, name="c")
    assert [(turn.person, turn.start) for turn in made.turns(utc(2026, 3, 1), utc(2026, 3, 4))] == [
        ("carl", utc(2026, 3, 2, 6))
    ]
