"""What all tracing systems share: settings, and a search that loses nothing in silence.

They answer a search with at most `limit` traces and do not say how many there are. An answer that is full is therefore
thrown away and its time asked for in two halves, until answers are not full; what then is still full is told as a gap.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Literal
from urllib.parse import urlencode

from pydantic import Field

from sre_copilot.domain.evidence import Gap, Message
from sre_copilot.domain.signals import Window
from sre_copilot.perception.http import HttpSettings, Params
from sre_copilot.perception.source import Asked
from sre_copilot.perception.spans.table import Span

MICROSECONDS = 1_000_000


class TraceSettings(HttpSettings):
    """What every source of traces can be told."""

    services: tuple[str, ...] = ()
    """Services to ask for; all that the system knows when empty."""
    exclude_services: tuple[str, ...] = ()
    """Services not to ask for, for example the tracing system itself. Their spans in the traces of others stay."""
    granularity: Literal["request", "service"] = "request"
    """`request`: every span; `service`: only those at the border of a service, for estates whose spans are too many."""
    limit: int = Field(default=500, ge=1, le=10_000)
    """Traces of one answer; a full answer is asked for again in two halves. 500 traces are a few megabytes."""
    concurrency: int = Field(default=4, ge=1, le=32)
    """Questions under way at a time; four keep an answer in a quarter of the time without being a load."""
    most_queries: int = Field(default=400, ge=1)
    """Searches of one reading at most; twenty seconds' worth at the default rate. What is not read then is told."""
    kept_share: float | None = Field(default=None, gt=0, le=1)
    """Share of traces that sampling keeps, where spans do not say it: 0.1 for one in ten."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One search: a service ('' = any) and a part of the time, in epoch microseconds, half-open."""

    service: str
    start_us: int
    end_us: int

    @property
    def window(self) -> Window:
        """Its time in seconds."""
        return Window(self.start_us / MICROSECONDS, self.end_us / MICROSECONDS)

    def halves(self, unit_us: int) -> tuple[Piece, ...]:
        """Itself in two, cut at a whole unit; itself alone when it is no longer than one."""
        middle = (self.start_us + self.end_us) // 2 // unit_us * unit_us
        if not self.start_us < middle < self.end_us:
            return (self,)
        return Piece(self.service, self.start_us, middle), Piece(self.service, middle, self.end_us)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one search brought: the ids of all its traces, the spans of those that were not known yet, and what the system
    itself remarks about them, each remark with the place that it is about."""

    traces: frozenset[str]
    asked: Asked
    spans: Sequence[Span] = ()
    remarks: frozenset[str] = frozenset()
    kept_shares: frozenset[float] = frozenset()


@dataclass(slots=True, kw_only=True)
class Found:
    """All that a search brought, growing."""

    traces: set[str] = field(default_factory=set)
    spans: list[Span] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    remarks: set[str] = field(default_factory=set)
    kept_shares: set[float] = field(default_factory=set)
    full: list[Piece] = field(default_factory=list)

    def take(self, answer: Answer) -> None:
        """Add an answer that is kept."""
        self.traces |= answer.traces
        self.spans += answer.spans
        self.remarks |= answer.remarks
        self.kept_shares |= answer.kept_shares


Ask = Callable[[Piece, Set[str]], Answer]
"""Ask for one piece; the traces of the set are known and need not be decoded."""


def search(pieces: Iterable[Piece], ask: Ask, settings: TraceSettings, *, unit_us: int) -> Found:
    """Ask for all pieces, cutting those whose answers are full down to `unit_us`, the finest time that the system knows."""
    found = Found()
    waiting = list(pieces)
    with ThreadPoolExecutor(settings.concurrency) as pool:
        while waiting:  # a few at a time: what one service's answer held is not decoded again for the next
            now, waiting = waiting[: settings.concurrency], waiting[settings.concurrency :]
            ask_now = partial(_ask_for, ask, frozenset(found.traces))
            answers = list(pool.map(ask_now, now))
            left = settings.most_queries - len(found.asked) - len(answers) - len(waiting)
            waiting += _take(found, zip(now, answers, strict=True), settings.limit, unit_us, left)
    found.gaps += _cut_gaps(found.full, settings.limit)
    return found


def _ask_for(ask: Ask, known: Set[str], piece: Piece) -> Answer:
    return ask(piece, known)


def _take(
    found: Found, answers: Iterable[tuple[Piece, Answer]], limit: int, unit_us: int, left: int
) -> list[Piece]:
    """Keep the answers that are whole, and return the halves of the others as long as questions are left."""
    again: list[Piece] = []
    for piece, answer in answers:
        found.asked.append(answer.asked)
        halves = piece.halves(unit_us)
        if len(answer.traces) < limit:
            found.take(answer)
        elif len(halves) == 2 and len(again) + 2 <= left:
            again += halves
        else:
            found.take(answer)
            found.full.append(piece)
    return again


def _cut_gaps(full: Sequence[Piece], limit: int) -> list[Gap]:
    """One gap a service: how much of the time holds more traces than were read."""
    seconds: dict[str, float] = {}
    for piece in full:
        seconds[piece.service] = seconds.get(piece.service, 0.0) + piece.window.seconds
    pieces = {service: sum(piece.service == service for piece in full) for service in seconds}
    return [
        gap(
            "gap.traces.cut",
            service=service or "*",
            seconds=round(seconds[service], 3),
            read=limit * pieces[service],
        )
        for service in sorted(seconds)
    ]


def gap(key: str, **params: str | float | int) -> Gap:
    """A gap in the traces; the sentence of its key is in the catalogue."""
    return Gap(modality="traces", message=Message(key=key, params=tuple(sorted(params.items()))))


def bounded(window: Window, services: Iterable[str], settings: TraceSettings) -> list[Piece]:
    """The first pieces: the whole window for each service that is wanted, in alphabetical order."""
    wanted = sorted(set(settings.services or services) - set(settings.exclude_services))
    start, end = math.floor(window.start * MICROSECONDS), math.ceil(window.end * MICROSECONDS)
    return [Piece(service, start, end) for service in wanted] if start < end else []


def asked_of(source: str, path: str, params: Params, piece: Piece, *, rows: int, started: float) -> Asked:
    """A search as it was sent, to be run again by hand."""
    return Asked(
        source=source,
        text=f"GET {path}?{urlencode(params)}",
        target=piece.service,
        window=piece.window,
        rows=rows,
        seconds=round(time.monotonic() - started, 3),
    )
