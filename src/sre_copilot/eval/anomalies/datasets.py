"""Labelled series and services, as the evaluation reads them from a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sre_copilot.errors import UsageError

Floats = NDArray[np.float64]

SERIES_SETS = {"nab": "nab.parquet", "msft": "msft.parquet", "donut": "donut.parquet"}
SERVICE_SET = "jumpstarter"
SERVICE_FILE = "jumpstarter_d2.parquet"
SERVICE_STEP_SECONDS = 300  # the file holds no times; its values are five minutes apart
NAB_GROUPS = ("realAWSCloudwatch", "realKnownCause")
"""Of the benchmark's groups the real ones from operations whose causes are known: others are made by hand, or of traffic, trade and talk."""


@dataclass(frozen=True, slots=True)
class LabelledSeries:
    """One series, row by row as recorded; `times` in epoch seconds UTC."""

    times: NDArray[np.int64]
    values: Floats
    labels: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class LabelledService:
    """The metrics of one service: a past without labels, and what follows it, of shape (times, metrics)."""

    train: Floats
    test: Floats
    labels: NDArray[np.bool_]


def present(directory: Path) -> tuple[str, ...]:
    """The sets of which the folder holds the file."""
    files = {**SERIES_SETS, SERVICE_SET: SERVICE_FILE}
    found = tuple(name for name, file in files.items() if (directory / file).is_file())
    if not found:
        raise UsageError(
            f"{directory} holds none of {', '.join(files.values())}. Name the folder of the labelled series."
        )
    return found


def series_names(directory: Path, dataset: str, *, groups: Sequence[str] = NAB_GROUPS) -> tuple[str, ...]:
    """The series of a set that have labels, of NAB those of the groups (the part of the name before the first `/`)."""
    file = directory / SERIES_SETS[dataset]
    counted = _columns(file, ["series", "label"]).group_by("series").agg(pl.col("label").sum()).sort("series")
    names = counted.filter(pl.col("label") > 0)["series"].to_list()
    wanted = tuple(name for name in names if dataset != "nab" or name.split("/")[0] in groups)
    if not wanted:
        raise UsageError(
            f"{file} holds no labelled series of the groups {', '.join(groups)}. Name others with --nab-group."
        )
    return wanted


def read_series(directory: Path, dataset: str, name: str) -> LabelledSeries:
    """Read one series in the order of its times; equal times keep the order of the rows."""
    table = _columns(directory / SERIES_SETS[dataset], ["series", "timestamp", "value", "label"])
    rows = table.filter(pl.col("series") == name).sort("timestamp", maintain_order=True)
    return LabelledSeries(
        times=rows["timestamp"].dt.epoch("s").to_numpy(),
        values=rows["value"].cast(pl.Float64).fill_null(float("nan")).to_numpy(),
        labels=rows["label"].to_numpy() > 0,
    )


def service_names(directory: Path) -> tuple[str, ...]:
    """The services that have labels in their test part."""
    table = _columns(directory / SERVICE_FILE, ["service", "part", "label"])
    tested = table.filter(pl.col("part") == "test").group_by("service").agg(pl.col("label").sum())
    return tuple(tested.filter(pl.col("label") > 0)["service"].sort().to_list())


def read_service(directory: Path, name: str) -> LabelledService:
    """Read the parts of one service; the metrics are all columns but service, part and label, by name."""
    rows = _columns(directory / SERVICE_FILE, ["service", "part", "label"], all_columns=True).filter(
        pl.col("service") == name
    )
    metrics = sorted(set(rows.columns) - {"service", "part", "label"})
    train, test = (rows.filter(pl.col("part") == part) for part in ("train", "test"))
    return LabelledService(
        train=train.select(metrics).cast(pl.Float64).to_numpy(),
        test=test.select(metrics).cast(pl.Float64).to_numpy(),
        labels=test["label"].to_numpy() > 0,
    )


def _columns(file: Path, names: list[str], *, all_columns: bool = False) -> pl.DataFrame:
    try:
        columns = pl.read_parquet_schema(file)
        if missing := [name for name in names if name not in columns]:
            raise UsageError(f"{file.name}: no column {', '.join(missing)}. It has {', '.join(columns)}.")
        return pl.read_parquet(file, columns=None if all_columns else names)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise UsageError(f"{file.name} cannot be read as Parquet: {error}") from error
