"""Time that is lost between caller and callee: the client's span minus the server's, network and queue."""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from sre_copilot.cognition.traces.sides import Sides, compare, rise
from sre_copilot.cognition.traces.spans import Spans
from sre_copilot.domain.evidence import Check, Finding, Query

FLOOR_MS = 10.0  # a network inside one site answers within milliseconds: less is jitter of scheduling
CEILING = 5.0  # nats of one edge: a slow edge has two ends and a network between them
SHARE = 0.2  # of the calls must be slow: fewer are a tail that every service has
MOST = 0.8  # a delay of the way hits all calls but those in flight; a moment of slowness hits some, and counts less
LARGE = 2.0  # times the bound is certainly slow
OUTWARD = 0.5  # a slow edge speaks half as much for its caller: its callee and the way there are two suspects, it is one
LEAST = 0.3  # nats; less is not worth a sentence
FEWEST = 3  # calls; two slow calls are one slow moment


def slow_edges(spans: Spans, sides: Sides) -> tuple[Finding, ...]:
    """Find edges whose gap grew, and divide the blame between their ends.

    All edges into a slow callee are slow; all edges out of a slow caller are. The share of slow edges at each end divides the
    evidence between the two.
    """
    table = _edges(spans, sides)
    if table.is_empty():
        return ()
    slow = table.filter(pl.col("slow") & (pl.col("evidence") >= LEAST))
    if slow.is_empty():
        return ()
    around = _around(table)
    into = table.group_by("callee").agg((pl.col("evidence").sum() / pl.col("possible").sum()).alias("into"))
    out = table.group_by("caller").agg((pl.col("evidence").sum() / pl.col("possible").sum()).alias("out"))
    slow = slow.join(into, on="callee").join(out, on="caller").sort("caller", "callee")
    found = []
    for row in slow.iter_rows(named=True):
        of_callee = row["into"] / (row["into"] + OUTWARD * row["out"])
        ends = spans.services[row["caller"]], spans.services[row["callee"]]
        here, there = (_above(row, around[row[end]], sides) for end in ("callee", "caller"))
        found.append(_finding("trace.edge_gap", row, ends, here * of_callee, sides))
        found.append(_finding("trace.edge_gap_out", row, ends, there * (1 - of_callee), sides))
    return tuple(finding for finding in found if finding.weight > 0)


def _around(table: pl.DataFrame) -> dict[int, float]:
    """For each service the share of slow calls on the edges that do not touch it, edges counting alike.

    A machine or a network that all share makes all edges slow: that says nothing of one service.
    """
    shares = [
        (row["caller"], row["callee"], row["hits"] / row["calls"])
        for row in table.select("caller", "callee", "hits", "calls").iter_rows(named=True)
    ]
    return {
        service: float(np.mean(others))
        if (others := [s for a, b, s in shares if service not in (a, b)])
        else 0.0
        for service in {end for caller, callee, _ in shares for end in (caller, callee)}
    }


def _above(row: dict[str, float], around: float, sides: Sides) -> float:
    """The evidence of an edge that is left when as many of its calls as of the others' would be slow anyway."""
    share = (row["hits"] + 0.5) / (row["calls"] + 1.0)
    usual = max((row["hits_before"] + 0.5) / (row["before"] + 1.0), around)
    if share <= usual or row["weight"] <= 0:
        return 0.0
    witnesses = np.array([min(row["moments"], sides.witnesses)])
    left = float(rise(np.array([usual]), np.array([share]), witnesses)[0])
    return row["evidence"] * min(left, CEILING) / min(row["weight"], CEILING)


def _edges(spans: Spans, sides: Sides) -> pl.DataFrame:
    child = spans.children
    parent = spans.parent[child]
    cross = spans.service[child] != spans.service[parent]
    child, parent = child[cross], parent[cross]
    keys = {"caller": spans.service[parent], "callee": spans.service[child]}
    gap = spans.duration[parent] - spans.duration[child]
    table = compare(keys, gap, sides, child, floor=FLOOR_MS)
    if table.is_empty():
        return table
    calls, level = pl.col("calls"), pl.max_horizontal("median", "p90")
    slow = (pl.col("hits") >= SHARE * calls) & (calls >= FEWEST) & (level > pl.col("bound"))
    size = ((level / pl.col("bound")).log() / math.log(LARGE)).clip(0.0, 1.0)
    common = (pl.col("hits") / calls / MOST).clip(0.0, 1.0) ** 2
    evidence = pl.when(slow).then(pl.col("weight").clip(0.0, CEILING) * size * common).otherwise(0.0)
    possible = pl.when(calls >= FEWEST).then(CEILING).otherwise(0.0)
    return table.with_columns(slow.alias("slow"), evidence.alias("evidence"), possible.alias("possible"))


def _level(row: dict[str, float]) -> float:
    return row["median"] if row["median"] > row["bound"] else row["p90"]


def _checks(row: dict[str, float], caller: str, callee: str, sides: Sides) -> tuple[Check, ...]:
    bound = math.sqrt(row["bound"] * _level(row))
    how = "median" if row["median"] > row["bound"] else "p90"
    where = (("caller", caller), ("callee", callee))
    after = Query(source="traces", measure="gap_ms", where=where, window=sides.after)
    checks = [
        Check(query=after, aggregate="median" if how == "median" else "p90", relation=">=", bound=bound)
    ]
    if row["source"] >= 0:
        origin, window = sides.of(int(row["source"]))
        before = Query(source="traces", measure="gap_ms", where=where, window=window, origin=origin)
        checks.append(Check(query=before, aggregate="median", relation="<=", bound=bound))
    return tuple(checks)


def _finding(kind: str, row: dict[str, float], ends: tuple[str, str], weight: float, sides: Sides) -> Finding:
    """About the callee for `trace.edge_gap`, about the caller for `trace.edge_gap_out`."""
    caller, callee = ends
    entity, other = (callee, caller) if kind == "trace.edge_gap" else (caller, callee)
    return Finding(
        kind=kind,
        entity=entity,
        related=(other,),
        modality="traces",
        weight=weight,
        params=(
            ("other", other),
            ("value", _level(row)),
            ("normal", row["normal"]),
            ("calls", int(row["calls"])),
        ),
        checks=_checks(row, caller, callee, sides),
        fault_type="network/delay",
        window=sides.after,
    )
