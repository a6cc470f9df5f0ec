"""Maintenance windows: planned works during which alerts are muted; when one ends, they stand again as they were.

A window lasts from its start to its end, once, or with an RRULE again and again, each time as many seconds as the first. See `recurrence` for what the clock does.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import NamedTuple

from sre_copilot.alerts.matcher_index import MatcherIndex
from sre_copilot.alerts.matchers import of_api
from sre_copilot.alerts.problems import InvalidError, Problem, read_matchers
from sre_copilot.alerts.recurrence import first_start, problem_of, starts
from sre_copilot.alerts.silences import State
from sre_copilot.alerts.state import MaintenanceState
from sre_copilot.alerts.zones import zone
from sre_copilot.errors import UsageError

DAY_S = 86_400.0
AHEAD_S = 8 * DAY_S  # so far occurrences are laid out at once: a week, and some to spare
LONGEST_S = 366 * DAY_S
"""Longest window that recurs."""
OLDEST_S = 10 * LONGEST_S
"""Longest way back of the start of one that recurs: the rule is followed from there."""
FAR_S = 100 * LONGEST_S
"""How far ahead the next time is looked for."""
MOST = 1000
"""Occurrences that are listed at once."""


class Occurrence(NamedTuple):
    """One time of work: its start and its end, in epoch seconds."""

    start: float
    end: float


@dataclass(slots=True)
class _Laid:
    """A window with its starts of some time around now."""

    window: MaintenanceState
    begins: list[float]
    since: float = 0.0
    until: float = -1.0

    @property
    def length(self) -> float:
        """Seconds that each time lasts."""
        return self.window.ends_at - self.window.starts_at

    def current(self, now: float) -> tuple[float | None, float | None]:
        """The latest start up to now and the first after it."""
        if not self.since <= now <= self.until:
            self._lay(now)
        place = bisect_right(self.begins, now)
        return (
            self.begins[place - 1] if place else None,
            self.begins[place] if place < len(self.begins) else None,
        )

    def _lay(self, now: float) -> None:
        """Lay out the starts that concern the time from now on, and one more, so that the next one is always known."""
        self.since, self.until, self.begins = now, now + AHEAD_S, []
        for begin in _starts(self.window, since=now - self.length, until=now + FAR_S):
            self.begins.append(begin)
            if begin > self.until:
                return

    def is_active(self, now: float) -> bool:
        """Whether one of its times is now."""
        begin, _ = self.current(now)
        return begin is not None and now < min(begin + self.length, _end_of(self.window))

    def next_change(self, now: float) -> float | None:
        """When it begins or ends next."""
        begin, following = self.current(now)
        end = _end_of(self.window)
        if now >= end:
            return None
        moments = [following, begin + self.length if begin is not None else None]
        return min((min(each, end) for each in moments if each is not None and each > now), default=None)


def problems_of(window: MaintenanceState, now: float) -> tuple[Problem, ...]:
    """What it must be refused for."""
    problems = read_matchers(window.matchers)[1]
    for name, why in (("owner", "who answers for the work"), ("reason", "why it is done")):
        if not getattr(window, name).strip():
            problems.append(Problem(name, f"is missing; say {why}"))
    if window.ends_at <= window.starts_at:
        problems.append(Problem("ends_at", "must lie after starts_at"))
    if not window.rrule and window.ends_at <= now:
        problems.append(Problem("ends_at", "lies in the past; name a time to come"))
    try:
        zone(window.time_zone)
    except UsageError as error:
        return (*problems, Problem("time_zone", str(error)))
    if window.rrule:
        problems += _problems_of_rule(window, now)
    return tuple(problems)


def _problems_of_rule(window: MaintenanceState, now: float) -> list[Problem]:
    if wrong := problem_of(window.rrule):
        return [Problem("rrule", wrong)]
    if window.ends_at - window.starts_at > LONGEST_S:
        return [Problem("ends_at", "a window that recurs lasts a year at most; leave rrule out")]
    if not now - OLDEST_S <= window.starts_at:
        return [Problem("starts_at", "lies more than ten years back; take a later start")]
    first = first_start(window.rrule, first=window.starts_at, time_zone=window.time_zone)
    if first != window.starts_at:
        way_out = (
            f"the first of these is {datetime.fromtimestamp(first, UTC).isoformat()}"
            if first is not None
            else "it never occurs"
        )
        return [Problem("starts_at", f"is not one of the times of rrule in {window.time_zone}; {way_out}")]
    return []


def state_of(window: MaintenanceState, now: float) -> State:
    """Whether it is now, to come (again), or over."""
    laid = _Laid(window, [])
    if laid.is_active(now):
        return "active"
    return "expired" if laid.next_change(now) is None else "pending"


def occurrences(window: MaintenanceState, start: float, end: float) -> tuple[Occurrence, ...]:
    """Its times that touch a span, at most `MOST`; one that was ended before its time is as long as it was."""
    length, over = window.ends_at - window.starts_at, _end_of(window)
    found = (
        Occurrence(each, min(each + length, over))
        for each in _starts(window, since=start - length, until=end)
    )
    touching = (each for each in found if each.start < min(end, over) and each.end > start)
    return tuple(islice(touching, MOST))


class Maintenance:
    """All windows, those that are over included, until they are taken away."""

    def __init__(self, windows: Iterable[MaintenanceState] = ()) -> None:
        self._known: dict[str, _Laid] = {}
        self._index = MatcherIndex()
        self._next: tuple[float, float | None] | None = None
        for window in windows:
            self.put(window)

    def __iter__(self) -> Iterator[MaintenanceState]:
        return (each.window for each in self._known.values())

    def get(self, key: str) -> MaintenanceState | None:
        """The window of an id."""
        laid = self._known.get(key)
        return laid.window if laid else None

    def put(self, window: MaintenanceState) -> None:
        """Add a window as it is, or replace the one of its id: for those that were kept; `set` is for those that people ask for."""
        self._known[window.id] = _Laid(window, [])
        self._index.put(window.id, map(of_api, window.matchers))
        self._next = None

    def remove(self, key: str) -> None:
        """Take a window away for good."""
        self._known.pop(key, None)
        self._index.remove(key)
        self._next = None

    def set(self, window: MaintenanceState, *, now: float) -> MaintenanceState:
        """Add a window or replace the one of its id, with a higher revision.

        Raises
        ------
        InvalidError : when it cannot be; names each field
        """
        if found := problems_of(window, now):
            raise InvalidError(found)
        before = self.get(window.id)
        fresh = replace(
            window,
            created_at=before.created_at if before else now,
            revision=before.revision + 1 if before else 1,
        )
        self.put(fresh)
        return fresh

    def end(self, key: str, *, now: float) -> MaintenanceState:
        """End a window now, with all its times to come; nothing happens to one that is over.

        Raises
        ------
        InvalidError : when nothing has that id
        """
        window = self.get(key)
        if window is None:
            raise InvalidError([Problem("id", f"no maintenance window has the id {key}")])
        if state_of(window, now) == "expired":
            return window
        fresh = replace(window, ended_at=now, revision=window.revision + 1)
        self.put(fresh)
        return fresh

    def maintained_by(self, labels: Mapping[str, str], now: float) -> tuple[str, ...]:
        """Ids of the windows that mute a label set now, sorted."""
        found = self._index.matching(labels)
        return tuple(key for key in found if self._known[key].is_active(now)) if found else ()

    def next_change(self, now: float) -> float | None:
        """When the next window begins or ends after `now`; None when none will."""
        if self._next is None or now < self._next[0] or (self._next[1] is not None and now >= self._next[1]):
            moments = (each.next_change(now) for each in self._known.values())
            self._next = now, min((each for each in moments if each is not None), default=None)
        return self._next[1]

    def occurrences(self, window: MaintenanceState, start: float, end: float) -> tuple[Occurrence, ...]:
        """Its times that touch a span, at most `MOST`."""
        return occurrences(window, start, end)


def _end_of(window: MaintenanceState) -> float:
    """When a person ended it; never, where nobody did."""
    return float("inf") if window.ended_at is None else window.ended_at


def _starts(window: MaintenanceState, *, since: float, until: float) -> Iterator[float]:
    return starts(window.rrule, first=window.starts_at, time_zone=window.time_zone, since=since, until=until)
