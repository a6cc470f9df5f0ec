"""Choosing series of metrics, and putting one on a grid of time."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sre_copilot.agents.toolkit.looking import Look
from sre_copilot.agents.toolkit.names import metrics_of, nearest, one_of, service_of
from sre_copilot.agents.toolkit.trouble import Trouble

Key = tuple[str, str, str]
MOST_POINTS = 50_000  # of one series on a grid: a month of minutes; beyond that the past tells nothing more
FINEST_S = 1


def chosen(seen: Look, *, service: str = "", metric: str = "", instance: str = "") -> pl.DataFrame:
    """Rows of the series that are meant.

    Raises
    ------
    Trouble : names what there is instead; the service is known and was silent is no data, not an error
    """
    table = seen.table.with_columns(pl.col("instance").fill_null(""))
    if service:
        name = service_of(service, seen.context, also=table["service"].unique().to_list())
        everywhere, table = table, table.filter(pl.col("service") == name)
        if table.is_empty():
            metrics = ", ".join(nearest(metric, everywhere["metric"].unique().to_list()))
            raise Trouble("no_data", "tool.none.of_service", service=name, near=metrics or "–", **seen.span)
    if metric:
        table = table.filter(pl.col("metric").is_in(metrics_of(metric, table["metric"].unique().to_list())))
    if instance:
        known = table["instance"].unique().to_list()
        meant = one_of(instance, known)
        if meant is None:
            near = ", ".join(nearest(instance, known)) or "–"
            raise Trouble("error", "tool.problem.instance", name=instance, near=near)
        table = table.filter(pl.col("instance") == meant)
    if table.is_empty():
        raise Trouble("no_data", "tool.none.values", gaps=seen.gaps, **seen.span)
    return table


def series_of(table: pl.DataFrame) -> pl.DataFrame:
    """The distinct series of a table, in the order of their names."""
    return table.select("service", "metric", "instance").unique().sort("service", "metric", "instance")


def key_of(row: dict[str, Any]) -> Key:
    """Service, metric and instance of a row."""
    return row["service"], row["metric"], row["instance"]


def of_key(table: pl.DataFrame, key: Key) -> pl.DataFrame:
    """Rows of one series with a value, in the order of time."""
    service, metric, instance = key
    same = (pl.col("service") == service) & (pl.col("metric") == metric)
    mine = table.filter(same & (pl.col("instance").fill_null("") == instance))
    return mine.filter(pl.col("value").is_finite()).sort("ts")


def on_grid(rows: pl.DataFrame) -> tuple[NDArray[np.float64], int, int]:
    """Values of one series on the grid of its usual distance: (values, epoch s of the first, step in s); NaN where there is none."""
    times = rows["ts"].to_numpy()
    gaps = np.diff(np.unique(times))
    step = max(int(np.median(gaps)) if gaps.size else 60, FINEST_S)
    start = max(int(times[0]), int(times[-1]) - step * (MOST_POINTS - 1))
    values = np.full((int(times[-1]) - start) // step + 1, np.nan)
    late = times >= start
    values[(times[late] - start) // step] = rows["value"].to_numpy()[late]
    return values, start, step
