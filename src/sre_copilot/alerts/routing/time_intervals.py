"""Time intervals of Alertmanager: at which times of which days a route is quiet, or speaks at all."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from sre_copilot.alerts.zones import zone

Range = tuple[int, int]
MINUTE_S = 60  # nothing in an interval is finer, and no zone has been off by less since 1972


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeInterval:
    """Times that fulfil all that is given; None asks for nothing, an empty list is never fulfilled.

    `times` are minutes of the day (the end excluded), `weekdays` 0 (Sunday) to 6, `days_of_month` 1 to 31 or -1 (the last) to -31, `months` 1 to 12; both ends of these belong
    to a range. All are local in `location`, by the clock on the wall: an hour that a change of the clock leaves out is not there, one that comes twice is in twice.
    """

    times: tuple[Range, ...] | None = None
    weekdays: tuple[Range, ...] | None = None
    days_of_month: tuple[Range, ...] | None = None
    months: tuple[Range, ...] | None = None
    years: tuple[Range, ...] | None = None
    location: str = "UTC"

    def contains(self, moment: float) -> bool:
        """Whether it holds at an epoch second."""
        local = datetime.fromtimestamp(moment, zone(self.location))
        minute = local.hour * 60 + local.minute
        return (
            (self.times is None or any(begin <= minute < end for begin, end in self.times))
            and _within(self.weekdays, local.isoweekday() % 7)
            and self._on_day(local)
            and _within(self.months, local.month)
            and _within(self.years, local.year)
        )

    def _on_day(self, local: datetime) -> bool:
        if self.days_of_month is None:
            return True
        last = calendar.monthrange(local.year, local.month)[1]
        return any(
            _day(begin, last) <= local.day <= min(_day(end, last), last) for begin, end in self.days_of_month
        )


def _day(day: int, last: int) -> int:
    """A day counted from the end of a month, as one counted from its beginning."""
    return day if day > 0 else last + day + 1


def _within(ranges: tuple[Range, ...] | None, value: int) -> bool:
    return ranges is None or any(begin <= value <= end for begin, end in ranges)


class TimeIntervals:
    """Named sets of intervals; a name is active while any of its intervals holds."""

    def __init__(self, intervals: Mapping[str, Iterable[TimeInterval]] | None = None) -> None:
        self.by_name = {name: tuple(each) for name, each in (intervals or {}).items()}
        self._at = lru_cache(maxsize=1024)(self._active_in_minute)

    def active(self, names: Iterable[str], now: float) -> tuple[str, ...]:
        """Those of the names that are active, in their order; a name that is not known is not active."""
        minute = int(now // MINUTE_S)
        return tuple(name for name in names if self._at(name, minute))

    def muted_by(self, mute: tuple[str, ...], active: tuple[str, ...], now: float) -> tuple[str, ...]:
        """Why a route is quiet: the active ones of its `mute_time_intervals`; else, when it has `active_time_intervals` and none of them is active, all of these."""
        if muting := self.active(mute, now):
            return muting
        return active if active and not self.active(active, now) else ()

    def _active_in_minute(self, name: str, minute: int) -> bool:
        return any(each.contains(minute * MINUTE_S) for each in self.by_name.get(name, ()))
