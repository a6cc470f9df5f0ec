"""Which part of a recording is normal, and which may hold the fault."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from sre_copilot.domain.incident import Incident
from sre_copilot.domain.signals import Window

UNSURE_S = (
    90.0  # an onset told by a person or an alert is off by a minute; half an interval of metrics comes on top
)
LASTING_S = 240.0  # looked at after the onset: long enough for four samples a minute apart
NEIGHBOUR_S = 300.0  # how long another incident disturbs what would else be normal time


@dataclass(frozen=True, slots=True)
class Periods:
    """`suspect` may hold the fault; `past` is before it; `excluded` is disturbed by other incidents."""

    suspect: Window
    past: Window
    excluded: tuple[Window, ...] = ()


def periods(incident: Incident, *, start: float, end: float) -> Periods:
    """Divide a recording of `start <= t <= end` (epoch seconds); without a known onset its second half is suspect."""
    onset = incident.onset if incident.onset is not None else incident.complaint.at
    if (
        onset is not None and onset < start
    ):  # recorded from the fault on: there is no time before it to compare with
        suspect = Window(start, end + 1)
    elif onset is None or onset > end + UNSURE_S:
        suspect = Window((start + end) / 2, end + 1)
    else:
        first = min(max(start, onset - UNSURE_S), end)
        suspect = Window(first, max(first, min(end + 1, onset + LASTING_S)))
    recorded = (time for time in incident.other_fault_times if start - NEIGHBOUR_S <= time <= end)
    excluded = _merged(time for time in recorded if not suspect.start <= time < suspect.end)
    return Periods(suspect=suspect, past=Window(min(start, suspect.start), suspect.start), excluded=excluded)


def _merged(times: Iterable[float]) -> tuple[Window, ...]:
    """The disturbed stretches behind other incidents, those that touch as one."""
    found: list[Window] = []
    for time in sorted(times):
        end = time + NEIGHBOUR_S
        if found and time <= found[-1].end:
            found[-1] = Window(found[-1].start, end)
        else:
            found.append(Window(time, end))
    return tuple(found)


def inside(time: str, windows: Iterable[Window]) -> pl.Expr:
    """Whether the column `time` (epoch seconds) lies in any of the windows."""
    within = [(pl.col(time) >= window.start) & (pl.col(time) < window.end) for window in windows]
    return pl.any_horizontal(within) if within else pl.lit(False)
