"""Recorded series of a folder, each brought on a regular grid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sre_copilot.errors import UsageError

STEPS = (60, 300, 600, 900, 1_800, 3_600)  # seconds; a recorder's clock wanders around one of these
LABELLED = ("msft.parquet", "nab.parquet", "donut.parquet")
CONTAINERS = "alibaba_gentd26_pod_memory.parquet"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One series: `values` (times,), float32, NaN where nothing was recorded; column i is `start + i * step_seconds`."""

    collection: str
    name: str
    start: int
    step_seconds: int
    values: NDArray[np.float32]


def labelled_series(folder: Path) -> Iterator[Recorded]:
    """Read the collections with columns series, timestamp, value; those that are not there are left out."""
    for file in LABELLED:
        if (folder / file).is_file():
            table = _table(folder / file, ("series", "timestamp", "value"))
            table = table.with_columns(pl.col("timestamp").dt.epoch("s"))
            yield from _regular(Path(file).stem, table, by="series", time="timestamp")


def container_series(folder: Path) -> Iterator[Recorded]:
    """Read the memory of containers (columns container_ip, timestamp_anon in epoch s, value: share of the limit), a minute a step."""
    if (folder / CONTAINERS).is_file():
        table = _table(folder / CONTAINERS, ("container_ip", "timestamp_anon", "value")).drop_nulls(
            "container_ip"
        )
        yield from _regular("containers", table, by="container_ip", time="timestamp_anon", step_seconds=60)


def _table(file: Path, columns: tuple[str, ...]) -> pl.DataFrame:
    try:
        return pl.read_parquet(file, columns=list(columns))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise UsageError(
            f"{file.name} cannot be read: {error} (it needs the columns {', '.join(columns)})"
        ) from error


def _regular(
    collection: str, table: pl.DataFrame, *, by: str, time: str, step_seconds: int | None = None
) -> Iterator[Recorded]:
    """Mean of the values of each step; the step is the usual distance of two values."""
    known = table.filter(pl.col("value").is_finite() & pl.col(time).is_not_null()).sort(by, time)
    for (name,), rows in known.group_by(by, maintain_order=True):
        times = rows[time].to_numpy().astype(np.int64)
        if times.size < 2:
            continue
        usual = float(np.median(np.diff(times)))
        step = step_seconds or min(STEPS, key=lambda each: abs(each - usual))
        start = int(times[0]) // step * step
        place = (times - start) // step
        total, count = np.zeros(place[-1] + 1), np.zeros(place[-1] + 1)
        np.add.at(total, place, rows["value"].to_numpy())
        np.add.at(count, place, 1)
        values = np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)
        yield Recorded(collection, str(name), start, step, values)
