"""The complaint: what a pager at the entry would have said first, from the entry's metrics and the orders alone."""

from __future__ import annotations

from typing import Any

import polars as pl

from lab.layout import ENTRY

FAILED_SHARE = 0.05  # a twentieth of the requests: five times what a shop of this kind promises
OPEN_SHARE = 0.15  # of the orders in ten seconds, where one of a dozen may be left open by chance
LATENCY_FACTOR = 2.0
LATENCY_RISE_S = 0.05
LATER_S = 30  # when nothing crossed a limit: somebody asks, half a minute into it


def first(metrics: pl.DataFrame, transactions: pl.DataFrame, at: float) -> dict[str, Any]:
    """The alert as `case.json` holds it: the entry, the metric, and when its limit was first crossed after `at`."""
    found = sorted(
        [
            *(("availability", ts) for ts in _crossed(metrics, "http_error_ratio", at, 0.0, FAILED_SHARE)),
            *(("availability", ts) for ts in _orders(transactions, at)),
            *(
                ("latency", ts)
                for ts in _crossed(metrics, "http_latency_p95_seconds", at, LATENCY_FACTOR, LATENCY_RISE_S)
            ),
        ],
        key=lambda pair: (pair[1], pair[0]),
    )
    metric, timestamp = found[0] if found else ("latency", int(at) + LATER_S)
    return {"node": ENTRY, "metric": metric, "timestamp": timestamp, "noticed": bool(found)}


def _crossed(metrics: pl.DataFrame, name: str, at: float, factor: float, rise: float) -> list[int]:
    """The second of the first two successive scrapes above `factor` times the median before `at`, plus `rise`."""
    entry = metrics.filter((pl.col("service") == ENTRY) & (pl.col("metric") == name)).sort("ts")
    before = entry.filter(pl.col("ts") < at)["value"].median()
    if not isinstance(before, int | float):
        return []
    after = entry.filter(pl.col("ts") >= at).with_columns(above=pl.col("value") > factor * before + rise)
    both = after.filter(pl.col("above") & pl.col("above").shift(1))
    return both["ts"].to_list()[:1]


def _orders(transactions: pl.DataFrame, at: float) -> list[int]:
    """The end of the first ten seconds in which more than `OPEN_SHARE` of the orders did not complete."""
    totals = transactions.group_by("ts").agg(pl.col("count", "success").sum()).sort("ts")
    bad = totals.filter((pl.col("ts") >= at) & (pl.col("success") < (1 - OPEN_SHARE) * pl.col("count")))
    return [ts + 10 for ts in bad["ts"].to_list()[:1]]
