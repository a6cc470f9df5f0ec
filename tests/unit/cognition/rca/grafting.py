"""A fault grafted onto fault-free golden signals: the culprit gets worse, and all who wait for it, by as much."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import polars as pl

LATENCY, AVAILABILITY, REQUESTS = "latency.mean", "availability.percent", "requests.count"
STEP = 300
EDGES = (
    ("portal", "orders"),
    ("portal", "catalogue"),
    ("portal", "orders-balancer"),
    ("portal", "mailer"),
    ("orders", "billing"),
    ("orders", "ledger-db"),
    ("billing", "ledger-db"),
    ("catalogue", "search"),
    ("search", "search-db"),
    ("robot", "catalogue"),
)
"""An invented shop: `ledger-db` is shared, `orders-balancer` is a second view of a few calls to `orders`, nobody waits for
`mailer`, `robot` calls in from elsewhere."""
LEVELS = {
    "portal": (0.30, 700.0),
    "orders": (0.20, 160.0),
    "orders-balancer": (0.21, 12.0),
    "billing": (0.08, 150.0),
    "ledger-db": (0.01, 460.0),
    "catalogue": (0.05, 500.0),
    "search": (0.02, 420.0),
    "search-db": (0.005, 800.0),
    "mailer": (2.5, 30.0),
    "robot": (0.01, 40.0),
}
"""Latency in seconds and requests a row."""
NOISE = {"mailer": 0.4}
"""Relative noise of latency where it is not 3 %."""


def fault_free(rows: int, *, seed: int, start: int = 0, drift: float = 1.0) -> pl.DataFrame:
    """Golden signals of the invented shop without a fault; `drift` scales all latencies."""
    chance = np.random.default_rng(seed)
    tables = []
    for node, (latency, requests) in LEVELS.items():
        spread = NOISE.get(node, 0.03)
        counts = np.maximum(1, chance.poisson(requests, rows)).astype(float)
        lost = chance.binomial(counts.astype(int), 2e-4) / counts
        series = {
            LATENCY: drift * latency * np.exp(chance.normal(0, spread, rows)),
            AVAILABILITY: 100 * (1 - lost),
            REQUESTS: counts,
        }
        tables += [_series(node, metric, values, start) for metric, values in series.items()]
    return pl.concat(tables)


def _series(node: str, metric: str, values: np.ndarray, start: int) -> pl.DataFrame:
    ts = start + STEP * np.arange(len(values))
    return pl.DataFrame({"ts": ts, "service": node, "instance": node, "metric": metric, "value": values})


def graft(
    metrics: pl.DataFrame,
    culprit: str,
    rows: Sequence[int],
    *,
    edges: Iterable[tuple[str, str]] = EDGES,
    seconds: float = 0.0,
    failures: float = 0.0,
    names: Mapping[str, str] | None = None,
    lost_on_the_way: float = 0.0,
) -> pl.DataFrame:
    """Add waiting and failed requests a row to the culprit and, in parts of its calls, to all that call it.

    Parameters
    ----------
    rows : numbers of the rows that the fault covers
    seconds, failures : total a row
    names : names of the metrics `latency`, `availability`, `requests` when they are not those of the invented shop
    lost_on_the_way : part of the failures that each caller makes good
    """
    names = names or {"latency": LATENCY, "availability": AVAILABILITY, "requests": REQUESTS}
    times = sorted(metrics["ts"].unique().to_list())
    faulty = [times[row] for row in rows]
    calls = _mean_requests(metrics.filter(pl.col("metric") == names["requests"]))
    parts = spread(culprit, tuple(edges), calls, lost_on_the_way)
    served = metrics.filter(pl.col("metric") == names["requests"]).select("ts", "service", served="value")
    part = pl.col("service").replace_strict(parts, default=0.0, return_dtype=pl.Float64)
    within = pl.col("ts").is_in(faulty) & (pl.col("served") > 0)
    slower = pl.col("value") + part * seconds / pl.col("served")
    failing = pl.max_horizontal(0.0, pl.col("value") - 100 * part * failures / pl.col("served"))
    return (
        metrics.join(served, on=["ts", "service"], how="left", maintain_order="left")
        .with_columns(
            pl.when(within & (pl.col("metric") == names["latency"]))
            .then(slower)
            .when(within & (pl.col("metric") == names["availability"]))
            .then(failing)
            .otherwise(pl.col("value"))
            .alias("value")
        )
        .drop("served")
    )


def spread(
    culprit: str, edges: tuple[tuple[str, str], ...], calls: Mapping[str, float], lost: float
) -> dict[str, float]:
    """The part of the culprit's excess that shows in each node: callers share it by their requests."""
    parts: dict[str, float] = {}

    def climb(node: str, part: float, seen: frozenset[str]) -> None:
        parts[node] = parts.get(node, 0.0) + part
        callers = [caller for caller, callee in edges if callee == node and caller not in seen]
        total = sum(calls.get(caller, 0.0) for caller in callers)
        for caller in callers:
            if total > 0:
                climb(caller, (1 - lost) * part * calls.get(caller, 0.0) / total, seen | {node})

    climb(culprit, 1.0, frozenset())
    return parts


def _mean_requests(requests: pl.DataFrame) -> dict[str, float]:
    return dict(requests.group_by("service").agg(pl.col("value").mean()).iter_rows())
