"""A layer of a schedule that an iCalendar file plans: single and recurring events, exceptions, time zones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

import recurring_ical_events
from icalendar import Calendar as Document
from icalendar import Component

from sre_copilot.alerts.oncall.local_time import instant
from sre_copilot.alerts.oncall.naming import Attendee, Names, NobodyMeant
from sre_copilot.alerts.oncall.people import Person, Turn
from sre_copilot.errors import UsageError

LARGEST_BYTES = 2_000_000  # calendars of years of shifts have some hundred kilobytes
MOST_EVENTS = 10_000
MOST_ERRORS = 10  # told at once: more are seldom read
TOO_OFTEN = {"SECONDLY", "MINUTELY"}  # nobody hands over so often, and a year of it would not end
ONCE = ("DTSTART", "DTEND", "DURATION", "SUMMARY", "STATUS", "UID", "RECURRENCE-ID", "RRULE")
YEARS = (1970, 2100)  # time zones are known there
NO_PERSONS = {"ROOM", "RESOURCE"}
LONGEST = timedelta(days=3660)
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, OverflowError, IndexError, OSError)
"""What the libraries raise for data that makes no sense."""
MARGIN = timedelta(days=1)  # a zone is at most 14 hours from UTC, and floating times have none


@dataclass(frozen=True)
class Calendar:
    """Events of one file. Who is meant was found for every event when the file was read, so that no error comes at night."""

    name: str
    zone: tzinfo
    names: Names
    priority: int = 0
    query: Any = field(repr=False, compare=False, default=None)
    events: int = 0

    def turns(self, start: float, end: float) -> tuple[Turn, ...]:
        """The events that touch a time, whole, in order; an event of two persons is a turn of each."""
        low, high = (datetime.fromtimestamp(each, UTC) for each in (start, end))
        found = []
        for event in self.query.between(low - MARGIN, high + MARGIN):
            begin, last = self.span(event)
            if begin < last and begin < end and last > start and not cancelled(event):
                found += [
                    Turn(person=person, start=begin, end=last, layer=self.name)
                    for person in self.persons(event)
                ]
        return tuple(sorted(found, key=lambda turn: (turn.start, turn.end, turn.person)))

    def persons(self, event: Component) -> tuple[str, ...]:
        """Who is meant by an event."""
        return self.names.meant(str(event.get("SUMMARY", "")), tuple(attendees(event)))

    def span(self, event: Component) -> tuple[float, float]:
        """When it begins and ends; times without a zone, and whole days, are those of the schedule."""
        return _instant(event.decoded("DTSTART"), self.zone), _instant(event.decoded("DTEND"), self.zone)


def read_calendar(
    content: bytes, *, place: str, people: Mapping[str, Person], zone: tzinfo, name: str, priority: int = 0
) -> Calendar:
    """Read a calendar and find out who is meant by each of its events.

    Raises
    ------
    UsageError : names the file, up to ten events, what is wrong with each, and the way out
    """
    document = _document(content, place)
    events = [event for event in document.walk("VEVENT") if not cancelled(event)]
    if not 0 < len(events) <= MOST_EVENTS:
        raise UsageError(f"{place}: has {len(events):,} events; it must have 1 to {MOST_EVENTS:,}.")
    names = Names(people)
    problems = [problem for event in events if (problem := _problem(event, names))]
    if problems:
        more = f"; and {len(problems) - MOST_ERRORS} more" if len(problems) > MOST_ERRORS else ""
        raise UsageError(f"{place}: {'; '.join(problems[:MOST_ERRORS])}{more}.")
    try:
        query = recurring_ical_events.of(document)
        calendar = Calendar(name, zone, names, priority, query, len(events))
        calendar.turns(0.0, 1.0)
    except UNREADABLE as error:
        raise UsageError(f"{place}: its events cannot be repeated: {error}. Export it again.") from None
    return calendar


def cancelled(event: Component) -> bool:
    """Whether it does not take place."""
    return str(event.get("STATUS", "")).upper() == "CANCELLED"


def attendees(event: Component) -> Iterator[Attendee]:
    """The persons who are invited; rooms and things are not."""
    listed = event.get("ATTENDEE", [])
    for each in listed if isinstance(listed, list) else [listed]:
        said = each.params
        if str(said.get("CUTYPE", "")).upper() not in NO_PERSONS:
            declined = str(said.get("PARTSTAT", "")).upper() == "DECLINED"
            yield Attendee(address=str(each), name=str(said.get("CN", "")), declined=declined)


def called(event: Component) -> str:
    """An event as an error names it."""
    start = event.get("DTSTART")
    known = start is not None and not isinstance(start, list) and not event.errors
    when = start.dt.isoformat() if known else "no time"
    summary = " ".join(str(event.get("SUMMARY", "without a summary")).split())[:100]
    return f"event '{summary}' ({when}, UID {str(event.get('UID', 'none'))[:60]})"


def _document(content: bytes, place: str) -> Document:
    if len(content) > LARGEST_BYTES:
        raise UsageError(f"{place}: is larger than {LARGEST_BYTES:,} bytes. Export fewer events.")
    try:
        document = Document.from_ical(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise UsageError(f"{place}: is no UTF-8 text. Export it again as iCalendar (.ics).") from None
    except UNREADABLE as error:
        said = " ".join(str(error).split())[:200]
        raise UsageError(f"{place}: is no iCalendar file: {said}. Export it as .ics.") from None
    if not isinstance(document, Document):
        raise UsageError(f"{place}: is no iCalendar file: it does not begin with BEGIN:VCALENDAR.")
    return document


def _problem(event: Component, names: Names) -> str:
    """What is wrong with an event; nothing when all is well. Each check may rely on those before it."""
    for check in (_unreadable, _unclear, _length, _repetition):
        if problem := check(event):
            return f"{called(event)}: {problem}"
    try:
        names.meant(str(event.get("SUMMARY", "")), tuple(attendees(event)))
    except NobodyMeant as error:
        return f"{called(event)}: {error}"
    return ""


def _unreadable(event: Component) -> str:
    if event.errors:
        field_name, said = event.errors[0]
        return f"its {field_name} cannot be read: {said}"
    if twice := [each for each in ONCE if isinstance(event.get(each), list)]:
        return f"has {twice[0]} twice; leave one of them"
    return "" if "DTSTART" in event else "has no DTSTART; say when it begins"


def _unclear(event: Component) -> str:
    """What DTSTART, DTEND and DURATION are not, but must be."""
    for name, kind in (("DTSTART", date), ("DTEND", date), ("DURATION", timedelta)):
        value = _value(event, name)
        if name in event and not isinstance(value, kind):
            return f"its {name} is no {'length of time' if kind is timedelta else 'date or time'}; correct it"
        if isinstance(value, date) and not YEARS[0] <= value.year <= YEARS[1]:
            return f"its {name} does not lie between {YEARS[0]} and {YEARS[1]}; correct it"
        if isinstance(value, datetime) and value.tzinfo is None and (zone := event[name].params.get("TZID")):
            return f"the time zone {zone!r} of its {name} is not known; name one such as Europe/Berlin"
    return ""


def _length(event: Component) -> str:
    start, end, duration = (_value(event, name) for name in ("DTSTART", "DTEND", "DURATION"))
    if end is None:
        lasts = duration if duration is not None else timedelta(days=not isinstance(start, datetime))
        if lasts > LONGEST:
            return f"lasts more than {LONGEST.days} days; correct its DURATION"
        return "" if lasts > timedelta(0) else "lasts no time; give it a DTEND or a DURATION"
    if isinstance(start, datetime) != isinstance(end, datetime):
        return "begins with a date and ends with a time, or the reverse; make both one kind"
    longer = _instant(end, UTC) > _instant(start, UTC)
    return "" if longer else "ends before it has begun, or at once; correct its DTEND"


def _repetition(event: Component) -> str:
    rule = event.get("RRULE")
    for name in ("EXDATE", "RDATE"):
        if any(_has_zone(each) != _has_zone(_value(event, "DTSTART")) for each in _listed(event, name)):
            return (
                f"its {name} has no time zone that is known, or its DTSTART has none; write both in one zone"
            )
    often = str((rule.get("FREQ") or [""])[0]) if rule else ""
    return f"comes again {often}; the shortest repetition is HOURLY" if often in TOO_OFTEN else ""


def _value(event: Component, name: str) -> Any:
    """A date, a time or a length of an event; None where it has none."""
    return getattr(event.get(name), "dt", None)


def _listed(event: Component, name: str) -> list[Any]:
    """The dates and times of a property that lists some."""
    found = event.get(name, [])
    parts = found if isinstance(found, list) else [found]
    return [each.dt for part in parts for each in getattr(part, "dts", [])]


def _has_zone(value: Any) -> bool:
    """Whether it is no time without a zone; whole days need none."""
    first = value[0] if isinstance(value, tuple) else value  # a period
    return not isinstance(first, datetime) or first.tzinfo is not None


def _instant(moment: date | datetime, zone: tzinfo) -> float:
    if not isinstance(moment, datetime):
        return instant(datetime(moment.year, moment.month, moment.day), zone)  # noqa: DTZ001 - a local time
    return instant(moment.replace(tzinfo=None, fold=0), moment.tzinfo or zone)
