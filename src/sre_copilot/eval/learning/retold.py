"""The same fault another time: hours later, some rows lost, values a little different, and the onset guessed anew."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import polars as pl

from sre_copilot.domain.incident import Incident, Observation
from sre_copilot.domain.signals import Alert, Change, Telemetry, Window

LOST = 0.15  # of traces, and of log lines: what sampling and dropped batches lose in ordinary operation
NOISE = 0.05  # relative, of metric values
GUESS_S = 10.0  # so far the onset is guessed beside itself at most
NS = 1_000_000_000


def retold(observation: Observation, *, seed: int) -> Observation:
    """Another telling of an observation; the reference stays, for it is learned once."""
    chance = random.Random(f"{seed} {observation.incident.id}")  # noqa: S311 - the same copies in every run
    later = chance.randrange(3600, 7 * 86400)
    guess = chance.uniform(-GUESS_S, GUESS_S)
    return replace(
        observation,
        incident=_incident(observation.incident, later, guess),
        current=_telemetry(observation.current, later, chance.randrange(2**32)),
    )


def _incident(incident: Incident, later: float, guess: float) -> Incident:
    at = incident.complaint.at
    return replace(
        incident,
        id=f"{incident.id} again",
        onset=None if incident.onset is None else incident.onset + later + guess,
        window=_moved(incident.window, later),
        complaint=replace(incident.complaint, at=None if at is None else at + later),
        other_fault_times=tuple(each + later for each in incident.other_fault_times),
    )


def _moved(window: Window | None, later: float) -> Window | None:
    return None if window is None else Window(window.start + later, window.end + later)


def _telemetry(current: Telemetry, later: int, seed: int) -> Telemetry:
    return replace(
        current,
        metrics=_noisy(_later(current.metrics, "ts", later), seed),
        logs=_fewer(_later(current.logs, "ts_ns", later * NS), seed),
        traces=_fewer_traces(_later(current.traces, "start_ns", later * NS), seed),
        transactions=_later(current.transactions, "ts", later),
        alerts=None if current.alerts is None else tuple(_alert(each, later) for each in current.alerts),
        changes=None if current.changes is None else tuple(_change(each, later) for each in current.changes),
    )


def _later(table: pl.DataFrame | None, column: str, by: int) -> pl.DataFrame | None:
    return None if table is None else table.with_columns(pl.col(column) + by)


def _noisy(table: pl.DataFrame | None, seed: int) -> pl.DataFrame | None:
    """Fractions and counts alike; what is nought stays nought, and `up` stays a truth value."""
    if table is None:
        return None
    factors = 1 + np.random.default_rng(seed).uniform(-NOISE, NOISE, len(table))
    value = pl.col("value")
    changed = pl.when(value.is_in([0.0, 1.0])).then(value).otherwise(value * pl.Series(factors))
    return table.with_columns(changed.alias("value"))


def _fewer(table: pl.DataFrame | None, seed: int) -> pl.DataFrame | None:
    if table is None:
        return None
    return table.filter(pl.Series(np.random.default_rng(seed).random(len(table)) >= LOST))


def _fewer_traces(table: pl.DataFrame | None, seed: int) -> pl.DataFrame | None:
    """A trace is kept or lost as a whole."""
    if table is None:
        return None
    names = table["trace_id"].unique().sort()
    kept = names.filter(pl.Series(np.random.default_rng(seed).random(len(names)) >= LOST))
    return table.filter(pl.col("trace_id").is_in(kept.implode()))


def _alert(alert: Alert, later: float) -> Alert:
    return replace(alert, window=_moved(alert.window, later))


def _change(change: Change, later: float) -> Change:
    return replace(change, ts=change.ts + later)
