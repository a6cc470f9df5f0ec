"""Checks computed the plain way: rows as Python tuples, one loop a check.

Slow and short on purpose. It establishes that a planted finding is false without asking the evaluator that is being
tested, and shares nothing with it.
"""

from __future__ import annotations

import math
import operator
import re
import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import polars as pl

from sre_copilot.domain.evidence import Check, Query
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.signals import Telemetry

Row = dict[str, Any]

_TIMES = {
    "metrics": ("ts", 1.0),
    "logs": ("ts_ns", 1e9),
    "traces": ("start_ns", 1e9),
    "transactions": ("ts", 1.0),
}
_TESTS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
}
_PAIRS = ("calls", "gap_ms")


class CannotTellError(Exception):
    """This way of computing has no word for the check."""


def holds(check: Check, observation: Observation) -> bool:
    """Whether the check is true of the telemetry; raise `CannotTellError` where that cannot be computed here."""
    value = left_side(check, observation)
    return value is not None and _TESTS[check.relation](value, check.bound)


def left_side(check: Check, observation: Observation) -> float | None:
    """What the check compares with its bound; None when there is no data for it."""
    value = _aggregate(check, check.query, observation)
    if check.against is None:
        return value
    other = _aggregate(check, check.against, observation)
    if value is None or other is None:
        return None
    if check.combine == "difference":
        return value - other
    return value / other if other else None


def _aggregate(check: Check, query: Query, observation: Observation) -> float | None:
    telemetry = observation.current if query.origin == "incident" else observation.reference
    if telemetry is None:
        return None
    values = [value for value in _values(query, telemetry) if value is not None and math.isfinite(value)]
    how = check.aggregate
    if how in ("count", "rate"):
        if not values and not _recorded(query, telemetry):
            return None
        return len(values) / query.window.seconds if how == "rate" and query.window else float(len(values))
    if how == "sum":
        return sum(values) if values or _recorded(query, telemetry) else None
    if not values:
        return None
    return _statistic(how, sorted(values))


def _statistic(how: str, ascending: Sequence[float]) -> float:
    if how in ("p90", "p95", "p99"):
        place = int(how[1:]) / 100 * (len(ascending) - 1)
        below = int(place)
        above = min(below + 1, len(ascending) - 1)
        return ascending[below] + (place - below) * (ascending[above] - ascending[below])
    simple: dict[str, Callable[[Sequence[float]], float]] = {
        "mean": statistics.fmean,
        "median": statistics.median,
        "min": min,
        "max": max,
    }
    if how not in simple:
        raise CannotTellError(how)
    return float(simple[how](ascending))


def _values(query: Query, telemetry: Telemetry) -> Iterator[float | None]:
    if query.source == "state":
        yield from _state_lines(query, telemetry)
        return
    if query.source not in _TIMES:
        raise CannotTellError(query.source)
    table: pl.DataFrame | None = getattr(telemetry, query.source)
    if table is None:
        return
    rows = _pairs(table, query) if query.measure in _PAIRS else _rows(table, query)
    for row in rows:
        yield _measured(row, query.measure)


def _measured(row: Row, measure: str) -> float | None:
    if measure in ("rows", "calls"):
        return 1.0
    if measure == "duration_ms":
        return float(row["duration_us"]) / 1000
    if measure not in row:
        raise CannotTellError(measure)
    value = row[measure]
    return float(value) if value is not None else None


def _rows(table: pl.DataFrame, query: Query) -> Iterator[Row]:
    column, unit = _TIMES[query.source]
    equal = [(word, value) for word, value in query.where if word not in ("contains", "pattern")]
    texts = [(word, value) for word, value in query.where if word in ("contains", "pattern")]
    for word, value in equal:
        if word not in table.columns:
            raise CannotTellError(word)
        table = table.filter(pl.col(word) == value)
    for row in table.iter_rows(named=True):
        if _inside(row.get(column), unit, query) and all(_says(row["message"], *text) for text in texts):
            yield row


def _pairs(table: pl.DataFrame, query: Query) -> Iterator[Row]:
    where = dict(query.where)
    if set(where) - {"caller", "callee", "caller_operation", "callee_operation"}:
        raise CannotTellError("where")
    parents = {(row["trace_id"], row["span_id"]): row for row in _ends(table, where, "caller")}
    for child in _ends(table, where, "callee"):
        parent = parents.get((child["trace_id"], child["parent_id"]))
        if parent is not None and child["parent_id"] and _inside(child["start_ns"], 1e9, query):
            yield {"gap_ms": (parent["duration_us"] - child["duration_us"]) / 1000}


def _ends(table: pl.DataFrame, where: dict[str, str], end: str) -> list[Row]:
    for word, column in ((end, "service"), (f"{end}_operation", "operation")):
        if word in where:
            table = table.filter(pl.col(column) == where[word])
    return table.select("trace_id", "span_id", "parent_id", "start_ns", "duration_us").to_dicts()


def _state_lines(query: Query, telemetry: Telemetry) -> Iterator[float]:
    for key, text in (telemetry.state or {}).items():
        for line in text.split("\n"):
            folded = " ".join(line.split())
            if folded and all(_state_says(key, folded, *each) for each in query.where):
                yield 1.0


def _state_says(key: str, line: str, word: str, value: str) -> bool:
    if word not in ("key", "line"):
        raise CannotTellError(word)
    return key == value if word == "key" else " ".join(value.split()) in line


def _says(message: str | None, word: str, value: str) -> bool:
    if message is None:
        return False
    return value in message if word == "contains" else re.search(value, message) is not None


def _inside(time: float | None, unit: float, query: Query) -> bool:
    if query.window is None:
        return True
    return time is not None and query.window.start <= time / unit < query.window.end


def _recorded(query: Query, telemetry: Telemetry) -> bool:
    if query.source == "state":
        return telemetry.state is not None and query.window is None
    table: pl.DataFrame | None = getattr(telemetry, query.source)
    if table is None or query.window is None or table.is_empty():
        return table is not None
    column, unit = _TIMES[query.source]
    return column in table.columns and any(_inside(time, unit, query) for time in table[column])
