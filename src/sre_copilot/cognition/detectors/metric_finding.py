"""A finding about one series, with the checks that follow from what was measured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sre_copilot.domain.evidence import Check, Finding, Query, Relation
from sre_copilot.domain.signals import Window

Row = dict[str, Any]


def rising(kind: str, row: Row, weight: float, fault_type: str, **params: str | float | int) -> Finding:
    """A series whose sustained level rose: its median in that time is above a bound halfway from normal, its normal median below."""
    window = Window(row["top_start"], row["top_end"])
    bound = (row["top"] + max(row["normal"], 0.0)) / 2
    found = _finding(kind, row, weight, window=window, value=row["top"], params=params)
    return replace(found, fault_type=fault_type, checks=_checks(row, window, bound, rises=True))


def falling(kind: str, row: Row, weight: float, fault_type: str, **params: str | float | int) -> Finding:
    """A series whose sustained level fell."""
    window = Window(row["bottom_start"], row["bottom_end"])
    bound = (row["bottom"] + row["normal"]) / 2
    found = _finding(kind, row, weight, window=window, value=row["bottom"], params=params)
    return replace(found, fault_type=fault_type, checks=_checks(row, window, bound, rises=False))


def _finding(
    kind: str, row: Row, weight: float, *, window: Window, value: float, params: dict[str, str | float | int]
) -> Finding:
    return Finding(
        kind=kind,
        entity=row["service"],
        modality="metrics",
        weight=weight,
        params=(
            ("metric", row["metric"]),
            ("instance", row["instance"]),
            ("value", float(value)),
            ("normal", float(row["normal"])),
            *sorted(params.items()),
        ),
        checks=(),
        window=window,
    )


def _checks(row: Row, window: Window, bound: float, *, rises: bool) -> tuple[Check, ...]:
    """The level in the incident beyond the bound, and the same series on the other side of it in a stretch of other time."""
    where = (("service", row["service"]), ("instance", row["instance"]), ("metric", row["metric"]))
    now = Query(source="metrics", measure="value", where=where, window=window)
    beyond = Check(query=now, aggregate="median", relation=">=" if rises else "<=", bound=bound)
    relation: Relation = "<=" if rises else ">="
    if row["origin"] == "reference":
        usual = Query(source="metrics", measure="value", where=where, origin="reference")
        return beyond, Check(query=usual, aggregate="median", relation=relation, bound=bound)
    if row["origin"] == "others":  # the median of all of them, this one had no samples then
        window = Window(row["before_start"], row["before_end"])
        usual = Query(source="metrics", measure="value", where=(where[0], where[2]), window=window)
        return beyond, Check(query=usual, aggregate="median", relation=relation, bound=bound)
    for name in ("before", "later"):
        level = row[name]
        if level is not None and (level <= bound if rises else level >= bound):
            other = Window(row[f"{name}_start"], row[f"{name}_end"])
            usual = Query(source="metrics", measure="value", where=where, window=other)
            return beyond, Check(query=usual, aggregate="median", relation=relation, bound=bound)
    return (beyond,)
