"""The report as data, free of any language: every sentence is a `Message`, every time epoch seconds UTC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sre_copilot.domain.evidence import Check, Message
from sre_copilot.domain.signals import Modality

Language = Literal["en", "zh"]
Statistic = Literal["value", "count", "mean", "median", "p90", "p95", "p99", "max"]
MomentKind = Literal["onset", "alert", "change", "finding"]
Role = Literal["culprit", "path", "suspect", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is concluded; `probability` (0-1, calibrated) is that of the first suspect being the true one."""

    outcome: Literal["fault", "no_fault", "inconclusive"]
    sentence: Message
    probability: float
    entity: str | None = None
    fault_type: str | None = None
    path: tuple[str, ...] = ()
    reasons: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Which incident the report is about."""

    incident: str
    system: str = ""
    namespace: str = ""
    complaint: str = ""
    entity: str = ""
    metric: str = ""
    start: float | None = None
    end: float | None = None
    onset: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """An entry of the timeline; `also` are further findings that say the same."""

    at: float
    kind: MomentKind
    message: Message
    finding_id: str | None = None
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A series to be drawn; a value None interrupts the line."""

    label: str
    times: tuple[float, ...]
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """The expected range of `samples` normal points: median +- k MAD, or of counts that of chance (Poisson)."""

    middle: float
    low: float
    high: float
    origin: Literal["past", "reference"]
    samples: int
    rule: Literal["deviation", "poisson"] = "deviation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A deciding signal over time.

    `statistic` says what a point is: the sample itself (`value`) or a statistic of the rows in a bucket of `bucket_s`
    seconds. `left_out` counts series of further instances that are not drawn.
    """

    finding_id: str
    entity: str
    message: Message
    source: Modality
    measure: str
    metric: str
    unit: str
    statistic: Statistic
    start: float
    end: float
    lines: tuple[Line, ...]
    bucket_s: float | None = None
    band: Band | None = None
    onset: float | None = None
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """Raw lines that decide where there is nothing to draw."""

    finding_id: str
    entity: str
    message: Message
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """An entity of the drawing; `layer` counts from the callers, `row` (may be fractional) from the top."""

    entity: str
    layer: int
    row: float
    role: Role
    rank: int | None = None
    alerted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A call; `points` are (layer, row) from caller to callee, `back` is true when it closes a cycle."""

    caller: str
    callee: str
    points: tuple[tuple[float, float], ...]
    on_path: bool = False
    back: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """The topology, or the neighbourhood of path and top suspects when it is large."""

    nodes: tuple[Node, ...] = ()
    links: tuple[Link, ...] = ()
    entities: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """A check and what it evaluated to; None is no data."""

    check: Check
    observed: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRow:
    """A finding with its checks; `weight` in nats, `also` are further findings that say the same."""

    finding_id: str
    kind: str
    entity: str
    modality: Modality
    message: Message
    weight: float
    checks: tuple[CheckResult, ...]
    lines: tuple[str, ...] = ()
    fault_type: str | None = None
    cited: bool = False
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Struck:
    """A finding that was struck out, with the check that could not be reproduced."""

    finding_id: str
    entity: str
    message: Message
    failed: CheckResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """Another suspect, and why it is not the answer; `score` in nats."""

    rank: int
    entity: str
    score: float
    fault_type: str | None
    finding_ids: tuple[str, ...]
    why_not: tuple[Message, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """What could not be seen."""

    modality: Modality
    message: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """How many of each the report does not show."""

    moments: int = 0
    pictures: int = 0
    evidence: int = 0
    struck: int = 0
    alternatives: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that a report shows, in its order."""

    header: Header
    verdict: Verdict
    timeline: tuple[Moment, ...]
    pictures: tuple[Picture, ...]
    excerpts: tuple[Excerpt, ...]
    topology: Drawing
    evidence: tuple[EvidenceRow, ...]
    struck: tuple[Struck, ...]
    alternatives: tuple[Alternative, ...]
    gaps: tuple[Unseen, ...]
    next_steps: tuple[Message, ...]
    left_out: LeftOut

    @property
    def day(self) -> float | None:
        """The time (epoch s) whose date goes without saying."""
        times = (self.header.onset, self.header.start, *(moment.at for moment in self.timeline))
        return next((at for at in times if at is not None), None)
