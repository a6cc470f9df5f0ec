"""When something that recurs by an RRULE (RFC 5545) begins: by the clock on the wall of a time zone, and in bounded time.

A time of day that a change of the clock leaves out comes as much later as the clock was moved (02:30 is then 03:30), so that a planned work is not left out, where the RFC would skip it; a time
that comes twice is taken the first time. What lasts, lasts as many seconds each time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import MAXYEAR, UTC, datetime
from functools import lru_cache
from heapq import heappop, heappush
from itertools import chain
from math import prod

from dateutil.rrule import rrule, rrulestr  # type: ignore[import-untyped]

from sre_copilot.alerts.zones import zone
from sre_copilot.errors import UsageError

FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
PARTS = frozenset(
    (
        "FREQ",
        "INTERVAL",
        "COUNT",
        "UNTIL",
        "WKST",
        "BYMONTH",
        "BYMONTHDAY",
        "BYDAY",
        "BYSETPOS",
        "BYHOUR",
        "BYMINUTE",
    )
)
TIMES_A_DAY = 24
"""Most times of day on one day: a work that begins more often than once an hour is no planned work."""
WEEKS = 53  # of a year at most
YEARS_AHEAD = 100
"""So far at least a rule that never ends is followed."""
CYCLE_YEARS = 400
"""After them the calendar repeats to the day of the week."""
MOVED_S = 90_000.0
"""By no more than this a clock was ever moved: a day, where the date line was changed, and an hour."""
MAX_LENGTH = 2000  # characters of a rule; one with all parts filled has some hundreds


def problem_of(rule: str) -> str:
    """What is wrong with a rule, with the way out; '' when it can be used."""
    try:
        parts = _checked(rule)
        every = ";".join(f"{name}={value}" for name, value in parts.items() if name != "INTERVAL")
        occurs = next(_local_starts(every, datetime(2024, 1, 1), "UTC"), None)  # noqa: DTZ001 - on the wall
    except UsageError as error:
        return str(error)
    return "" if occurs or "UNTIL" in parts else "never occurs; name days that exist"


def starts(rule: str, *, first: float, time_zone: str, since: float, until: float) -> Iterator[float]:
    """When it begins, from `since` to `until` (both included), in order.

    Parameters
    ----------
    rule : RRULE without that word; '' for what comes once
    first : where it all begins; gives the time of day, and the day of the week or month where the rule names none
    """
    if not rule:
        if since <= first <= until:
            yield first
        return
    place = zone(time_zone)
    begin = datetime.fromtimestamp(first, place).replace(tzinfo=None, microsecond=0)
    earliest = datetime.fromtimestamp(max(since - MOVED_S, 0), place).replace(tzinfo=None)
    moments = (
        first if local == begin else local.replace(tzinfo=place).timestamp()
        for local in _local_starts(rule, begin, time_zone)
        if local >= earliest
    )
    for moment in _ordered(moments):
        if moment > until:
            return
        if moment >= since:
            yield moment


def _ordered(moments: Iterator[float]) -> Iterator[float]:
    """The same in order, each once: one that the clock moved on may meet or pass those behind it."""
    held: list[float] = []
    last = float("-inf")
    for moment in chain(moments, [float("inf")]):
        while held and held[0] <= moment - MOVED_S:
            earliest = heappop(held)
            if earliest > last:
                yield earliest
            last = earliest
        heappush(held, moment)


def first_start(rule: str, *, first: float, time_zone: str) -> float | None:
    """When it begins for the first time; None when never."""
    far = first + YEARS_AHEAD * 366 * 86_400
    return next(starts(rule, first=first, time_zone=time_zone, since=first, until=far), None)


def _local_starts(rule: str, begin: datetime, time_zone: str) -> Iterator[datetime]:
    """The times on the wall.

    The rule is followed in years that lie whole cycles of the calendar later, close to the last one that can be written: the search of a rule that fits no day ends
    there, within a fraction of a second.
    """
    cycles = (MAXYEAR - begin.year - YEARS_AHEAD) // CYCLE_YEARS * CYCLE_YEARS
    for each in _followed(rule, begin.replace(year=begin.year + cycles), cycles, time_zone):
        yield each.replace(year=each.year - cycles)


def _followed(rule: str, begin: datetime, cycles: int, time_zone: str) -> rrule:
    parts = dict(_checked(rule))
    until = parts.pop("UNTIL", "")
    try:
        found = rrulestr(";".join(f"{name}={value}" for name, value in parts.items()), dtstart=begin)
    except (ValueError, IndexError, KeyError, TypeError) as error:
        raise UsageError(f"is no RRULE: {error}; write one such as FREQ=WEEKLY;BYDAY=SU") from None
    if not isinstance(found, rrule):
        raise UsageError("must be a single RRULE; write one such as FREQ=WEEKLY;BYDAY=SU")
    if not until:
        return found
    end = _until(until, time_zone)
    fits = end.year + cycles <= MAXYEAR
    return found.replace(until=end.replace(year=end.year + cycles)) if fits else found


@lru_cache(maxsize=1024)
def _checked(rule: str) -> Mapping[str, str]:
    """The parts of a rule whose cost is bounded."""
    parts = _parts(rule)
    if parts.get("FREQ") not in FREQUENCIES:
        raise UsageError(
            f"FREQ must be one of {', '.join(FREQUENCIES)}; several times a day are written FREQ=DAILY;BYHOUR=0,6,12,18"
        )
    if unknown := sorted(parts.keys() - PARTS):
        raise UsageError(f"{unknown[0]} cannot be used here; known are {', '.join(sorted(PARTS))}")
    if "COUNT" in parts and "UNTIL" in parts:
        raise UsageError("COUNT and UNTIL exclude each other; keep one")
    for name in ("INTERVAL", "COUNT"):
        if name in parts and not (
            parts[name].isascii() and parts[name].isdigit() and 0 < int(parts[name]) < 10_000
        ):
            raise UsageError(f"{name} must be a whole number from 1 to 9999")
    if prod(parts[name].count(",") + 1 for name in ("BYHOUR", "BYMINUTE") if name in parts) > TIMES_A_DAY:
        raise UsageError(f"begins more than {TIMES_A_DAY} times a day; let one window last longer instead")
    if "UNTIL" in parts:
        _until(parts["UNTIL"], "UTC")
    _check_days(parts)
    return parts


def _check_days(parts: Mapping[str, str]) -> None:
    """Refuse a number before a weekday where it has no meaning."""
    numbers = [each.lstrip("+-")[:-2] for each in parts.get("BYDAY", "").split(",")]
    given = [each for each in numbers if each]
    if given and parts["FREQ"] not in ("MONTHLY", "YEARLY"):
        raise UsageError(
            "BYDAY takes a number before a day only with FREQ=MONTHLY or YEARLY; write MO instead of 1MO"
        )
    if any(not each.isdigit() or not 1 <= int(each) <= WEEKS for each in given):
        raise UsageError(f"BYDAY must be days such as MO, 1MO or -1SU; the number is at most {WEEKS}")


def _parts(rule: str) -> dict[str, str]:
    if len(rule) > MAX_LENGTH or "\n" in rule or "\r" in rule:
        raise UsageError(f"must be one line of at most {MAX_LENGTH} characters")
    pairs = [part.partition("=") for part in rule.strip().upper().removeprefix("RRULE:").split(";") if part]
    names = [name for name, _, _ in pairs]
    if not pairs or not all(value for _, _, value in pairs) or len(set(names)) != len(names):
        raise UsageError("is no RRULE; write one such as FREQ=WEEKLY;BYDAY=SU, each part once")
    return {name: value for name, _, value in pairs}


def _until(text: str, time_zone: str) -> datetime:
    """The last moment, by the clock on the wall; a day alone counts to its end."""
    for form, is_utc in (("%Y%m%dT%H%M%SZ", True), ("%Y%m%dT%H%M%S", False), ("%Y%m%d", False)):
        try:
            found = datetime.strptime(text, form)  # noqa: DTZ007 - on the wall
        except ValueError:
            continue
        if is_utc:
            return found.replace(tzinfo=UTC).astimezone(zone(time_zone)).replace(tzinfo=None)
        return found if "T" in text else found.replace(hour=23, minute=59, second=59)
    raise UsageError("UNTIL must be a time such as 20270131T235959Z or a day such as 20270131")
