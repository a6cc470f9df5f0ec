"""Cutting telemetry to a window of time."""

from __future__ import annotations

import polars as pl

from sre_copilot.domain.signals import Telemetry, Window

MOST_S = 9e9  # the year 2255: nanoseconds of later times do not fit 64 bits


def within(telemetry: Telemetry, window: Window) -> Telemetry:
    """Keep rows with `start <= t < end`; what has no times is kept whole, log lines without a time are left out."""
    alerts, changes = telemetry.alerts, telemetry.changes
    fine = nanoseconds(Window(*(min(max(ts, -MOST_S), MOST_S) for ts in (window.start, window.end))))
    return Telemetry(
        metrics=_cut(telemetry.metrics, "ts", window.start, window.end),
        logs=_cut(telemetry.logs, "ts_ns", *fine),
        traces=_cut(telemetry.traces, "start_ns", *fine),
        transactions=_cut(telemetry.transactions, "ts", window.start, window.end),
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


def _cut(table: pl.DataFrame | None, column: str, start: float, end: float) -> pl.DataFrame | None:
    if table is None or column not in table.columns:
        return table
    return table.filter(pl.col(column).is_between(start, end, closed="left"))


def nanoseconds(window: Window) -> tuple[int, int]:
    """A window in nanoseconds; whole seconds stay exact."""
    return _exact(window.start), _exact(window.end)


def _exact(seconds: float) -> int:
    whole = int(seconds // 1)
    return whole * 10**9 + round((seconds - whole) * 10**6) * 1000
