"""How the watch is doing, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from sre_copilot.domain.evidence import Message

Learning = Literal["never", "running", "done", "warming_up", "failed"]
"""`warming_up`: nothing could be learned yet, only because there is too little history; `failed`: something is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStatus:
    """One source as the watch last met it. Times are epoch seconds UTC; None: not yet."""

    name: str
    kind: str
    ok: bool
    asked_at: float | None = None
    answered_at: float | None = None
    seconds: float | None = None
    problem: str = ""
    remedy: str = ""
    gaps: tuple[Message, ...] = ()
    """What its last answer could not tell: a file that may not be read, lines that were cut off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningStatus:
    """How learning stands.

    `skipped` counts series with too little history, `days` is the longest history that was read of any series; `warm_until` (epoch s) is
    when the first of the sources in `warming` will have had enough of it, if its values go on.
    """

    state: Learning = "never"
    started_at: float | None = None
    finished_at: float | None = None
    series: int = 0
    skipped: int = 0
    points: int = 0
    days: float = 0.0
    problem: str = ""
    warming: tuple[str, ...] = ()
    warm_until: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchStatus:
    """The whole; `lag_seconds` is the age of the newest tick that is done."""

    started_at: float
    ticks: int = 0
    missed_ticks: int = 0
    last_tick_at: float | None = None
    last_tick_seconds: float | None = None
    interval_seconds: int = 60
    series: int = 0
    learned: int = 0
    warming_up: int = 0
    open_anomalies: int = 0
    open_breaches: int = 0
    sources: tuple[SourceStatus, ...] = ()
    learning: LearningStatus = field(default_factory=LearningStatus)
