"""Read series from a file and rank detectors for each by rolling origin."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from sre_copilot.cognition.detectors.series.selection import Ranked, rank
from sre_copilot.errors import MethodError, UsageError
from sre_copilot.eval.anomalies.grid import to_grid
from sre_copilot.eval.anomalies.judge import SERIES_DETECTORS
from sre_copilot.eval.workers import Progress, in_workers
from sre_copilot.plugins import load_one

CHEAP = ("three_sigma", "mad", "iqr", "ewma", "cusum")
"""What is compared unless told otherwise: those that judge a month of minutes in a second."""


@dataclass(frozen=True, slots=True)
class Task:
    """One series of a file and the detectors to rank for it."""

    file: Path
    series: str
    detectors: tuple[str, ...]
    use_labels: bool


@dataclass(frozen=True, slots=True)
class Selected:
    """Detectors for one series, best first; `error` where none could be ranked."""

    series: str
    ranked: tuple[Ranked, ...] = ()
    error: str = ""


def select(
    file: Path,
    detectors: tuple[str, ...] = CHEAP,
    *,
    series: tuple[str, ...] = (),
    use_labels: bool = False,
    jobs: int = 0,
    progress: Progress = lambda done, total, name: None,
) -> tuple[Selected, ...]:
    """Rank detectors for the named series of a file (all of them without a name), in worker processes."""
    names = _names(file)
    if unknown := [name for name in series if name not in names]:
        raise UsageError(f"--series '{unknown[0]}' is not in {file.name}. It holds {', '.join(names[:10])}.")
    if use_labels and "label" not in _read(file).columns:
        raise UsageError(f"--labels: {file.name} has no column label.")
    tasks = [Task(file, name, detectors, use_labels) for name in series or names]
    found = in_workers(select_one, tasks, name=lambda task: task.series, jobs=jobs, progress=progress)
    return tuple(found.values())


def select_one(task: Task) -> Selected:
    """Rank the detectors for one series; a past that is too short is said."""
    rows = _read(task.file).filter(pl.col("series") == task.series).sort("timestamp", maintain_order=True)
    times = rows["timestamp"].to_numpy()
    grid = to_grid(times, rows["value"].to_numpy())
    labels = None
    if task.use_labels:
        labels = np.zeros(len(grid.values), dtype=np.bool_)
        labels[grid.cells[rows["label"].to_numpy() > 0]] = True
    chosen = {name: load_one(SERIES_DETECTORS, name)() for name in task.detectors}
    try:
        return Selected(
            task.series,
            rank(grid.values, chosen, start=grid.start, step_seconds=grid.step_seconds, labels=labels),
        )
    except MethodError as error:
        return Selected(task.series, error=str(error))


def _names(file: Path) -> tuple[str, ...]:
    return tuple(_read(file)["series"].unique(maintain_order=True).to_list())


def _read(file: Path) -> pl.DataFrame:
    """Columns series, timestamp (epoch s), value, and label where it is there."""
    try:
        table = pl.read_csv(file, try_parse_dates=True) if file.suffix == ".csv" else pl.read_parquet(file)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise UsageError(
            f"{file} cannot be read as {'CSV' if file.suffix == '.csv' else 'Parquet'}: {error}"
        ) from error
    if missing := {"timestamp", "value"} - set(table.columns):
        raise UsageError(
            f"{file.name}: no column {', '.join(sorted(missing))}. It has {', '.join(table.columns)}."
        )
    if "series" not in table.columns:
        table = table.with_columns(pl.lit(file.stem).alias("series"))
    stamp = pl.col("timestamp")
    seconds = stamp.dt.epoch("s") if table.schema["timestamp"].is_temporal() else stamp.cast(pl.Int64)
    return table.with_columns(seconds, pl.col("value").cast(pl.Float64).fill_null(float("nan")))
