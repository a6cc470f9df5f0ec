"""Labelled alerts, scenario by scenario, in the order of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from sre_copilot.errors import UsageError

FILE = "ait_alerts.parquet"
BACKGROUND = "false_positive"
"""The label of what belongs to no phase."""
COLUMNS = ("scenario", "time", "name", "ip", "host", "time_label")


@dataclass(frozen=True, slots=True)
class Scenario:
    """Alerts of one installation: time in epoch seconds, labels, and the phase in which each lies ('' : none), which only the score may read."""

    name: str
    times: Sequence[float]
    labels: Sequence[dict[str, str]]
    phases: Sequence[str]


def read_scenarios(path: Path) -> list[Scenario]:
    """Read the file, or the one of that name in a folder.

    Raises
    ------
    UsageError : when there are no labelled alerts
    """
    candidates = [path, path / FILE, path / "timeseries" / FILE]
    file = next((each for each in candidates if each.is_file()), None)
    if file is None:
        raise UsageError(f"{path}: no {FILE} there. Name the file or the folder that holds it.")
    try:
        table = pl.read_parquet(file)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise UsageError(f"{file}: cannot be read as Parquet: {str(error).splitlines()[0]}") from error
    if missing := set(COLUMNS) - set(table.columns):
        raise UsageError(f"{file}: the column '{min(missing)}' is missing")
    if table.is_empty():
        raise UsageError(f"{file}: holds no alerts")
    texts = [pl.col(each).cast(pl.String).fill_null("") for each in COLUMNS if each != "time"]
    table = table.select(pl.col("time").cast(pl.Float64), *texts)
    return [_scenario(str(name), part) for (name,), part in table.group_by("scenario", maintain_order=True)]


def _scenario(name: str, table: pl.DataFrame) -> Scenario:
    table = table.sort("time", maintain_order=True)
    shared: dict[tuple[str, str, str], dict[str, str]] = {}
    labels = [
        shared.setdefault(each, _labels(*each)) for each in table.select("name", "host", "ip").iter_rows()
    ]
    phases = ["" if each == BACKGROUND else each for each in table["time_label"]]
    return Scenario(name, table["time"].to_list(), labels, phases)


def _labels(name: str, host: str, ip: str) -> dict[str, str]:
    return {key: value for key, value in (("alertname", name), ("host", host), ("instance", ip)) if value}
