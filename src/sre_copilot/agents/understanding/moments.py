"""Days, parts of days and times of day as they are said, and the stretch of local time that they mean."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from sre_copilot.agents.understanding.wording import Span
from sre_copilot.domain.signals import Window

DAY = 86400.0
HOUR = 3600.0
AROUND_S = 900.0  # "at three": a quarter of an hour before and after, as people say times by quarters

Part = tuple[float, float]
EARLY: Part = (0, 6)
MORNING: Part = (6, 12)
NOON: Part = (11, 13)
AFTERNOON: Part = (12, 18)
EVENING: Part = (18, 24)
NIGHT: Part = (18, 30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Now, and how local time is ahead of UTC (seconds)."""

    now: float
    offset_s: float = 0.0

    @property
    def today(self) -> date:
        """The local day."""
        return self.local(self.now).date()

    def local(self, moment: float) -> datetime:
        """Local time, without a zone."""
        return datetime.fromtimestamp(moment + self.offset_s, UTC).replace(tzinfo=None)

    def epoch(self, day: date, hours: float = 0.0) -> float:
        """Epoch seconds of a local day and hours since its midnight."""
        return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() + hours * HOUR - self.offset_s

    def day(self, ago: int) -> date:
        """The day so many days before today."""
        return self.today - timedelta(days=ago)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What was said of a time, as far as it was said.

    `hour` since midnight; `certain` says that it is meant on the clock of 24 hours. `instant` is a time that needs no reading.
    `stretch` is one that is known already. `days` how many days `day` goes on for.
    `weak`: a number that is a time only as the end of a range.
    """

    span: Span
    day: date | None = None
    days: int = 1
    part: Part | None = None
    hour: float | None = None
    certain: bool = False
    instant: float | None = None
    stretch: Window | None = None
    offset_s: float | None = None
    weak: bool = False

    @property
    def is_time(self) -> bool:
        """Whether it names a time of day, not a stretch."""
        return self.hour is not None or self.instant is not None

    @property
    def says_nothing(self) -> bool:
        """Whether it is a zone without a time."""
        return self.stretch is None and not self.is_time and self.day is None and self.part is None


def merged(first: Moment, second: Moment) -> Moment | None:
    """Two neighbours as one; None when both say the same kind of thing, or one is complete."""
    for each in (first, second):
        if each.stretch is not None or each.instant is not None:
            return None
    both = (
        (first.day is not None and second.day is not None)
        or (first.part is not None and second.part is not None)
        or (first.hour is not None and second.hour is not None)
    )
    if both or max(first.days, second.days) > 2:
        return None
    return Moment(
        span=(min(first.span[0], second.span[0]), max(first.span[1], second.span[1])),
        day=first.day if first.day is not None else second.day,
        days=max(first.days, second.days),
        part=first.part or second.part,
        hour=first.hour if first.hour is not None else second.hour,
        certain=first.certain or second.certain,
        offset_s=first.offset_s if first.offset_s is not None else second.offset_s,
    )


def readings(moment: Moment) -> tuple[float, ...]:
    """Hours since midnight of the day that a time of day can mean, the likelier last."""
    hour, part = moment.hour, moment.part
    if hour is None:
        return ()
    if part is not None:
        return (_within(hour, part),)
    if moment.certain or hour >= 12 or hour < 1:
        return (hour,)
    return (hour, hour + 12)


def _within(hour: float, part: Part) -> float:
    """The hour as the part of the day says it: 三点 in the afternoon is 15."""
    if part == EARLY:
        return hour - 12 if 12 <= hour < 13 else hour
    if part == NOON:
        return hour + 12 if hour < 4 else hour
    if part == AFTERNOON:
        return hour + 12 if hour < 12 else hour
    if part in (EVENING, NIGHT):
        if hour < 5:
            return hour + 24
        return hour + 12 if hour <= 12 else hour
    return hour


def begins(moment: Moment, calendar: Calendar, *, ahead: bool = False) -> float:
    """When it begins: the latest that has begun, or with `ahead` the first that is still to come."""
    return covered(moment, calendar, ahead=ahead).start


def covered(moment: Moment, calendar: Calendar, *, ahead: bool = False) -> Window:
    """The stretch that it means; a time of day is a stretch without length."""
    if moment.offset_s is not None:
        calendar = replace(calendar, offset_s=moment.offset_s)
    if moment.stretch is not None:
        return moment.stretch
    if moment.instant is not None:
        return Window(moment.instant, moment.instant)
    if moment.hour is not None:
        at = _time_of_day(moment, calendar, ahead=ahead)
        return Window(at, at)
    if moment.part is not None:
        return _part(moment.part, moment.day, calendar, ahead=ahead)
    day = moment.day or calendar.today
    return Window(calendar.epoch(day), calendar.epoch(day + timedelta(days=moment.days)))


def _time_of_day(moment: Moment, calendar: Calendar, *, ahead: bool) -> float:
    days = [moment.day] if moment.day is not None else [calendar.day(ago) for ago in (2, 1, 0, -1)]
    choices = sorted(calendar.epoch(day, hour) for day in days for hour in readings(moment))
    if ahead and (coming := [at for at in choices if at > calendar.now]):
        return coming[0]
    past = [at for at in choices if at <= calendar.now]
    return past[-1] if past else choices[0]


def _part(part: Part, day: date | None, calendar: Calendar, *, ahead: bool) -> Window:
    if day is None:
        day = calendar.today
        hours = (calendar.now - calendar.epoch(day)) / HOUR
        if hours < part[0] and not ahead:
            day -= timedelta(days=1)
        if hours >= part[1] and ahead:
            day += timedelta(days=1)
    return Window(calendar.epoch(day, part[0]), calendar.epoch(day, part[1]))


def between(first: Moment, second: Moment, calendar: Calendar, *, ahead: bool = False) -> Window | None:
    """From the first to the second; each lends the other the day and the part of the day that it leaves out."""
    if second.offset_s is not None and first.offset_s is None:
        first = replace(first, offset_s=second.offset_s)
    if first.offset_s is not None:
        second = replace(second, offset_s=first.offset_s)
        calendar = replace(calendar, offset_s=first.offset_s)
    if (
        first.day is None
        and second.day is not None
        and first.is_time
        and second.is_time
        and first.instant is None
    ):
        first = replace(first, day=second.day)
    if first.part is not None and first.hour is None and second.day is None and second.instant is None:
        second = replace(second, day=first.day)
    if not (first.is_time and second.is_time) or second.instant is not None:
        start, stop = covered(first, calendar, ahead=ahead), covered(second, calendar, ahead=ahead)
        end = stop.start if second.is_time else stop.end
        return Window(start.start, end) if start.start < end else None
    return _clocks(first, second, calendar, ahead=ahead)


def _clocks(first: Moment, second: Moment, calendar: Calendar, *, ahead: bool) -> Window | None:
    """A range of two times of day: of all readings the shortest, of equally short ones the latest that is over."""
    starts = _instants(first, calendar)
    pairs = [
        (start, end)
        for start in starts
        for end in _ends(first, second, start, calendar)
        if start < end <= start + DAY or (second.day is not None and second.day != first.day and start < end)
    ]
    if not pairs:
        return None
    begun = [
        pair for pair in pairs if (pair[0] >= calendar.now if ahead else pair[0] < calendar.now)
    ] or pairs
    shortest = min(end - start for start, end in begun)
    begun = [pair for pair in begun if pair[1] - pair[0] == shortest]
    over = [pair for pair in begun if pair[1] <= calendar.now]
    chosen = min(begun) if ahead else max(over or begun)
    return Window(*chosen)


def _instants(moment: Moment, calendar: Calendar) -> list[float]:
    if moment.instant is not None:
        return [moment.instant]
    days = [moment.day] if moment.day is not None else [calendar.day(ago) for ago in (2, 1, 0, -1)]
    return sorted({calendar.epoch(day, hour) for day in days for hour in readings(moment)})


def _ends(first: Moment, second: Moment, start: float, calendar: Calendar) -> list[float]:
    if second.day is not None:
        return _instants(second, calendar)
    day = calendar.local(start).date()
    after = [replace(second, day=day + timedelta(days=days)) for days in (0, 1)]
    found = [at for each in after for at in _instants(each, calendar)]
    if second.part is None and not second.certain and first.part is not None and second.hour is not None:
        found.append(calendar.epoch(first.day or day, _within(second.hour, first.part)))
    return found
