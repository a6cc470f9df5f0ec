"""Latency of the same calls as both ends report it: what the caller sees and the callee does not is the way between them.

Service meshes and instrumented clients report a call twice, under one name with another word for the end (`source` and
`destination`, `client` and `server`, `outbound` and `inbound`).
"""

from __future__ import annotations

import re
from typing import Any

import polars as pl

from sre_copilot.cognition.detectors.samples import ramp
from sre_copilot.domain.evidence import Check, Finding, Query, Relation
from sre_copilot.domain.signals import Window

ENDS = (("source", "destination"), ("outbound", "inbound"), ("upstream", "downstream"))
CEILING = 3.0  # nats: the two ends of a call disagree only when something is between them
FLOOR_S, CERTAIN_S = 0.03, 0.2  # a way of 30 ms inside one site is suspicious, of 200 ms certain
FACTOR = 3.0  # times the way that is normal


def disagreeing(levels: pl.DataFrame) -> tuple[Finding, ...]:
    """Find services whose callers wait longer than the service says it takes."""
    table = levels.filter((pl.col("kind") == "latency") & pl.col("normal").is_not_null())
    known = {(row["service"], row["metric"]): row for row in table.iter_rows(named=True)}
    found = []
    for (service, metric), row in known.items():
        other = known.get((service, _other_end(metric) or ""))
        if other is not None and (finding := _compare(row, other)) is not None:
            found.append(finding)
    return tuple(found)


def _other_end(metric: str) -> str | None:
    """The name of the same metric as the callee reports it, for one that the caller reports."""
    for near, far in ENDS:
        changed = re.sub(rf"(?<![A-Za-z]){near}(?![A-Za-z])", far, metric)
        if changed != metric:
            return changed
    return None


def _compare(row: dict[str, Any], other: dict[str, Any]) -> Finding | None:
    unit = 1e-3 if row["unit"] == "milliseconds" else 1.0
    way, normal = row["top"] - other["peak"], row["normal"] - other["normal"]
    weight = CEILING * ramp(way * unit, FLOOR_S, CERTAIN_S)
    if weight <= 0.1 or way < FACTOR * abs(normal) or row["top"] <= row["high"]:
        return None
    window = Window(row["top_start"], row["top_end"])
    bound = (way + max(normal, 0.0)) / 2
    checks = [_apart(row, other, window, ">=", bound)]
    before = Window(row["before_start"], row["before_end"])
    if row["before"] is not None and other["before"] is not None and row["before"] - other["before"] <= bound:
        checks.append(_apart(row, other, before, "<=", bound))
    return Finding(
        kind="metric.reporter_gap",
        entity=row["service"],
        modality="metrics",
        weight=weight,
        params=(("metric", row["metric"]), ("value", way * unit * 1e3), ("normal", normal * unit * 1e3)),
        checks=tuple(checks),
        fault_type="network/delay",
        window=window,
    )


def _apart(
    row: dict[str, Any], other: dict[str, Any], window: Window, relation: Relation, bound: float
) -> Check:
    return Check(
        query=_query(row, window),
        against=_query(other, window),
        aggregate="median",
        combine="difference",
        relation=relation,
        bound=bound,
    )


def _query(row: dict[str, Any], window: Window) -> Query:
    where = (("service", row["service"]), ("instance", row["instance"]), ("metric", row["metric"]))
    return Query(source="metrics", measure="value", where=where, window=window)
