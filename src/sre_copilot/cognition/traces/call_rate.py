"""Calls that a run of an operation makes more often than before: retries and loops."""

from __future__ import annotations

import polars as pl

from sre_copilot.cognition.traces.calls_per_run import calls_per_run
from sre_copilot.cognition.traces.sides import Sides
from sre_copilot.cognition.traces.spans import Spans
from sre_copilot.cognition.traces.structure import Structure
from sre_copilot.domain.evidence import Check, Finding

CEILING = 0.6  # nats: whoever is retried may fail, but whoever retries may also loop
TIMES = 2.0  # as many calls a run as before: a client that retries once doubles them
USUAL = 0.6  # of the runs made the call before: else the mix of requests decides how many there are
FEWEST = 10  # runs on each side, for a mean of calls a run


def repeated_calls(spans: Spans, sides: Sides, found: Structure) -> tuple[Finding, ...]:
    """Find calls to other services that doubled in each run of the calling operation."""
    enough = (pl.col("runs") >= FEWEST) & (pl.col("runs_before") >= FEWEST)
    more = (pl.col("pairs") >= TIMES * pl.col("pairs_before")) & (pl.col("rate_before") >= USUAL)
    rows = found.calls.filter(enough & more).iter_rows(named=True)
    return tuple(
        _finding(row, spans, sides)
        for row in rows
        if spans.services[row["callee"]] != spans.operations[row["parent"]][0]
    )


def _finding(row: dict[str, float], spans: Spans, sides: Sides) -> Finding:
    caller, operation = spans.operations[int(row["parent"])]
    callee = spans.services[int(row["callee"])]
    return Finding(
        kind="trace.call_rate",
        entity=callee,
        related=(caller,),
        modality="traces",
        weight=CEILING * min(1.0, row["pairs"] / row["pairs_before"] / TIMES - 0.5),
        params=(
            ("caller", caller),
            ("operation", operation),
            ("value", row["pairs"]),
            ("normal", row["pairs_before"]),
        ),
        checks=_checks(row, spans, sides),
        fault_type="degradation/availability",
        window=sides.after,
    )


def _checks(row: dict[str, float], spans: Spans, sides: Sides) -> tuple[Check, ...]:
    caller, operation = spans.operations[int(row["parent"])]
    owner, call = spans.operations[int(row["child"])]
    pairs = (
        ("caller", caller),
        ("callee", owner),
        ("caller_operation", operation),
        ("callee_operation", call),
    )
    runs = (("service", caller), ("operation", operation))
    bound = (row["pairs"] + row["pairs_before"]) / 2
    return calls_per_run(pairs, runs, sides, source=int(row["source"]), bound=bound, rises=True)
