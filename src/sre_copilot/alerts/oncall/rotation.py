"""A layer of a schedule in which persons take turns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Literal

from sre_copilot.alerts.oncall.local_time import instant, on_day, wall
from sre_copilot.alerts.oncall.people import Turn

Every = Literal["daily", "weekly", "hours"]
UNITS = {"daily": timedelta(days=1), "weekly": timedelta(weeks=1), "hours": timedelta(hours=1)}
DAY_S = 86_400
Span = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """Times of day, on the weekdays (0: Monday) on which they begin. Seconds since 00:00; an end that is not after the start is on the next day."""

    days: tuple[int, ...]
    start_s: int
    end_s: int

    def on(self, day: date, zone: tzinfo) -> Iterator[Span]:
        """The span that begins on a day; none on other days, nor where a change of the clocks left it out."""
        if day.weekday() not in self.days:
            return
        start = on_day(day, self.start_s, zone)
        end = on_day(day, self.end_s + (DAY_S if self.end_s <= self.start_s else 0), zone)
        if end > start:
            yield start, end


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """Persons in an order, each for `length` days, weeks or hours of the clock on the wall.

    Turns change at `hand_over`, local time, and for weeks on `weekday`: 09:00 stays 09:00 when the clocks change, so that one day a year has 23 hours and one
    has 25. The first turn begins on `start`, and is shorter where that is another weekday. With `restrictions` only those times of each turn count; the
    others are nobody's in this layer. Before `start`, and from `until` on, it has nobody.
    """

    name: str
    every: Every
    order: tuple[str, ...]
    start: date
    zone: tzinfo
    length: int = 1
    hand_over: time = time(9)
    weekday: int = 0
    restrictions: tuple[Restriction, ...] = ()
    until: date | None = None
    priority: int = 0

    def turns(self, start: float, end: float) -> tuple[Turn, ...]:
        """The turns that touch a time, whole, in order."""
        begin, last = self._bounds()
        low, high = max(start, begin), min(end, last)
        if low >= high:
            return ()
        found: list[Turn] = []
        number = max(0, self._number(low))
        while (at := self._boundary(number)) < high:
            found += self._turn(number, max(at, begin), min(self._boundary(number + 1), last))
            number += 1
        return tuple(turn for turn in found if turn.start < end and turn.end > start)

    def _turn(self, number: int, start: float, end: float) -> Iterator[Turn]:
        person = self.order[number % len(self.order)]
        for low, high in self._allowed(start, end) if start < end else ():
            yield Turn(person=person, start=low, end=high, layer=self.name)

    def _bounds(self) -> Span:
        last = (
            instant(datetime.combine(self.until, self.hand_over), self.zone) if self.until else float("inf")
        )
        return instant(datetime.combine(self.start, self.hand_over), self.zone), last

    def _anchor(self) -> datetime:
        """The hand-over on the wall that begins turn 0."""
        back = (self.start.weekday() - self.weekday) % 7 if self.every == "weekly" else 0
        return datetime.combine(self.start - timedelta(days=back), self.hand_over)

    def _boundary(self, number: int) -> float:
        """When turn `number` begins."""
        return instant(self._anchor() + number * self.length * UNITS[self.every], self.zone)

    def _number(self, at: float) -> int:
        """The turn under way: the last that has begun."""
        number = (wall(at, self.zone) - self._anchor()) // (self.length * UNITS[self.every])
        while self._boundary(number) > at:
            number -= 1
        while self._boundary(number + 1) <= at:
            number += 1
        return number

    def _allowed(self, start: float, end: float) -> Iterator[Span]:
        """The parts of a turn that the restrictions leave."""
        if not self.restrictions:
            yield start, end
            return
        for low, high in merged(self._windows(start, end)):
            if max(low, start) < min(high, end):
                yield max(low, start), min(high, end)

    def _windows(self, start: float, end: float) -> Iterator[Span]:
        day = wall(start, self.zone).date() - timedelta(
            days=2
        )  # one that began on the day before may reach in
        last = wall(end, self.zone).date()
        while day <= last:
            for restriction in self.restrictions:
                yield from restriction.on(day, self.zone)
            day += timedelta(days=1)


def merged(spans: Iterator[Span]) -> list[Span]:
    """Spans in order, those that touch or overlap as one."""
    found: list[Span] = []
    for low, high in sorted(spans):
        if found and low <= found[-1][1]:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return found
