"""Time intervals as they are written: `monday:friday`, `-3:-1`, `09:00`."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import re2  # type: ignore[import-untyped]

from sre_copilot.alerts.routing.time_intervals import Range, TimeInterval
from sre_copilot.alerts.zones import zone
from sre_copilot.errors import UsageError
from sre_copilot.settings.alerting.routing import TimeRangeSettings, TimeSpanSettings

WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
SHORTEST_MONTH = 28
_CLOCK = re2.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")


def interval_of(span: TimeSpanSettings) -> TimeInterval:
    """The interval that was written.

    Raises
    ------
    UsageError : names the key, the entry and the way out
    """
    zone(span.location)
    return TimeInterval(
        times=None if span.times is None else tuple(map(_times, span.times)),
        weekdays=_ranges(span.weekdays, "weekdays", _weekday),
        days_of_month=_ranges(span.days_of_month, "days_of_month", _day_of_month, _is_span_of_days),
        months=_ranges(span.months, "months", _month),
        years=_ranges(span.years, "years", _year),
        location=span.location,
    )


def _times(given: TimeRangeSettings) -> Range:
    begin, end = _minute(given.start_time), _minute(given.end_time)
    if begin >= end:
        raise UsageError(
            f"times: {given.start_time} is not before {given.end_time}; write a span over midnight as two, one to 24:00 and one from 00:00"
        )
    return begin, end


def _minute(text: str) -> int:
    found = _CLOCK.fullmatch(text)
    if not found:
        raise UsageError(f"times: {text!r} is no time of day; write HH:MM, from 00:00 to 24:00")
    return 1440 if text == "24:00" else int(found.group(1)) * 60 + int(found.group(2))


def _ranges(
    texts: Iterable[str] | None,
    key: str,
    member: Callable[[str], int],
    in_order: Callable[[int, int], bool] = lambda begin, end: begin <= end,
) -> tuple[Range, ...] | None:
    return None if texts is None else tuple(_range(text, key, member, in_order) for text in texts)


def _range(text: str, key: str, member: Callable[[str], int], in_order: Callable[[int, int], bool]) -> Range:
    """`from:to`, or one of them alone."""
    first, colon, last = text.lower().partition(":")
    try:
        begin = member(first)
        end = member(last) if colon else begin
    except ValueError as error:
        raise UsageError(f"{key}: {text!r} cannot be read; {error}") from None
    if not in_order(begin, end):
        raise UsageError(f"{key}: {text!r} ends before it begins; write it as two")
    return begin, end


def _weekday(text: str) -> int:
    if text not in WEEKDAYS:
        raise ValueError("write the day out, such as monday or saturday:sunday as two entries")
    return WEEKDAYS.index(text)


def _month(text: str) -> int:
    number = MONTHS.index(text) + 1 if text in MONTHS else _number(text)
    if not 1 <= number <= len(MONTHS):
        raise ValueError("write a month as 1 to 12 or as january to december")
    return number


def _day_of_month(text: str) -> int:
    number = _number(text)
    if number == 0 or abs(number) > 31:
        raise ValueError("write 1 to 31, or -1 (the last day) to -31")
    return number


def _year(text: str) -> int:
    return _number(text)


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("it must be a number") from None


def _is_span_of_days(begin: int, end: int) -> bool:
    """Whether it is one in some month; counted from the end of the shortest, as Alertmanager does."""
    if begin < 0 < end:
        return False
    first, last = (day if day > 0 else SHORTEST_MONTH + day for day in (begin, end))
    return first <= last
