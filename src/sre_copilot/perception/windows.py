"""Cutting telemetry to a window of time."""

from __future__ import annotations

import polars as pl

from sre_copilot.domain.signals import Telemetry, Window


def within(telemetry: Telemetry, window: Window) -> Telemetry:
    """Keep rows with `start <= t < end`; what has no times is kept whole, log lines without a time are left out."""
    alerts, changes = telemetry.alerts, telemetry.changes
    return Telemetry(
        metrics=_cut(telemetry.metrics, "ts", window, 1.0),
        logs=_cut(telemetry.logs, "ts_ns", window, 1e9),
        traces=_cut(telemetry.traces, "start_ns", window, 1e9),
        transactions=_cut(telemetry.transactions, "ts", window, 1.0),
        state=telemetry.state,
        alerts=None
        if alerts is None
        else tuple(
            a
            for a in alerts
            if a.window is None or (a.window.start < window.end and a.window.end >= window.start)
        ),
        changes=None if changes is None else tuple(c for c in changes if window.start <= c.ts < window.end),
    )


def _cut(table: pl.DataFrame | None, column: str, window: Window, unit: float) -> pl.DataFrame | None:
    if table is None or column not in table.columns:
        return table
    time = pl.col(column).cast(pl.Float64) / unit
    return table.filter((time >= window.start) & (time < window.end))
