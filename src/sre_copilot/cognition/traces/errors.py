"""Spans that fail: where errors begin, not where they are passed on."""

from __future__ import annotations

import numpy as np
import polars as pl

from sre_copilot.cognition.traces.sides import Sides, nats
from sre_copilot.cognition.traces.spans import Flags, Spans
from sre_copilot.domain.evidence import Check, Finding, Query

CEILING = 4.0  # nats: an operation that fails may still fail because of what it was asked
FEWEST = 3  # runs in the incident
SHARE = 0.1  # of the runs must fail: below it retries hide the fault from users
LEAST = 0.3


def origins(spans: Spans) -> Flags:
    """Failed spans none of whose children failed: errors begin there."""
    failed = spans.failed == 1.0
    below = np.zeros(len(failed), dtype=bool)
    child = spans.children
    below[spans.parent[child][failed[child]]] = True
    return np.asarray(failed & ~below)


def failing_operations(spans: Spans, sides: Sides) -> tuple[Finding, ...]:
    """Find operations in which errors begin more often than normally, the strongest of each service."""
    if not (spans.failed == 1.0).any():
        return ()
    begins = origins(spans)
    table = pl.DataFrame({"operation": spans.operation, "begins": begins, "side": sides.side})
    counted = table.group_by("operation").agg(
        (pl.col("begins") & (pl.col("side") == 2)).sum().alias("hits"),
        (pl.col("side") == 2).sum().alias("runs"),
        (pl.col("begins") & pl.col("side").is_in([0, 1])).sum().alias("hits_before"),
        pl.col("side").is_in([0, 1]).sum().alias("runs_before"),
    )
    names = ("hits_before", "runs_before", "hits", "runs")
    weight = nats(*(counted[name].to_numpy().astype(np.float64) for name in names))
    counted = counted.with_columns(pl.Series("weight", weight)).sort(
        ["weight", "operation"], descending=[True, False]
    )
    counted = counted.filter((pl.col("runs") >= FEWEST) & (pl.col("hits") >= SHARE * pl.col("runs")))
    best: dict[str, Finding] = {}
    for row in counted.filter(pl.col("weight") >= LEAST).iter_rows(named=True):
        service, operation = spans.operations[row["operation"]]
        if service not in best:
            best[service] = _finding(row, service, operation, spans, sides)
    return tuple(best[service] for service in sorted(best))


def _finding(row: dict[str, float], service: str, operation: str, spans: Spans, sides: Sides) -> Finding:
    rows = spans.operation == row["operation"]
    share = float(np.mean(spans.failed[rows & (sides.side == 2)] == 1.0))
    before = rows & np.isin(sides.side, (0, 1))
    normal = float(np.mean(spans.failed[before] == 1.0)) if before.any() else 0.0
    where = (("service", service), ("operation", operation))
    query = Query(source="traces", measure="error", where=where, window=sides.after)
    return Finding(
        kind="trace.errors",
        entity=service,
        modality="traces",
        weight=float(min(CEILING, row["weight"])),
        params=(("operation", operation), ("share", share), ("normal", normal), ("runs", int(row["runs"]))),
        checks=(Check(query=query, aggregate="mean", relation=">=", bound=(share + normal) / 2),),
        fault_type="code/exception",
        window=sides.after,
    )
