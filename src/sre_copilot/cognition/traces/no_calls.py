"""Operations that used to call something, whatever the request, and now call nothing: they end before their work begins.

An entry serves requests of many kinds, so that no single call belongs to all its runs; that it calls anything at all does.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from sre_copilot.cognition.traces.calls_per_run import calls_per_run
from sre_copilot.cognition.traces.sides import Sides, nats
from sre_copilot.cognition.traces.spans import Spans
from sre_copilot.cognition.traces.structure import FEWEST, GONE, REGULAR
from sre_copilot.domain.evidence import Check, Finding

CEILING = 4.0  # nats: as for a single call that is missing
LEAST = 0.3  # nats; less is not worth a sentence
VARIED = 2  # different calls, from which it is not one call that is missing


def ending_at_once(spans: Spans, sides: Sides) -> tuple[Finding, ...]:
    """Find operations with several different calls whose runs no longer make any."""
    table = _counted(spans, sides)
    missed = (
        table["before"] - table["with_before"],
        table["before"],
        table["runs"] - table["with"],
        table["runs"],
    )
    columns = [column.to_numpy().astype(np.float64) for column in missed]
    table = table.with_columns(pl.Series("weight", nats(*columns, witnesses=sides.witnesses)))
    rate, usual = pl.col("with") / pl.col("runs"), pl.col("with_before") / pl.col("before")
    gone = table.with_columns(rate.alias("rate"), usual.alias("usual")).filter(
        (pl.col("usual") >= REGULAR) & (pl.col("rate") <= GONE * pl.col("usual")), pl.col("weight") >= LEAST
    )
    return tuple(_finding(row, spans, sides) for row in gone.sort("operation").iter_rows(named=True))


def _counted(spans: Spans, sides: Sides) -> pl.DataFrame:
    """Runs of each operation that calls several things, and how many of them called anything."""
    child = spans.children
    calls = np.bincount(spans.parent[child], minlength=len(spans.parent))
    kinds = pl.DataFrame({"operation": spans.operation[spans.parent[child]], "child": spans.operation[child]})
    varied = kinds.group_by("operation").agg(pl.col("child").n_unique().alias("kinds"))
    after, before = pl.col("side") == 2, pl.col("side") == pl.col("source")
    reference = pl.when((pl.col("side") == 0).sum() >= FEWEST).then(0).otherwise(1)
    table = pl.DataFrame({"operation": spans.operation, "calls": calls, "side": sides.side})
    return (
        table.join(varied.filter(pl.col("kinds") >= VARIED), on="operation", how="semi")
        .with_columns(reference.over("operation").alias("source"))
        .group_by("operation")
        .agg(
            pl.col("source").first(),
            after.sum().cast(pl.Int64).alias("runs"),
            before.sum().cast(pl.Int64).alias("before"),
            ((pl.col("calls") > 0) & after).sum().cast(pl.Int64).alias("with"),
            ((pl.col("calls") > 0) & before).sum().cast(pl.Int64).alias("with_before"),
            pl.col("calls").filter(after).mean().alias("pairs"),
            pl.col("calls").filter(before).mean().alias("pairs_before"),
        )
        .filter((pl.col("runs") >= FEWEST) & (pl.col("before") >= FEWEST))
    )


def _finding(row: dict[str, float], spans: Spans, sides: Sides) -> Finding:
    service, operation = spans.operations[int(row["operation"])]
    complete = (1 - row["rate"] / row["usual"]) ** 2
    return Finding(
        kind="trace.no_calls",
        entity=service,
        modality="traces",
        weight=min(CEILING, row["weight"]) * complete,
        params=(
            ("operation", operation),
            ("share", row["rate"]),
            ("normal", row["usual"]),
            ("runs", int(row["runs"])),
        ),
        checks=_checks(row, service, operation, sides),
        fault_type="code/missing-step",
        window=sides.after,
    )


def _checks(row: dict[str, float], service: str, operation: str, sides: Sides) -> tuple[Check, ...]:
    """Calls a run: at most the bound in the incident and at least the bound before, halfway between."""
    bound = (row["pairs"] + row["pairs_before"]) / 2
    pairs = (("caller", service), ("caller_operation", operation))
    runs = (("service", service), ("operation", operation))
    return calls_per_run(pairs, runs, sides, source=int(row["source"]), bound=bound)
