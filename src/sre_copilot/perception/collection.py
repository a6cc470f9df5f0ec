"""From sources to one observation: what all of them hold of a window, merged, with what could not be read as gaps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import polars as pl

from sre_copilot.domain.cmdb import merge
from sre_copilot.domain.evidence import Gap, Message
from sre_copilot.domain.incident import Incident, Observation
from sre_copilot.domain.signals import Modality, Telemetry, Window
from sre_copilot.domain.topology import Topology
from sre_copilot.errors import SourceError, SreCopilotError
from sre_copilot.perception.estate.rows import conflict_gaps
from sre_copilot.perception.source import Asked, Reading, Source

AT_ONCE = 8  # sources read at the same time: they wait for networks, not for cores
TABLES: tuple[Modality, ...] = ("metrics", "logs", "traces", "transactions")
Progress = Callable[[str], None]
Row = TypeVar("Row")
UNREAD = "gap.source.unread"
"""The gap of a source that did not answer at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """What was read, and every query that was asked for it."""

    observation: Observation
    asked: tuple[Asked, ...]


def collect(
    sources: Sequence[Source],
    incident: Incident,
    *,
    window: Window,
    reference: Window | None = None,
    topology: Topology | None = None,
    progress: Progress = lambda source: None,
) -> Collection:
    """Read a window, and a fault-free one to compare with, from all sources; one that is down is a gap, not an end."""
    readings, failed = read_all(sources, window, progress)
    calm, calm_failed = read_all(sources, reference, progress) if reference else ((), ())
    drawn = [reading.topology for reading in readings if reading.topology]
    estate = merge([reading.inventory for reading in readings if reading.inventory])
    edges = [edge for each in (*drawn, *([topology] if topology else [])) for edge in each.edges]
    told = (gap for reading in (*readings, *calm) for gap in reading.gaps)
    gaps = dict.fromkeys((*told, *failed, *calm_failed, *conflict_gaps(estate)))
    return Collection(
        observation=Observation(
            incident=incident,
            current=merged([reading.telemetry for reading in readings]),
            reference=merged([reading.telemetry for reading in calm]) if calm else None,
            topology=Topology.of(edges),
            gaps=tuple(gaps),
        ),
        asked=tuple(asked for reading in (*readings, *calm) for asked in reading.asked),
    )


def read_all(
    sources: Sequence[Source], window: Window, progress: Progress = lambda source: None
) -> tuple[tuple[Reading, ...], tuple[Gap, ...]]:
    """Read all sources at the same time; return what they answered, and a gap for each that did not."""

    def read(source: Source) -> Reading | tuple[Gap, ...]:
        progress(source.name)
        try:
            return source.read(window)
        except SreCopilotError as error:
            return unread(source, error)

    if not sources:
        return (), ()
    with ThreadPoolExecutor(max_workers=min(AT_ONCE, len(sources)), thread_name_prefix="collect") as pool:
        answers = list(pool.map(read, sources))
    readings = tuple(answer for answer in answers if isinstance(answer, Reading))
    return readings, tuple(gap for answer in answers if not isinstance(answer, Reading) for gap in answer)


def unread(source: Source, error: SreCopilotError) -> tuple[Gap, ...]:
    """What cannot be told because a source could not be read, a gap for each kind of telemetry that it holds."""
    problem = error.problem if isinstance(error, SourceError) else str(error)
    params = (("source", source.name), ("problem", problem))
    return tuple(
        Gap(
            modality=modality,
            message=Message(key=UNREAD, params=(("modality", modality), *params)),
        )
        for modality in source.modalities
    )


def merged(parts: Iterable[Telemetry]) -> Telemetry:
    """The telemetry of several sources as one; rows that two of them hold stand once."""
    parts = tuple(parts)
    return Telemetry(
        **{name: _tables([getattr(part, name) for part in parts]) for name in TABLES},
        state=_union([part.state for part in parts]),
        alerts=_joined([part.alerts for part in parts]),
        changes=_joined([part.changes for part in parts]),
    )


def _tables(tables: Sequence[pl.DataFrame | None]) -> pl.DataFrame | None:
    known = [table for table in tables if table is not None]
    if not known:
        return None
    if len(known) == 1:
        return known[0]
    both = pl.concat(known, how="diagonal").unique(maintain_order=True)
    time = next(name for name in ("ts", "ts_ns", "start_ns") if name in both.columns)
    return both.sort(time, maintain_order=True)


def _union(states: Sequence[Mapping[str, str] | None]) -> dict[str, str] | None:
    known = [state for state in states if state is not None]
    return {key: text for state in known for key, text in state.items()} if known else None


def _joined(parts: Sequence[tuple[Row, ...] | None]) -> tuple[Row, ...] | None:
    """All rows, each once; a change holds a mapping, so that equality is that of what is written of it."""
    known = [part for part in parts if part is not None]
    return tuple({repr(each): each for part in known for each in part}.values()) if known else None
