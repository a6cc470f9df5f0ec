"""Between the two forms of metrics: the long table of `domain.signals` and the block of regular series."""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from sre_copilot.domain.series import SeriesBlock, SeriesKey
from sre_copilot.domain.signals import Window

COLUMNS = ("ts", "service", "instance", "metric", "value")


def block_of(metrics: pl.DataFrame, window: Window, *, step_seconds: int) -> SeriesBlock:
    """Put rows on the grid `window.start + i * step_seconds`; of several rows in one cell the latest counts."""
    start = math.ceil(window.start)
    width = max(0, -(-int(window.end - start) // step_seconds))
    if metrics.height == 0:
        return SeriesBlock((), start, step_seconds, np.empty((0, width), np.float32))
    rows = metrics.filter(pl.col("ts").is_between(start, window.end, closed="left")).sort("ts")
    names = rows.select("service", "metric", "instance").unique().sort("service", "metric", "instance")
    placed = rows.join(names.with_row_index("row"), on=["service", "metric", "instance"], nulls_equal=True)
    values = np.full((names.height, width), np.nan, np.float32)
    columns = ((placed["ts"] - start) // step_seconds).to_numpy()
    values[placed["row"].to_numpy(), columns] = placed["value"].to_numpy()
    keys = tuple(
        SeriesKey(service, metric, instance or "") for service, metric, instance in names.iter_rows()
    )
    return SeriesBlock(keys, start, step_seconds, values)


def table_of(block: SeriesBlock) -> pl.DataFrame:
    """The long table of a block, in the order of time, without the cells that hold nothing."""
    rows, columns = np.nonzero(~np.isnan(block.values))
    keys = block.keys
    table = pl.DataFrame(
        {
            "ts": block.times[columns],
            "service": pl.Series([k.service for k in keys], dtype=pl.String).gather(rows) if keys else [],
            "instance": pl.Series([k.instance for k in keys], dtype=pl.String).gather(rows) if keys else [],
            "metric": pl.Series([k.metric for k in keys], dtype=pl.String).gather(rows) if keys else [],
            "value": block.values[rows, columns].astype(np.float64),
        },
        schema={
            "ts": pl.Int64,
            "service": pl.String,
            "instance": pl.String,
            "metric": pl.String,
            "value": pl.Float64,
        },
    )
    return table.sort("ts", "service", "metric", "instance")
