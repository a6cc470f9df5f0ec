"""Operations that take longer themselves: their duration without that of what they call."""

from __future__ import annotations

import math

import numpy as np

from sre_copilot.cognition.traces.sides import Sides, compare, reached
from sre_copilot.cognition.traces.spans import Spans
from sre_copilot.domain.evidence import Check, Finding, Query

FLOOR_MS = 10.0  # less is a garbage collection or a lost time slice
CEILING = 2.0  # nats: code, processor, lock and data all make an operation slow
SHARE = 0.3  # of the calls must be slow
MOST = 0.8  # of the calls slow is a slow operation; fewer are slow moments, and count less
FEWEST = 3


def slow_operations(spans: Spans, sides: Sides) -> tuple[Finding, ...]:
    """Find the operation of each service whose own time grew most; calls to another service are edges, not own time."""
    own = ~reached(spans)
    table = compare(
        {"operation": spans.operation[own]}, spans.self_time[own], sides.side[own], floor=FLOOR_MS, both=True
    )
    best: dict[str, Finding] = {}
    for row in table.iter_rows(named=True):
        if row["calls"] < FEWEST or row["source"] < 0 or row["median"] <= row["bound"]:
            continue
        if row["hits"] < SHARE * row["calls"]:
            continue
        service, operation = spans.operations[row["operation"]]
        size = min(1.0, math.log(row["median"] / row["bound"]) / math.log(3.0) + 0.5)
        size *= min(1.0, row["hits"] / row["calls"] / MOST) ** 2
        finding = _finding(row, service, operation, float(np.clip(row["weight"], 0.0, CEILING)) * size, sides)
        if service not in best or finding.weight > best[service].weight:
            best[service] = finding
    return tuple(best[service] for service in sorted(best))


def _finding(row: dict[str, float], service: str, operation: str, weight: float, sides: Sides) -> Finding:
    bound = math.sqrt(row["bound"] * row["median"])
    where = (("service", service), ("operation", operation))
    origin, window = sides.of(int(row["source"]))
    after = Query(source="traces", measure="self_ms", where=where, window=sides.after)
    before = Query(source="traces", measure="self_ms", where=where, window=window, origin=origin)
    return Finding(
        kind="trace.self_time",
        entity=service,
        modality="traces",
        weight=weight,
        params=(("operation", operation), ("value", row["median"]), ("normal", row["normal"])),
        checks=(
            Check(query=after, aggregate="median", relation=">=", bound=bound),
            Check(query=before, aggregate="median", relation="<=", bound=bound),
        ),
        fault_type="code/slow",
        window=sides.after,
    )
