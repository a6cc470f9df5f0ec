"""How much of what was recorded could have shown a fault: telemetry that nothing can be compared with is not normal."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from sre_copilot.cognition.baselines.periods import periods
from sre_copilot.domain.evidence import Gap
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.signals import Telemetry, Window

UNJUDGED = frozenset({"gap.metrics_unusable"})
"""Gaps that say: this was recorded, and nothing of it could be judged."""

_TIMES = {"metrics": ("ts", 1.0), "logs": ("ts_ns", 1e9), "traces": ("start_ns", 1e9)}


def comparable(observation: Observation, gaps: Iterable[Gap] = ()) -> int:
    """Count the kinds of telemetry that were recorded while the fault may have lasted and in normal time too.

    Normal time is the incident's own past or fault-free telemetry. Kubernetes state is compared with itself: workload with
    workload. Kinds that no detector reads do not count, nor do those of which a detector says in `gaps` that it could judge nothing.
    """
    unjudged = {gap.modality for gap in gaps if gap.message.key in UNJUDGED}
    kinds = [kind for kind in _TIMES if kind not in unjudged]
    return sum(_is_comparable(observation, kind) for kind in kinds) + bool(observation.current.state)


def _is_comparable(observation: Observation, kind: str) -> bool:
    current = _times(observation.current, kind)
    normal = observation.reference is not None and not _usable(observation.reference, kind).is_empty()
    if current.is_empty():
        return kind == "logs" and normal and not _usable(observation.current, kind).is_empty()
    first, last = float(current.min()), float(current.max())  # type: ignore[arg-type]
    parts = periods(observation.incident, start=first, end=last)
    return _any(current, parts.suspect) and (normal or _any(current, parts.past))


def _usable(telemetry: Telemetry, kind: str) -> pl.DataFrame:
    table: pl.DataFrame | None = getattr(telemetry, kind)
    if table is None:
        return pl.DataFrame()
    return table.filter(pl.col("value").is_not_null()) if kind == "metrics" else table


def _times(telemetry: Telemetry, kind: str) -> pl.Series:
    """Times in epoch seconds; none for log lines that were recorded without."""
    column, unit = _TIMES[kind]
    table = _usable(telemetry, kind)
    return (table[column] / unit).drop_nulls() if column in table.columns else pl.Series(dtype=pl.Float64)


def _any(times: pl.Series, window: Window) -> bool:
    return bool(times.is_between(window.start, window.end, closed="left").any())
