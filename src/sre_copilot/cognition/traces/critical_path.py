"""Time on the critical path: which service a request really waits for.

References
----------
Yang and Miller, Critical path analysis for the execution of parallel and distributed programs, 1988; on spans: the chain of the
child that ends last, from the root down.
"""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from sre_copilot.cognition.traces.sides import Sides, compare
from sre_copilot.cognition.traces.spans import Flags, Spans
from sre_copilot.domain.evidence import Check, Finding, Query

DEEPEST = 32  # calls below the root; deeper chains are loops
CEILING = 0.8  # nats: it says the same as gaps and own time, for whole requests
FLOOR_MS = 20.0  # users feel more than that
FEWEST = 5


def critical(spans: Spans) -> Flags:
    """Whether a span lies on the critical path of its trace: it ends last among its siblings, and so do its ancestors."""
    end = spans.start * 1e3 + spans.duration
    latest = np.full(len(end), -np.inf)
    child = spans.children
    np.maximum.at(latest, spans.parent[child], end[child])
    decisive = spans.parent < 0
    follows = (spans.parent >= 0) & (end >= latest[spans.parent])
    on_path = decisive.copy()
    for _ in range(DEEPEST):
        grown = decisive | (follows & on_path[spans.parent])
        if np.array_equal(grown, on_path):
            break
        on_path = grown
    return np.asarray(on_path)


def slow_paths(spans: Spans, sides: Sides) -> tuple[Finding, ...]:
    """Find the operations that the critical path waits for longer than normally, the strongest of each service."""
    on_path = critical(spans)
    table = compare(
        {"operation": spans.operation[on_path]}, spans.self_time[on_path], sides, on_path, floor=FLOOR_MS, both=True
    )  # fmt: skip
    if table.is_empty():
        return ()
    slow = table.filter(
        (pl.col("calls") >= FEWEST) & (pl.col("source") >= 0) & (pl.col("median") > pl.col("bound"))
    )
    best: dict[str, Finding] = {}
    for row in slow.sort(["weight", "operation"], descending=[True, False]).iter_rows(named=True):
        service, operation = spans.operations[row["operation"]]
        if service not in best:
            best[service] = _finding(row, service, operation, sides)
    return tuple(best[service] for service in sorted(best))


def _finding(row: dict[str, float], service: str, operation: str, sides: Sides) -> Finding:
    where = (("service", service), ("operation", operation))
    query = Query(source="traces", measure="self_ms", where=where, window=sides.after)
    bound = math.sqrt(max(row["normal"], 1.0) * row["median"])
    return Finding(
        kind="trace.critical_path",
        entity=service,
        modality="traces",
        weight=min(CEILING, row["weight"]),
        params=(("operation", operation), ("value", row["median"]), ("normal", row["normal"])),
        checks=(Check(query=query, aggregate="max", relation=">=", bound=bound),),
        fault_type="degradation/latency",
        window=sides.after,
    )
