"""What a case announces against what it holds, and whether its times belong together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from sre_copilot.domain.incident import Incident
from sre_copilot.domain.signals import Modality, Telemetry, Window
from sre_copilot.perception.case_format.remarks import Remark, remark
from sre_copilot.perception.case_format.telemetry import recorded

# Names under which `case.json` may announce what was recorded.
ANNOUNCED: dict[str, Modality] = {
    "metrics": "metrics",
    "traces": "traces",
    "logs": "logs",
    "transactions": "transactions",
    "k8s-state": "state",
    "state": "state",
    "alerts": "alerts",
    "changes": "changes",
    "topology": "topology",
}
_TIMES: dict[Modality, tuple[str, float]] = {
    "metrics": ("ts", 1.0),
    "transactions": ("ts", 1.0),
    "logs": ("ts_ns", 1e9),
    "traces": ("start_ns", 1e9),
}
# Telemetry is looked for within half an hour of the onset where no window is given: the smallest offset of a time zone
# from its neighbour, so that a recording in another zone falls outside.
AROUND_ONSET_S = 1800.0


def coverage(
    facts: dict[str, Any], about: Incident, current: Telemetry, *, has_topology: bool
) -> tuple[Remark, ...]:
    """Remark what was announced and is absent, and tables that lie outside of the incident's time."""
    return (*_announced(facts, current, has_topology=has_topology), *_apart(about, current))


def span_of(telemetry: Telemetry, modality: Modality) -> Window | None:
    """From the first to the last time of a table, in epoch seconds UTC; None where it has no times."""
    table: pl.DataFrame | None = getattr(telemetry, modality)
    column, scale = _TIMES[modality]
    first, last = (None, None) if table is None else (table[column].min(), table[column].max())
    if not isinstance(first, int) or not isinstance(last, int):
        return None
    return Window(first / scale, last / scale)


def _announced(facts: dict[str, Any], current: Telemetry, *, has_topology: bool) -> Iterator[Remark]:
    names = list(dict.fromkeys(facts.get("modalities") or ()))
    present = set(recorded(current))
    if has_topology:
        present.add("topology")
    for modality in sorted({ANNOUNCED[name] for name in names if name in ANNOUNCED} - present):
        key = "gap.reader.announced_absent"
        yield remark(key, modality, "case.json", field="modalities")
    for name in sorted(set(names) - set(ANNOUNCED)):
        yield remark("note.reader.unknown_modality", "metrics", "case.json", field="modalities", name=name)


def _apart(about: Incident, current: Telemetry) -> Iterator[Remark]:
    window = _expected(about)
    if window is None:
        return
    onset = about.onset
    if onset is not None and not window.start <= onset <= window.end:
        yield remark("note.reader.onset_outside", "metrics", "case.json", field="t_inject")
    for modality, (column, scale) in _TIMES.items():
        table = getattr(current, modality)
        span = span_of(current, modality)
        if span is None:
            continue
        file = f"{modality}.parquet"
        if span.end < window.start or span.start > window.end:
            away = span.start - window.end if span.start > window.end else span.end - window.start
            hours = round(away / 3600, 1)
            yield remark("gap.reader.time_apart", modality, file, field=column, hours=hours)
        elif outside := _outside(table, column, scale, window):
            params = {"rows": outside, "total": table.height}
            yield remark("note.reader.outside_window", modality, file, field=column, **params)


def _expected(about: Incident) -> Window | None:
    if about.window is not None:
        return about.window
    if about.onset is None:
        return None
    return Window(about.onset - AROUND_ONSET_S, about.onset + AROUND_ONSET_S)


def _outside(table: pl.DataFrame, column: str, scale: float, window: Window) -> int:
    inside = pl.col(column).is_between(window.start * scale, window.end * scale, closed="left")
    return int(table.select((~inside).sum()).item())
