"""Transactions as every source of them gives them: rows of whatever is counted, summed to one row an interval, service and channel."""

from __future__ import annotations

import polars as pl

from sre_copilot.perception.columns import DTYPES, TRANSACTIONS

SCHEMA = {column.name: DTYPES[column.kind] for column in TRANSACTIONS.columns}
KEYS = ("ts", "service", "channel")


def summed(rows: pl.DataFrame, *, interval_seconds: int) -> pl.DataFrame:
    """Sum rows to intervals.

    Parameters
    ----------
    rows : `ts` (epoch s), `service`, `channel`, `count`, `success`, `amount`, `latency_ms` (mean of the row's transactions);
        amount and latency may be null, which is unknown
    interval_seconds : length of the intervals, which begin at multiples of it

    Returns
    -------
    The canonical table: counts and amounts added, latency as the mean over transactions; unknown where no row knows it.
    """
    start = (pl.col("ts").cast(pl.Float64) / interval_seconds).floor().cast(pl.Int64) * interval_seconds
    count, known = pl.col("count"), pl.col("latency_ms").is_not_null() & (pl.col("count") > 0)
    weight = pl.when(known).then(count).otherwise(0)
    return (
        rows.with_columns(start.alias("ts"))
        .group_by(KEYS)
        .agg(
            count.sum().round().cast(pl.Int64).alias("count"),
            pl.min_horizontal(pl.col("success").sum(), count.sum()).round().cast(pl.Int64).alias("success"),
            pl.when(pl.col("amount").is_not_null().any()).then(pl.col("amount").sum()).alias("amount"),
            pl.when(known.any())
            .then((pl.col("latency_ms").fill_null(0.0) * weight).sum() / weight.sum())
            .alias("latency_ms"),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items())
        .sort(TRANSACTIONS.order)
    )
