"""What all log stores that are asked page by page have in common: reading a window, following, and where to stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterator, Mapping
from typing import Any, Protocol

from sre_copilot.domain.evidence import Gap
from sre_copilot.domain.signals import Modality, Window
from sre_copilot.perception.http import HttpClient, HttpSettings
from sre_copilot.perception.lines.follow import Fetched, Follower, FollowSettings
from sre_copilot.perception.lines.rows import Columns, Position, Row, Rules, gap, reading
from sre_copilot.perception.masking import Masker
from sre_copilot.perception.source import Asked, Reading


class StoreSettings(HttpSettings, FollowSettings):
    """What every log store can be told."""


class Found(Protocol):
    """One line as a store gives it; `identity` tells it from all others."""

    @property
    def identity(self) -> str:
        """What it is known by."""
        ...

    @property
    def ts_ns(self) -> int:
        """Its time."""
        ...

    @property
    def line(self) -> str:
        """The line as it was written."""
        ...

    @property
    def fields(self) -> tuple[Mapping[str, Any], ...]:
        """What the store knows of it, the better names first."""
        ...


class Pages(Protocol):
    """The lines of a window in the order of time, page after page, each once."""

    gaps: list[Gap]

    def __iter__(self) -> Iterator[Found]: ...

    def asked(self, rows: int, seconds: float) -> Asked:
        """The query, as it can be run again."""
        ...


class LogStore:
    """Reads and follows a store; a subclass says how its pages are asked for."""

    modalities: tuple[Modality, ...] = ("logs",)

    def __init__(self, settings: StoreSettings, client: HttpClient, *, clock: Callable[[], float]) -> None:
        self._limit = settings.max_lines
        self._client = client
        self._columns = Columns(settings)
        self._rules = Rules(settings)
        self._masker = Masker(settings)
        self._follower = Follower(self._fetch, overlap_seconds=settings.overlap_seconds, clock=clock)

    def read(self, window: Window) -> Reading:
        """Return the lines of the window."""
        return self._reading(self._fetch(window))

    def poll(self) -> Reading:
        """Return the lines that came since the last poll."""
        return self._reading(self._follower.poll())

    def position(self) -> Position:
        """Where the next poll reads on."""
        return self._follower.position()

    def resume(self, position: Position) -> None:
        """Read on from where an earlier process stopped."""
        self._follower.resume(position)

    def close(self) -> None:
        """Close connections."""
        self._client.close()

    def _pages(self, window: Window) -> Pages:
        raise NotImplementedError

    def _reading(self, fetched: Fetched) -> Reading:
        rows = (row for _, row in fetched.lines)
        return reading(rows, masker=self._masker, gaps=fetched.gaps, asked=fetched.asked)

    def _fetch(self, window: Window, known: Container[str] = frozenset()) -> Fetched:
        started, pages = time.monotonic(), self._pages(window)
        lines: list[tuple[str, Row]] = []
        until = None
        for found in pages:
            identity = found.identity
            if identity in known or not self._rules.keeps(line := found.line):
                continue
            if len(lines) == self._limit:
                until = found.ts_ns
                pages.gaps.append(gap("gap.logs_cut", self._client.name, count=len(lines)))
                break
            lines.append((identity, self._columns.row(found.ts_ns, line, *found.fields)))
        asked = pages.asked(len(lines), time.monotonic() - started)
        return Fetched(lines=tuple(lines), gaps=tuple(pages.gaps), asked=(asked,), until_ns=until)
