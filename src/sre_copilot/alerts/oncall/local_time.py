"""Local times as instants, also those that a change of the clocks left out or made twice.

A local time that does not exist (the clocks went forward over it) means the instant at which they went forward; one that exists twice means the first of the
two. So a later local time is never an earlier instant, and every local time is exactly one.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache


@lru_cache(maxsize=65536)  # the same hand-overs are asked for again and again
def instant(local: datetime, zone: tzinfo) -> float:
    """Epoch seconds of a local time (without a zone of its own) in a zone."""
    aware = local.replace(tzinfo=zone, fold=0)
    if wall(aware.timestamp(), zone) == local:
        return aware.timestamp()
    return _change_before(aware.timestamp(), local.replace(tzinfo=zone, fold=1).timestamp(), zone)


def wall(at: float, zone: tzinfo) -> datetime:
    """What the clocks on the wall show at an instant."""
    return datetime.fromtimestamp(at, UTC).astimezone(zone).replace(tzinfo=None, fold=0)


def on_day(day: date, seconds: int, zone: tzinfo) -> float:
    """Epoch seconds of a time of day, given as seconds since 00:00; 86,400 is the end of the day."""
    return instant(datetime.combine(day, time()) + timedelta(seconds=seconds), zone)


def _change_before(one: float, other: float, zone: tzinfo) -> float:
    """The instant, to the second, at which the offset of a zone changes between two others."""
    low, high = int(min(one, other)), int(max(one, other))
    before = _offset(low, zone)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(middle, zone) == before else (low, middle)
    return float(high)


def _offset(at: float, zone: tzinfo) -> timedelta | None:
    return datetime.fromtimestamp(at, UTC).astimezone(zone).utcoffset()
