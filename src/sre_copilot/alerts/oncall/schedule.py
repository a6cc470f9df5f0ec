"""A schedule: layers, one above another, and overrides; who is on call when, who takes over, and when nobody is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

from sre_copilot.alerts.oncall.people import OnCall, Override, Turn
from sre_copilot.alerts.oncall.rotation import Span, merged

DAY_S = 86_400.0
LOOK_AHEAD_DAYS = (8, 64, 400)
"""How far the next hand-over is looked for, near first: a week, two months, and beyond a year."""


class Layer(Protocol):
    """Who is planned when: a rotation, or a calendar."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def priority(self) -> int:
        """The highest of those that have somebody counts; equal ones count together."""
        ...

    def turns(self, start: float, end: float) -> tuple[Turn, ...]:
        """What touches a time, each whole."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Who is on call, by layers and overrides. Times are epoch seconds UTC.

    At any instant those layers count that have somebody and whose priority is the highest among them; all persons of these are on call together. Overrides
    are laid over that in the order in which they were made.
    """

    id: str
    name: str
    time_zone: str
    layers: tuple[Layer, ...]
    overrides: tuple[Override, ...] = ()

    def on_call(self, at: float) -> tuple[OnCall, ...]:
        """Who is on call at an instant, each with the whole time; nobody is an empty answer."""
        near: list[Turn | Override] = [*self._planned(at, at + 1), *self._over(at, at + 1)]
        spans = [(each.start, each.end) for each in near if each.start <= at < each.end]
        if not spans:
            return ()
        found = self.shifts(min(low for low, _ in spans), max(high for _, high in spans))
        return tuple(each for each in found if each.start <= at < each.end)

    def shifts(self, start: float, end: float) -> tuple[OnCall, ...]:
        """Who is on call from when to when, cut to the time that is asked for, in order; a turn after one's own is a shift of its own."""
        found: list[OnCall] = []
        open_shifts: dict[OnCall, int] = {}
        for low, high, present in self._segments(start, end):
            still_open: dict[OnCall, int] = {}
            for whole in present:
                place = open_shifts.get(whole)
                if place is None:
                    place = len(found)
                    found.append(replace(whole, start=low, end=high))
                else:
                    found[place] = replace(found[place], end=high)
                still_open[whole] = place
            open_shifts = still_open
        return tuple(sorted(found, key=lambda each: (each.start, each.end, each.person)))

    def gaps(self, start: float, end: float) -> tuple[Span, ...]:
        """The times in which nobody is on call."""
        return tuple(merged((low, high) for low, high, present in self._segments(start, end) if not present))

    def next_handover(self, at: float) -> float | None:
        """The next instant at which other persons are on call than before it, or nobody; None: not within 400 days."""
        for days in LOOK_AHEAD_DAYS:
            before: frozenset[str] | None = None
            for low, _, present in self._segments(at, at + days * DAY_S):
                persons = frozenset(each.person for each in present)
                if before is not None and persons != before:
                    return low
                before = persons
        return None

    def with_overrides(self, overrides: Sequence[Override]) -> Schedule:
        """The same schedule with these overrides, of which those of other schedules are left out."""
        mine = (each for each in overrides if each.schedule == self.id)
        return replace(self, overrides=tuple(sorted(mine, key=lambda each: (each.created_at, each.id))))

    def _planned(self, start: float, end: float) -> Iterator[Turn]:
        for layer in self.layers:
            yield from layer.turns(start, end)

    def _over(self, start: float, end: float) -> list[Override]:
        return [each for each in self.overrides if each.start < end and each.end > start]

    def _segments(self, start: float, end: float) -> Iterator[tuple[float, float, tuple[OnCall, ...]]]:
        """The time in pieces within which nothing changes, each with who is on call, with the whole time of what put them there."""
        planned = [(layer.priority, turn) for layer in self.layers for turn in layer.turns(start, end)]
        planned.sort(key=lambda each: each[1].start)
        over = self._over(start, end)
        points = sorted(_points(start, end, [*(turn for _, turn in planned), *over]))
        active: list[tuple[int, Turn]] = []
        following = 0
        for low, high in pairwise(points):
            while following < len(planned) and planned[following][1].start <= low:
                active.append(planned[following])
                following += 1
            active = [each for each in active if each[1].end > low]
            base = _highest(active, self.id)
            yield low, high, _overridden(base, [each for each in over if each.start <= low < each.end])


def _points(start: float, end: float, parts: Sequence[Turn | Override]) -> set[float]:
    inside = {moment for part in parts for moment in (part.start, part.end) if start < moment < end}
    return {start, end, *inside} if start < end else set()


def _highest(active: Sequence[tuple[int, Turn]], schedule: str) -> tuple[OnCall, ...]:
    """Those of the highest priority, each person once."""
    top = max((priority for priority, _ in active), default=0)
    found: dict[str, OnCall] = {}
    for priority, turn in active:
        if priority == top:
            shift = OnCall(
                person=turn.person, start=turn.start, end=turn.end, schedule=schedule, layer=turn.layer
            )
            found.setdefault(turn.person, shift)
    return tuple(found.values())


def _overridden(base: tuple[OnCall, ...], overrides: Sequence[Override]) -> tuple[OnCall, ...]:
    """Those who are left when overrides are laid over, in their order."""
    present = {each.person: each for each in base}
    for override in overrides:
        if override.replaces and override.replaces not in present:
            continue
        substitute = OnCall(
            person=override.person,
            start=override.start,
            end=override.end,
            schedule=override.schedule,
            override=override.id,
            instead_of=override.replaces,
        )
        rest = {
            name: each for name, each in present.items() if override.replaces and name != override.replaces
        }
        present = {**rest, override.person: rest.get(override.person, substitute)}
    return tuple(present.values())
