"""What an operation does: which calls belong to it, which of them it no longer makes, and after which call it now stops."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from sre_copilot.cognition.traces.sides import Sides, nats
from sre_copilot.cognition.traces.spans import Spans

FEWEST = 3  # runs of an operation on each side; of two nothing can be said
REGULAR = 0.9  # of the runs make the call: what is made less often depends on the request, and so on the mix of load
WELL_KNOWN = 20  # runs: a step that a tenth of the requests skip is seen in all of fewer too often (0.9^20 = 0.12); runs come in
# bursts of one kind, so that trust grows with the cube of their number
GONE = 0.5  # at most this share of its former rate is left: less is load mix


@dataclass(frozen=True, slots=True)
class Structure:
    """Three tables of how runs of an operation (`parent`) call another (`child`), normally and in the incident.

    `calls` has one row a pair: `rate`, `rate_before` (share of runs that make the call), `pairs`, `pairs_before` (calls a run), `runs`,
    `runs_before`, `source` (side taken as normal), `replaced` (how much the rate of another call of that parent rose: then the mix of load
    changed), `known` (0 to 1, how well the normal side knows the operation). `ends` has one row for parent, child and `callee` (the service that the child reaches):
    `share`, `share_before` of the runs with that call in which it was the last one. `answers` has one row for each operation that calls one other service: the share of its runs that the service
    answered. All have `weight` in nats.
    """

    calls: pl.DataFrame
    ends: pl.DataFrame
    answers: pl.DataFrame


def structure(spans: Spans, sides: Sides) -> Structure:
    """Count what runs of each operation call, and what they call last."""
    runs = _runs(spans, sides)
    child = spans.children
    parent = spans.parent[child]
    table = pl.DataFrame(
        {
            "parent": spans.operation[parent],
            "child": spans.operation[child],
            "callee": spans.callee[child],
            "below": _below(spans)[child],
            "run": parent,
            "last": spans.last[child],
            "side": sides.side[parent],
            "child_side": sides.side[child],
        }
    ).join(runs, on="parent", how="inner")
    pairs = _pairs(table)
    table = table.filter((pl.col("side") == pl.col("source")) | (pl.col("side") == 2))
    witnesses = sides.witnesses
    return Structure(
        _calls(table, runs, pairs, witnesses), _ends(table, witnesses), _answers(spans, sides, runs)
    )


def _runs(spans: Spans, sides: Sides) -> pl.DataFrame:
    """Operations with enough runs in the incident and on one normal side."""
    table = pl.DataFrame({"parent": spans.operation, "side": sides.side}).group_by("parent").agg(
        (pl.col("side") == 0).sum().cast(pl.Int64).alias("reference"),
        (pl.col("side") == 1).sum().cast(pl.Int64).alias("past"),
        (pl.col("side") == 2).sum().cast(pl.Int64).alias("runs"),
    )  # fmt: skip
    known_well = (pl.col("reference") >= 10) | (pl.col("reference") >= pl.col("past"))
    source = pl.when(known_well).then(0).otherwise(1).cast(pl.Int64).alias("source")
    before = pl.when(known_well).then("reference").otherwise("past").alias("runs_before")
    known = ((pl.col("reference") + pl.col("past")) / WELL_KNOWN).clip(0.0, 1.0) ** 3
    table = table.with_columns(source, before, known.alias("known")).drop("reference", "past")
    return table.filter((pl.col("runs") >= FEWEST) & (pl.col("runs_before") >= FEWEST))


def _pairs(table: pl.DataFrame) -> pl.DataFrame:
    """Calls on each side by their own time, as a check counts them."""
    return table.group_by("parent", "child").agg(
        (pl.col("child_side") == 2).sum().alias("pairs"),
        (pl.col("child_side") == pl.col("source")).sum().alias("pairs_before"),
    )


def _answers(spans: Spans, sides: Sides, runs: pl.DataFrame) -> pl.DataFrame:
    """How often a run of an operation that calls one other service is answered by it."""
    away = spans.callee != spans.service
    table = pl.DataFrame(
        {"parent": spans.operation, "callee": spans.callee, "away": away, "side": sides.side}
    )
    table = table.join(runs, on="parent", how="inner")
    after, before = pl.col("side") == 2, pl.col("side") == pl.col("source")
    found = table.group_by("parent").agg(
        pl.col("source", "runs", "runs_before", "known").first(),
        (pl.col("away") & after).sum().alias("with"),
        (pl.col("away") & before).sum().alias("with_before"),
        pl.col("callee").filter(pl.col("away") & before).n_unique().alias("callees"),
        pl.col("callee").filter(pl.col("away") & before).mode().min().alias("callee"),
    )
    return _rates(found.filter(pl.col("callees") == 1), sides.witnesses).sort("parent")


def _rates(found: pl.DataFrame, witnesses: float) -> pl.DataFrame:
    """Add the shares of runs with a call, and the nats by which their absence grew."""
    found = found.with_columns(
        (pl.col("with") / pl.col("runs")).alias("rate"),
        (pl.col("with_before") / pl.col("runs_before")).alias("rate_before"),
    )
    missed = found.select(
        (pl.col("runs_before") - pl.col("with_before")).alias("before"),
        pl.col("runs_before"),
        (pl.col("runs") - pl.col("with")).alias("after"),
        pl.col("runs"),
    )
    columns = [column.to_numpy().astype(np.float64) for column in missed.get_columns()]
    weight = nats(*columns, witnesses=witnesses)
    return found.with_columns(pl.Series("weight", weight))


def _calls(table: pl.DataFrame, runs: pl.DataFrame, pairs: pl.DataFrame, witnesses: float) -> pl.DataFrame:
    after, before = pl.col("side") == 2, pl.col("side") != 2
    counted = table.group_by("parent", "child").agg(
        pl.col("run").filter(after).n_unique().alias("with"),
        pl.col("run").filter(before).n_unique().alias("with_before"),
        pl.col("callee").mode().min().alias("callee"),
    )
    counted = counted.join(runs, on="parent").join(pairs, on=["parent", "child"])
    found = _rates(counted, witnesses).with_columns(
        pl.col("pairs") / pl.col("runs"), pl.col("pairs_before") / pl.col("runs_before")
    )
    rise = (pl.col("rate") - pl.col("rate_before")).max().over("parent").clip(0.0, 1.0)
    return found.with_columns(rise.alias("replaced")).sort("parent", "child")


def _ends(table: pl.DataFrame, witnesses: float) -> pl.DataFrame:
    once = table.group_by("parent", "child", "callee", "run", "side", "source", "known").agg(
        pl.col("last").any(), pl.col("below").min()
    )
    after, before = pl.col("side") == 2, pl.col("side") != 2
    found = once.group_by("parent", "child", "callee").agg(
        pl.col("source", "known").first(),
        (pl.col("last") & after).sum().alias("ended"),
        (pl.col("last") & before).sum().alias("ended_before"),
        after.sum().alias("runs"),
        before.sum().alias("runs_before"),
        pl.col("below").filter(after).mode().min().alias("below"),
    )
    found = found.filter((pl.col("runs") >= FEWEST) & (pl.col("runs_before") >= FEWEST)).with_columns(
        (pl.col("ended") / pl.col("runs")).alias("share"),
        (pl.col("ended_before") / pl.col("runs_before")).alias("share_before"),
    )
    names = ("ended_before", "runs_before", "ended", "runs")
    weight = nats(*(found[name].to_numpy().astype(np.float64) for name in names), witnesses=witnesses)
    return found.with_columns(pl.Series("weight", weight)).sort("parent", "child", "callee")


def _below(spans: Spans) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The service that the last call of a span reaches, through operations of its own service."""
    below = spans.callee.copy()
    last = np.flatnonzero(spans.last)
    parent = spans.parent[last]
    inner = spans.callee[parent] == spans.service[parent]
    last, parent = last[inner], parent[inner]
    for _ in range(8):  # operations of one service are hardly nested deeper
        below[parent] = np.where(spans.service[last] == spans.service[parent], below[last], below[parent])
    return below
