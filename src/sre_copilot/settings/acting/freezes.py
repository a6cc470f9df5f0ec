"""Times in which nothing may be changed: once, or again and again by an RRULE on the wall clock of a time zone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import MAXYEAR, UTC, datetime, timedelta
from itertools import takewhile
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rrulestr  # type: ignore[import-untyped]
from pydantic import AwareDatetime, Field, model_validator

from sre_copilot.settings.section import Section

Patterns = list[Annotated[str, Field(min_length=1, max_length=300)]]
FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
PARTS = frozenset(
    ("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYMONTH", "BYMONTHDAY", "BYDAY", "BYSETPOS")
)
"""Parts whose cost is bounded by the days since the start; the time of day is that of the start."""
LONGEST_DAYS = 366
YEARS_AHEAD = 100
"""So far at least a rule that never ends is followed."""
CYCLE_YEARS = 400
"""After them the calendar repeats to the day of the week."""
_UNTIL = re.compile(r";?UNTIL=(\d{8})(?:T(\d{6})(Z?))?(?=;|$)")


class FreezeWindow(Section):
    """A time in which what fits is not changed; what is not named may be anything. Reading is always allowed."""

    name: str = Field(min_length=1, max_length=100)
    """What people call it; shown to whoever is refused."""
    starts_at: AwareDatetime
    """Begin, with its offset: `2026-12-24T18:00:00+01:00`."""
    ends_at: AwareDatetime
    """End, excluded; of one that recurs, the end of the first time: each lasts as long as the first."""
    rrule: str = Field(default="", max_length=2000)
    """RRULE (RFC 5545) by which it recurs, without that word: `FREQ=WEEKLY;BYDAY=FR`; empty: once."""
    time_zone: str = "UTC"
    """Zone on whose wall clock it recurs: `Europe/Berlin`."""
    environments: Patterns = Field(default_factory=list)
    """Environments by name, or by what they are (`production` also means `prod`, and what is unknown)."""
    targets: Patterns = Field(default_factory=list)
    """Keys of targets, `executor/namespace/kind/name`."""
    effect: Literal["forbid", "approval"] = "forbid"
    """`forbid`: nobody may change anything; `approval`: a time of care (a sale, the busiest hours), in which nothing runs without a person."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.ends_at <= self.starts_at:
            raise ValueError("ends_at: must lie after starts_at")
        try:
            zone = ZoneInfo(self.time_zone)
        except (KeyError, ValueError, OSError):
            raise ValueError(
                f"time_zone: {self.time_zone!r} is no time zone; write one such as UTC or Europe/Berlin"
            ) from None
        if self.rrule:
            self._recurs(zone)
        return self

    def _recurs(self, zone: ZoneInfo) -> None:
        if (self.ends_at - self.starts_at).days > LONGEST_DAYS:
            raise ValueError("ends_at: what recurs lasts a year at most; leave rrule out")
        begin = self.starts_at.astimezone(zone).replace(tzinfo=None)
        endless = re.sub(r";?(COUNT|UNTIL)=[^;]*", "", self.rrule, flags=re.IGNORECASE).strip(";")
        far = begin + timedelta(days=YEARS_AHEAD * 365)
        first = next(local_starts(endless, begin, zone, before=far), None)
        if first != begin.replace(microsecond=0):
            words = f"the first is {first.isoformat(sep=' ')}" if first else "it never is"
            raise ValueError(f"starts_at: is no time of rrule on the clock of {self.time_zone}; {words}")
        if next(local_starts(self.rrule, begin, zone, before=begin), None) is None:
            raise ValueError("rrule: UNTIL lies before starts_at, so it never is; take a later day")


def local_starts(rule: str, begin: datetime, zone: ZoneInfo, *, before: datetime) -> Iterator[datetime]:
    """The times of a rule on the wall, from `begin` up to `before`, in order, each at the time of day of `begin`.

    It is followed whole cycles of the calendar later, close to the last year that can be written: the search of a rule that fits no day ends there, within
    half a second, and would else take ten.

    Raises
    ------
    ValueError : names the part that cannot be used, and the way out
    """
    text = rule.strip().upper().removeprefix("RRULE:")
    _check(text)
    until = _UNTIL.search(text)
    last = min(before, _on_the_wall(until, zone)) if until else before
    years = (MAXYEAR - begin.year - YEARS_AHEAD) // CYCLE_YEARS * CYCLE_YEARS
    later = begin.replace(microsecond=0, year=begin.year + years)
    try:
        found = rrulestr(_UNTIL.sub("", text).strip(";"), dtstart=later)
    except (ValueError, IndexError, KeyError, TypeError) as error:
        raise ValueError(f"rrule: is no RRULE: {error}; write one such as FREQ=WEEKLY;BYDAY=FR") from None
    if not isinstance(found, rrule):
        raise ValueError("rrule: must be a single RRULE; write one such as FREQ=WEEKLY;BYDAY=FR")
    times = (each.replace(year=each.year - years) for each in found)
    return takewhile(lambda each: each <= last, times)


def _check(text: str) -> None:
    """Refuse what is unknown here, or would be followed for ever."""
    pairs = [each.partition("=")[::2] for each in text.split(";") if each]
    parts = dict(pairs)
    if len(parts) != len(pairs):
        raise ValueError("rrule: a part stands twice; keep one")
    if parts.get("FREQ") not in FREQUENCIES:
        raise ValueError(f"rrule: FREQ must be one of {', '.join(FREQUENCIES)}")
    if unknown := sorted(parts.keys() - PARTS):
        raise ValueError(f"rrule: {unknown[0]} cannot be used here; known are {', '.join(sorted(PARTS))}")
    if {"COUNT", "UNTIL"} <= parts.keys():
        raise ValueError("rrule: COUNT and UNTIL exclude each other; keep one")
    for name in ("INTERVAL", "COUNT"):
        if name in parts and not re.fullmatch(r"[1-9]\d{0,3}", parts[name]):
            raise ValueError(f"rrule: {name} must be a whole number from 1 to 9999")


def _on_the_wall(until: re.Match[str], zone: ZoneInfo) -> datetime:
    """The last moment on the wall clock, as the start is; a day alone counts to its end."""
    day, time, utc = until.groups()
    try:
        moment = datetime.strptime(day + (time or "235959"), "%Y%m%d%H%M%S")  # noqa: DTZ007 - on the wall
    except ValueError:
        raise ValueError("rrule: UNTIL is no day of the calendar; write one such as 20271231") from None
    return moment.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None) if utc else moment
