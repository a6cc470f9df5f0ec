"""Windows without a fault, cut from fault-free telemetry: what the product should answer `no fault` to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import polars as pl

from sre_copilot.domain.incident import Complaint, Observation
from sre_copilot.domain.signals import Telemetry, Window

LONG_SECONDS: Final = 6 * 3600.0
"""From here on a recording is judged window by window against the rest of itself; a shorter one half against half."""
WINDOW_SECONDS: Final = 25 * 60.0
EVERY_SECONDS: Final = 2 * 3600.0
GUARD_SECONDS: Final = 3600.0
"""Telemetry beside a window resembles it more than other days do, so that much on either side is no reference."""
COMPLAINTS: Final = ("latency", "availability")
ALERT_AFTER_SECONDS: Final = 10 * 60.0
"""How long after the start of the window the complaint comes in, as alerts do."""

_TIMES: Final = (
    ("metrics", "ts", 1),
    ("logs", "ts_ns", 10**9),
    ("traces", "start_ns", 10**9),
    ("transactions", "ts", 1),
)


def fault_free(case: Observation) -> Iterator[Observation]:
    """Observations without a fault out of the reference of a case, with the case's topology and alerted entity."""
    reference = case.reference
    span = extent(reference) if reference is not None else None
    if reference is None or span is None:
        return
    if span.seconds >= LONG_SECONDS:
        yield from _windows(case, reference, span)
    else:
        yield _half(case, reference, span)


def extent(telemetry: Telemetry) -> Window | None:
    """From the first to the last time that was recorded."""
    times = [
        float(time) / unit
        for name, column, unit in _TIMES
        if (table := getattr(telemetry, name)) is not None and column in table.columns
        for time in (table[column].min(), table[column].max())
        if time is not None
    ]
    return Window(min(times), max(times)) if times else None


def within(telemetry: Telemetry, window: Window, *, inside: bool = True) -> Telemetry:
    """The part of the tables that lies in a window, or outside of it. What has no time is left out."""
    cut: dict[str, pl.DataFrame] = {}
    for name, column, unit in _TIMES:
        table: pl.DataFrame | None = getattr(telemetry, name)
        if table is not None and column in table.columns:
            kept = pl.col(column).is_between(window.start * unit, window.end * unit, closed="left")
            cut[name] = table.filter(kept if inside else ~kept)
    return Telemetry(
        metrics=cut.get("metrics"),
        logs=cut.get("logs"),
        traces=cut.get("traces"),
        transactions=cut.get("transactions"),
    )


def _windows(case: Observation, reference: Telemetry, span: Window) -> Iterator[Observation]:
    count = int((span.seconds - WINDOW_SECONDS) // EVERY_SECONDS) + 1
    for number in range(count):
        start = span.start + number * EVERY_SECONDS
        window = Window(start, start + WINDOW_SECONDS)
        around = Window(window.start - GUARD_SECONDS, window.end + GUARD_SECONDS)
        complaint = Complaint(
            entity=case.incident.complaint.entity,
            metric=COMPLAINTS[number % len(COMPLAINTS)],
            at=start + ALERT_AFTER_SECONDS,
        )
        rest = within(reference, around, inside=False)
        yield _without_fault(case, within(reference, window), rest, window, complaint)


def _half(case: Observation, reference: Telemetry, span: Window) -> Observation:
    middle = (span.start + span.end) / 2
    first, second = Window(span.start, middle), Window(middle, span.end + 1.0)
    complaint = replace(case.incident.complaint, at=None)
    return _without_fault(case, within(reference, second), within(reference, first), second, complaint)


def _without_fault(
    case: Observation, current: Telemetry, reference: Telemetry, window: Window, complaint: Complaint
) -> Observation:
    incident = replace(
        case.incident,
        id=f"{case.incident.id}-no-fault-{window.start:.0f}",
        complaint=complaint,
        onset=window.start,
        window=window,
        other_fault_times=(),
    )
    return Observation(incident=incident, current=current, reference=reference, topology=case.topology)
