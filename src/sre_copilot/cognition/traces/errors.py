"""Spans that fail: where errors begin, not where they are passed on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from sre_copilot.cognition.traces.sides import Sides, nats
from sre_copilot.cognition.traces.spans import Flags, Spans
from sre_copilot.domain.evidence import Check, Finding, Query

CEILING = 4.0  # nats: an operation that fails may still fail because of what it was asked
FEWEST = 3  # runs in the incident
SHARE = 0.1  # of the runs must fail: below it retries hide the fault from users
LEAST = 0.3
OUTWARD = 0.5  # a failed call speaks half as much for its caller: the callee and the way there are two suspects, it is one

Row = dict[str, Any]


def origins(spans: Spans) -> Flags:
    """Failed spans none of whose children failed: errors begin there."""
    failed = spans.failed == 1.0
    below = np.zeros(len(failed), dtype=bool)
    child = spans.children
    below[spans.parent[child][failed[child]]] = True
    return np.asarray(failed & ~below)


def failing_operations(spans: Spans, sides: Sides, reach: Mapping[int, str]) -> tuple[Finding, ...]:
    """Find operations in which errors begin more often than normally, the strongest of each service and of each way to a callee.

    Where a call fails and nothing below it does, its callee or the way there is at fault rather than the caller: all calls
    into a failing callee fail, all calls out of a failing caller do. The share of failing calls at each end divides the evidence.
    """
    if not (spans.failed == 1.0).any():
        return ()
    counted = _counted(spans, sides)
    at_home: list[Row] = []
    away: list[Row] = []
    for row in counted.iter_rows(named=True):
        (away if row["operation"] in reach else at_home).append(row)
    best: dict[str, Finding] = {}
    for row in filter(_fails, at_home):
        service = spans.operations[row["operation"]][0]
        best.setdefault(service, _finding(row, spans, sides, weight=_evidence(row)))
    calls = failing_calls(away, spans, sides, reach)
    return (*(best[service] for service in sorted(best)), *calls)


def failing_calls(
    rows: Sequence[Row], spans: Spans, sides: Sides, reach: Mapping[int, str]
) -> tuple[Finding, ...]:
    """Divide calls that fail between their two ends; the strongest finding of each way."""
    edges: dict[tuple[str, str], Row] = {}
    for row in rows:  # the strongest come first
        edges.setdefault((spans.operations[row["operation"]][0], reach[row["operation"]]), row)
    evidence = {edge: _evidence(row) if _fails(row) else 0.0 for edge, row in edges.items()}
    found = []
    for (caller, callee), row in sorted(edges.items()):
        weight = evidence[caller, callee]
        if weight < LEAST:
            continue
        into = _share(value for (_, other), value in evidence.items() if other == callee)
        out = _share(value for (other, _), value in evidence.items() if other == caller)
        of_callee = into / (into + OUTWARD * out)
        found.append(_finding(row, spans, sides, weight=weight * of_callee, callee=callee))
        found.append(_finding(row, spans, sides, weight=weight * (1 - of_callee), caller_of=callee))
    return tuple(found)


def _share(values: Iterable[float]) -> float:
    known = list(values)
    return sum(known) / (CEILING * len(known))


def _counted(spans: Spans, sides: Sides) -> pl.DataFrame:
    """Runs of each operation and how many of them an error begins in, with nats, strongest first."""
    table = pl.DataFrame({"operation": spans.operation, "begins": origins(spans), "side": sides.side})
    counted = table.group_by("operation").agg(
        (pl.col("begins") & (pl.col("side") == 2)).sum().alias("hits"),
        (pl.col("side") == 2).sum().alias("runs"),
        (pl.col("begins") & pl.col("side").is_in([0, 1])).sum().alias("hits_before"),
        pl.col("side").is_in([0, 1]).sum().alias("runs_before"),
    )
    names = ("hits_before", "runs_before", "hits", "runs")
    weight = nats(*(counted[name].to_numpy().astype(np.float64) for name in names), witnesses=sides.witnesses)
    counted = counted.with_columns(pl.Series("weight", weight)).filter(pl.col("runs") >= FEWEST)
    return counted.sort(["weight", "operation"], descending=[True, False])


def _fails(row: Row) -> bool:
    return bool(row["weight"] >= LEAST and row["hits"] >= SHARE * row["runs"])


def _evidence(row: Row) -> float:
    return float(min(CEILING, row["weight"]))


def _finding(
    row: Row, spans: Spans, sides: Sides, *, weight: float, callee: str = "", caller_of: str = ""
) -> Finding:
    """About the operation's own service, or about the callee, or about the caller of a callee."""
    service, operation = spans.operations[row["operation"]]
    rows = spans.operation == row["operation"]
    share = float(np.mean(spans.failed[rows & (sides.side == 2)] == 1.0))
    before = rows & np.isin(sides.side, (0, 1))
    normal = float(np.mean(spans.failed[before] == 1.0)) if before.any() else 0.0
    where = (("service", service), ("operation", operation))
    query = Query(source="traces", measure="error", where=where, window=sides.after)
    other = caller_of or (service if callee else "")
    return Finding(
        kind="trace.failed_calls" if callee else "trace.failed_calls_out" if caller_of else "trace.errors",
        entity=callee or service,
        related=(other,) if other else (),
        modality="traces",
        weight=weight,
        params=(
            ("operation", operation),
            ("other", other),
            ("share", share),
            ("normal", normal),
            ("runs", int(row["runs"])),
        ),
        checks=(Check(query=query, aggregate="mean", relation=">=", bound=(share + normal) / 2),),
        fault_type="dependency/unavailable" if callee else "code/exception",
        window=sides.after,
    )
