"""Following a log store by asking again: each question overlaps the last, and what was given already is left out.

Agents batch lines and clocks differ, so that lines arrive late and out of order. A store is therefore asked again for the last
`overlap_seconds` each time; a line that arrives later than that is missed, and no store can say so.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass

from pydantic import Field

from sre_copilot.domain.evidence import Gap
from sre_copilot.domain.signals import Window
from sre_copilot.perception.lines.rows import LogSettings, Position, Row
from sre_copilot.perception.source import Asked


class FollowSettings(LogSettings):
    """What a log store that is followed can be told."""

    overlap_seconds: float = Field(default=60.0, ge=0, le=3600)
    """How far each poll looks back for late lines; agents send within seconds, and a minute bears one retry of theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """Lines of one window with what tells each from all others; `until_ns` when there were more than are held here."""

    lines: tuple[tuple[str, Row], ...]
    gaps: tuple[Gap, ...] = ()
    asked: tuple[Asked, ...] = ()
    until_ns: int | None = None


Fetch = Callable[[Window, Container[str]], Fetched]
"""Reads the lines of a window, except those that are known already; known ones do not count against any limit."""


class Follower:
    """Asks for what is new."""

    def __init__(self, fetch: Fetch, *, overlap_seconds: float, clock: Callable[[], float]) -> None:
        self._fetch = fetch
        self._overlap = overlap_seconds
        self._clock = clock
        self._mark: float | None = None
        self._seen: dict[str, int] = {}

    def poll(self) -> Fetched:
        """Return the lines that came since the last time; when asking fails, the next poll asks for them."""
        now = self._clock()
        mark = now if self._mark is None else min(self._mark, now)
        found = self._fetch(Window(mark - self._overlap, now + self._overlap), self._seen)
        self._seen |= {identity: row.ts_ns or 0 for identity, row in found.lines}
        self._mark = now if found.until_ns is None else min(now, found.until_ns // 10**9 + self._overlap)
        again = (
            self._mark - self._overlap - 1
        ) * 1e9  # a second more: floats of epoch nanoseconds are coarse
        self._seen = {identity: ts for identity, ts in self._seen.items() if ts >= again}
        return found

    def position(self) -> Position:
        """The mark, and the lines that the next question will bring again."""
        return {"mark": self._mark, "seen": [list(pair) for pair in self._seen.items()]}

    def resume(self, position: Position) -> None:
        """Read on from an earlier position."""
        mark = position.get("mark")
        self._mark = float(mark) if mark is not None else None
        self._seen = {str(identity): int(ts) for identity, ts in position.get("seen", ())}
