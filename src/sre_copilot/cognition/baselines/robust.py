"""Robust level and spread of series, by time of day where the past is long enough to know it.

References
----------
Rousseeuw and Croux, Alternatives to the median absolute deviation, 1993, eq. 1.2 (1.4826 makes the MAD consistent for a normal
distribution).
"""

from __future__ import annotations

import polars as pl

CONSISTENT = 1.4826  # Rousseeuw and Croux 1993
DAY_S = 86_400
BUCKET_S = 3_600  # an hour: load hardly changes within it, and a day of minute samples gives it sixty
DAYS_FOR_BUCKETS = 2  # with fewer days an hour of the day was seen once, and its median is one day's accident
SPREAD_OF_LEVEL = 0.1  # a series flatter than 10 % of its own level is quantised or idle, not that exact


def same_time_of_day(samples: pl.DataFrame, *, at: float) -> pl.DataFrame:
    """Keep the samples (`ts`, epoch s) within an hour of the time of day of `at`, when at least two days were recorded."""
    if samples.is_empty():
        return samples
    first, last = samples["ts"].min(), samples["ts"].max()
    if not isinstance(first, int) or not isinstance(last, int) or last - first < DAYS_FOR_BUCKETS * DAY_S:
        return samples
    distance = (pl.col("ts") - int(at)) % DAY_S
    return samples.filter(pl.min_horizontal(distance, DAY_S - distance) <= BUCKET_S)


def baseline(samples: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """Level and spread of each group of `value`.

    Returns
    -------
    Columns `by`, `normal` (median), `spread` (consistent MAD, at least 10 % of the level), `mad` (as measured), `high`, `low`
    (95th and 5th percentile), `samples` (count) and `distinct` (different values).
    """
    value = pl.col("value")
    table = samples.group_by(by, maintain_order=True).agg(
        value.median().alias("normal"),
        (CONSISTENT * (value - value.median()).abs().median()).alias("mad"),
        value.quantile(0.95, "linear").alias("high"),
        value.quantile(0.05, "linear").alias("low"),
        pl.len().alias("samples"),
        value.n_unique().alias("distinct"),
    )
    floor = SPREAD_OF_LEVEL * pl.col("normal").abs()
    return table.with_columns(pl.max_horizontal("mad", floor).alias("spread"))
