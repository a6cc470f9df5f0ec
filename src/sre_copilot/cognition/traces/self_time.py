"""Operations that take longer themselves: their duration without that of what they call."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from sre_copilot.cognition.traces.sides import Sides, compare, reached
from sre_copilot.cognition.traces.spans import Spans
from sre_copilot.domain.evidence import Check, Finding, Query

FLOOR_MS = 10.0  # less is a garbage collection or a lost time slice
CEILING = 2.0  # nats: code, processor, lock and data all make an operation slow
SHARE = 0.3  # of the calls must be slow
MOST = 0.8  # of the calls slow is a slow operation; fewer are slow moments, and count less
FEWEST = 3
OUTWARD = 0.5  # a call that takes long speaks alike for both its ends


def slow_operations(spans: Spans, sides: Sides, reach: Mapping[int, str]) -> tuple[Finding, ...]:
    """Find the operation of each service whose own time grew most; calls to another service are edges, not own time.

    A call to something that writes no spans speaks for that (`trace.slow_dependency`), and half as much for its caller.
    """
    own = ~reached(spans)
    table = compare(
        {"operation": spans.operation[own]}, spans.self_time[own], sides, own, floor=FLOOR_MS, both=True
    )
    best: dict[str, Finding] = {}
    for row in table.iter_rows(named=True):
        if row["calls"] < FEWEST or row["source"] < 0 or row["median"] <= row["bound"]:
            continue
        if row["hits"] < SHARE * row["calls"]:
            continue
        size = min(1.0, math.log(row["median"] / row["bound"]) / math.log(3.0) + 0.5)
        size *= min(1.0, row["hits"] / row["calls"] / MOST) ** 2
        weight = float(np.clip(row["weight"], 0.0, CEILING)) * size
        callee = reach.get(row["operation"])
        found = [_finding(row, spans, weight * (OUTWARD if callee else 1.0), sides)]
        if callee:
            found.append(_finding(row, spans, weight * (1 - OUTWARD), sides, callee=callee))
        for finding in found:
            if finding.entity not in best or finding.weight > best[finding.entity].weight:
                best[finding.entity] = finding
    return tuple(best[service] for service in sorted(best))


def _finding(
    row: dict[str, Any], spans: Spans, weight: float, sides: Sides, *, callee: str | None = None
) -> Finding:
    service, operation = spans.operations[row["operation"]]
    bound = math.sqrt(row["bound"] * row["median"])
    where = (("service", service), ("operation", operation))
    origin, window = sides.of(int(row["source"]))
    after = Query(source="traces", measure="self_ms", where=where, window=sides.after)
    before = Query(source="traces", measure="self_ms", where=where, window=window, origin=origin)
    return Finding(
        kind="trace.slow_dependency" if callee else "trace.self_time",
        entity=callee or service,
        related=(service,) if callee else (),
        modality="traces",
        weight=weight,
        params=(
            ("operation", operation),
            ("value", row["median"]),
            ("normal", row["normal"]),
            ("caller", service),
        ),
        checks=(
            Check(query=after, aggregate="median", relation=">=", bound=bound),
            Check(query=before, aggregate="median", relation="<=", bound=bound),
        ),
        fault_type="degradation/latency" if callee else "code/slow",
        window=sides.after,
    )
