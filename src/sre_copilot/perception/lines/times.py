"""Times as log lines write them, as epoch nanoseconds UTC."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any

DAY_S = 86_400
LATEST_YEAR = 2261  # the last whole year whose nanoseconds fit 64 bits
UNITS = ((10**8, 10**10, 10**9), (10**11, 10**13, 10**6), (10**14, 10**16, 10**3), (10**17, 2**63, 1))
"""Numbers of seconds, milliseconds, microseconds, nanoseconds since 1970, and their nanoseconds: for 1973 to 2261 they do not overlap."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_CLOCK = r"(\d\d:\d\d:\d\d)(?:[.,:](\d{1,9}))?"
_ZONE = r"(?: ?(Z|UTC|GMT|[+-]\d\d:?\d\d)(?!\d))?"
_HEAD = r"[\s\[(\"']*(?:<\d{1,3}>(?:\d )?)?(?:\[?(?:[A-Z]{4,9}|[a-z]{4,9})\]?:?[\s\[(]+)?"
"""What may stand before the time of a plain line: brackets, a syslog priority, a level."""


@dataclass(frozen=True, slots=True)
class Times:
    """Reads times.

    `zone` holds for times that name none; `reference` (epoch s) is when the line was written at the latest: forms
    without a year (syslog) mean the last such day before it.
    """

    zone: tzinfo = UTC
    reference: float = field(default_factory=lambda: datetime.now(UTC).timestamp())

    def at_head(self, line: str) -> int | None:
        """The time that a line begins with."""
        found = _HEAD_FORM.match(line)
        return self._read(line, found.end()) if found else None

    def of(self, value: Any) -> int | None:
        """The time that a field holds: a number since 1970, or a text."""
        if isinstance(value, bool) or value is None:
            return None
        if isinstance(value, int | float):
            return from_number(value)
        text = str(value).strip()
        return self._read(text, 0) if len(text) < 80 else None

    def _read(self, text: str, start: int) -> int | None:
        for form, read in _FORMS:
            found = form.match(text, start)
            if found and (time := read(self, found)) is not None:
                return time
        return None


def from_number(number: float) -> int | None:
    """Epoch time of any unit as nanoseconds; None when its size is that of no unit."""
    for low, high, factor in UNITS:
        if low <= number < high:
            whole = int(number)
            rest = 0 if isinstance(number, int) else round((number - whole) * 10**6) * factor // 10**6
            time = whole * factor + rest
            return time if time < 2**63 else None
    return None


@lru_cache(maxsize=65536)
def _seconds(year: int, month: int, day: int, clock: str, zone: tzinfo) -> int | None:
    """Epoch seconds of a wall clock; a leap second is the second after it."""
    hour, minute, second = int(clock[:2]), int(clock[3:5]), int(clock[6:8])
    if second > 60 or not 1970 <= year <= LATEST_YEAR:
        return None
    try:
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=zone)
        return int(moment.timestamp()) + (second == 60)
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=256)
def _zone(text: str) -> tzinfo | None:
    """The zone of an offset; None for names, which mean different things in different countries, and for offsets there are none of."""
    if text in {"Z", "UTC", "GMT"}:
        return UTC
    if text[0] not in "+-":
        return None
    moved = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(-moved if text[0] == "-" else moved) if moved <= timedelta(hours=14) else None


def _time(
    times: Times, day: tuple[int, int, int], clock: str, fraction: str | None, zone: str | None
) -> int | None:
    where = _zone(zone) if zone else times.zone
    seconds = _seconds(*day, clock, where or times.zone)
    if seconds is None:
        return None
    return seconds * 10**9 + (int(fraction.ljust(9, "0")) if fraction else 0)


def _month(name: str) -> int:
    return _MONTHS.index(name.lower()) + 1


def _iso(times: Times, m: re.Match[str]) -> int | None:
    return _time(times, (int(m[1]), int(m[2]), int(m[3])), m[4], m[5], m[6])


def _compact(times: Times, m: re.Match[str]) -> int | None:
    clock = f"{m[4]}:{m[5]}:{m[6]}"
    return _time(times, (int(m[1]), int(m[2]), int(m[3])), clock, m[7], m[8])


def _day_first(times: Times, m: re.Match[str]) -> int | None:
    return _time(times, (int(m[3]), _month(m[2]), int(m[1])), m[4], m[5], m[6])


def _month_first(times: Times, m: re.Match[str]) -> int | None:
    return _time(times, (int(m[3]), _month(m[1]), int(m[2])), m[4], m[5], None)


def _year_last(times: Times, m: re.Match[str]) -> int | None:
    return _time(times, (int(m[6]), _month(m[1]), int(m[2])), m[3], m[4], m[5])


def _two_digits(times: Times, m: re.Match[str]) -> int | None:
    return _time(times, (2000 + int(m[1]), int(m[2]), int(m[3])), m[4], m[5], None)


def _without_year(times: Times, month: int, day: int, clock: str, fraction: str | None) -> int | None:
    """The last such day that is not after the reference; a day of grace, for clocks and zones differ."""
    year = datetime.fromtimestamp(times.reference, UTC).year
    for each in (year + 1, year, year - 1, year - 2, year - 3, year - 4):  # 29 February: once in four years
        time = _time(times, (each, month, day), clock, fraction, None)
        if time is not None and time <= (times.reference + DAY_S) * 10**9:
            return time
    return None


def _syslog(times: Times, m: re.Match[str]) -> int | None:
    return _without_year(times, _month(m[1]), int(m[2]), m[3], m[4])


def _klog(times: Times, m: re.Match[str]) -> int | None:
    return _without_year(times, int(m[1]), int(m[2]), m[3], m[4])


def _number(_times: Times, m: re.Match[str]) -> int | None:
    whole = from_number(int(m[1]))
    if whole is None or not m[2]:
        return whole
    return whole + int(m[2].ljust(9, "0")) if len(m[1]) == 10 else whole


_FORMS: tuple[tuple[re.Pattern[str], Callable[[Times, re.Match[str]], int | None]], ...] = tuple(
    (re.compile(form), read)
    for form, read in (
        (rf"(\d{{4}})[-/.](\d\d)[-/.](\d\d)(?:[T _]|\s+){_CLOCK}{_ZONE}", _iso),
        (rf"(\d\d)[/ -]{_MONTH}[/ -](\d{{4}})[: ]{_CLOCK}{_ZONE}", _day_first),
        (rf"{_DAY}, (\d\d) {_MONTH} (\d{{4}}) {_CLOCK}{_ZONE}", _day_first),
        (
            rf"(?:{_DAY} )?{_MONTH} +(\d{{1,2}}) {_CLOCK} (?:([A-Z]{{3}}|[+-]\d{{4}}) )?(\d{{4}})\b",
            _year_last,
        ),
        (rf"{_MONTH} +(\d{{1,2}}),? (\d{{4}}) {_CLOCK}", _month_first),
        (rf"(?:{_DAY} )?{_MONTH} +(\d{{1,2}}) {_CLOCK}", _syslog),
        (rf"[IWEF](\d\d)(\d\d) {_CLOCK}", _klog),
        (rf"(\d\d)/(\d\d)/(\d\d) {_CLOCK}", _two_digits),
        (rf"(\d{{4}})(\d\d)(\d\d)[T -](\d\d):?(\d\d):?(\d\d)(?:[.,](\d{{1,9}}))?{_ZONE}", _compact),
        (r"(\d{10}|\d{13}|\d{16}|\d{19})(?:\.(\d{1,9}))?(?=$|[\s,:;|\])])", _number),
    )
)
_HEAD_FORM = re.compile(rf"(?:{_HEAD})(?=[0-9A-Z])")
