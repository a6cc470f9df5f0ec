"""Metric queries of LogQL as the stand-in for Loki computes them: functions over a range, aggregations, comparisons, arithmetic.

It has a reader of its own, so that a query that was written elsewhere is judged by somebody who did not write it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from sre_copilot.testing.servers.loki_logql import Query, QueryError, log_query
from sre_copilot.testing.servers.loki_store import Kept, LokiStore

Key = tuple[tuple[str, str], ...]
Values = dict[Key, float]
_DURATION = re.compile(r"\s*(\d+)(ms|s|m|h|d|w)")
_NS = {"ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86_400 * 10**9, "w": 604_800 * 10**9}
_COUNTED: Mapping[str, Callable[[list[Kept], float], float]] = {
    "count_over_time": lambda lines, _: float(len(lines)),
    "rate": lambda lines, seconds: len(lines) / seconds,
    "bytes_over_time": lambda lines, _: float(sum(len(each.line.encode()) for each in lines)),
    "bytes_rate": lambda lines, seconds: sum(len(each.line.encode()) for each in lines) / seconds,
}
_UNWRAPPED: Mapping[str, Callable[[list[float]], float]] = {
    "sum_over_time": sum,
    "avg_over_time": lambda values: sum(values) / len(values),
    "max_over_time": max,
    "min_over_time": min,
}
_AGGREGATES: Mapping[str, Callable[[list[float]], float]] = {
    "sum": sum, "avg": lambda values: sum(values) / len(values), "max": max, "min": min, "count": lambda values: float(len(values)),
}  # fmt: skip
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    ">": lambda a, b: a > b, ">=": lambda a, b: a >= b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, "==": lambda a, b: a == b, "!=": lambda a, b: a != b,
}  # fmt: skip
_ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b if b else math.nan,
}  # fmt: skip


class Expression(Protocol):
    """A metric query."""

    def at(self, store: LokiStore, time_ns: int) -> Values:
        """Its value of each series at a time."""
        ...


@dataclass(frozen=True, slots=True)
class OverRange:
    """A function of the lines of a range."""

    function: str
    query: Query
    range_ns: int
    unwrap: str = ""
    quantile: float = 0.0
    offset_ns: int = 0

    def at(self, store: LokiStore, time_ns: int) -> Values:
        """Lines by stream in the range that ends at the time; the range is open at its start."""
        end = time_ns - self.offset_ns
        found: dict[Key, list[Kept]] = {}
        for each in store.entries(self.query, end - self.range_ns + 1, end + 1, limit=0, forward=True):
            drawn = {name: value for name, value in each.parsed.items() if name != self.unwrap}
            found.setdefault(tuple(sorted({**each.labels, **each.metadata, **drawn}.items())), []).append(
                each
            )
        if self.function == "absent_over_time":
            return (
                {}
                if found
                else {
                    tuple(
                        (test.label, test.operand) for test in self.query.matchers if test.operator == "="
                    ): 1.0
                }
            )
        values = {key: self._value(lines) for key, lines in found.items()}
        return {key: value for key, value in values.items() if value is not None}

    def _value(self, lines: list[Kept]) -> float | None:
        if not self.unwrap:
            return _COUNTED[self.function](lines, self.range_ns / 1e9)
        numbers = sorted(number for each in lines if (number := _number(each, self.unwrap)) is not None)
        if not numbers:
            return None
        if self.function == "quantile_over_time":
            return numbers[min(len(numbers) - 1, int(self.quantile * len(numbers)))]
        return float(_UNWRAPPED[self.function](numbers))


@dataclass(frozen=True, slots=True)
class OverSeries:
    """An aggregation of series by labels."""

    op: str
    inner: Expression
    by: tuple[str, ...] | None
    k: int = 0

    def at(self, store: LokiStore, time_ns: int) -> Values:
        """The aggregate of each group."""
        values = self.inner.at(store, time_ns)
        if self.op in ("topk", "bottomk"):
            ordered = sorted(values.items(), key=lambda pair: pair[1], reverse=self.op == "topk")
            return dict(ordered[: self.k])
        groups: dict[Key, list[float]] = {}
        for key, value in values.items():
            groups.setdefault(tuple(pair for pair in key if pair[0] in (self.by or ())), []).append(value)
        return {key: float(_AGGREGATES[self.op](each)) for key, each in groups.items()}


@dataclass(frozen=True, slots=True)
class Pair:
    """Arithmetic or a comparison; `right` may be a number."""

    op: str
    left: Expression
    right: Expression | float

    def at(self, store: LokiStore, time_ns: int) -> Values:
        """Of series that both sides have."""
        left = self.left.at(store, time_ns)
        right = self.right if isinstance(self.right, float) else self.right.at(store, time_ns)
        pairs = {
            key: (value, right if isinstance(right, float) else right.get(key)) for key, value in left.items()
        }
        known = {key: (value, other) for key, (value, other) in pairs.items() if other is not None}
        if self.op in _COMPARE:
            return {key: value for key, (value, other) in known.items() if _COMPARE[self.op](value, other)}
        return {key: _ARITHMETIC[self.op](value, other) for key, (value, other) in known.items()}


def expression(text: str) -> Expression | None:
    """A metric query; None for a log query.

    Raises
    ------
    QueryError : when it is none that the stand-in knows
    """
    if text.lstrip().startswith("{"):
        return None
    reader = _Reader(text)
    found = reader.expression()
    reader.end()
    return found


class _Reader:
    """Reads from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0

    def take(self, form: str) -> str:
        match = re.compile(rf"\s*({form})").match(self._text, self._place)
        if match is None:
            return ""
        self._place = match.end()
        return match[1]

    def need(self, form: str) -> str:
        found = self.take(form)
        if not found:
            self.wrong()
        return found

    def wrong(self) -> None:
        rest = self._text[self._place :].strip()[:20] or "$end"
        raise QueryError(f"parse error at line 1, col {self._place + 1}: syntax error: unexpected {rest}")

    def end(self) -> None:
        if self._text[self._place :].strip():
            self.wrong()

    def expression(self) -> Expression:
        left = self._operand()
        while op := self.take(r">=|<=|==|!=|[-+*/<>]"):
            number = self.take(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")
            left = Pair(op, left, float(number) if number else self._operand())
        return left

    def _operand(self) -> Expression:
        if self.take(r"\("):
            inner = self.expression()
            self.need(r"\)")
            return inner
        name = self.need(r"[a-z_]+")
        if name in _COUNTED or name in _UNWRAPPED or name in ("quantile_over_time", "absent_over_time"):
            return self._over_range(name)
        if name in _AGGREGATES or name in ("topk", "bottomk"):
            return self._over_series(name)
        self.wrong()
        raise AssertionError("the line above raises")

    def _grouping(self) -> tuple[str, ...] | None:
        if not self.take(r"by\b"):
            return None
        self.need(r"\(")
        labels = []
        while label := self.take(r"[A-Za-z_]\w*"):
            labels.append(label)
            self.take(",")
        self.need(r"\)")
        return tuple(labels)

    def _over_series(self, op: str) -> Expression:
        by = self._grouping()
        self.need(r"\(")
        k = 0
        if op in ("topk", "bottomk"):
            k = int(self.need(r"\d+"))
            self.need(",")
        inner = self.expression()
        self.need(r"\)")
        return OverSeries(op, inner, by or self._grouping(), k)

    def _over_range(self, function: str) -> Expression:
        self.need(r"\(")
        quantile = 0.0
        if function == "quantile_over_time":
            quantile = float(self.need(r"\d(?:\.\d+)?"))
            self.need(",")
        lines, unwrap = self._lines()
        if (function in _UNWRAPPED or function == "quantile_over_time") != bool(unwrap):
            raise QueryError(
                f"parse error : invalid aggregation {function} {'without' if not unwrap else 'with'} unwrap"
            )
        length = self._duration()
        self.need(r"\]")
        offset = self._duration() if self.take(r"offset\b") else 0
        self.need(r"\)")
        return OverRange(function, lines, length, unwrap, quantile, offset)

    def _lines(self) -> tuple[Query, str]:
        """The log query before the bracket of the range."""
        match = re.compile(r"(?:\"(?:[^\"\\]|\\.)*\"|`[^`]*`|[^\"`\[])*").match(self._text, self._place)
        inner = match[0] if match else ""
        self._place += len(inner)
        self.need(r"\[")
        unwrapped = re.search(r"\|\s*unwrap\s+([A-Za-z_]\w*)\s*$", inner)
        return log_query(inner[: unwrapped.start()] if unwrapped else inner), unwrapped[
            1
        ] if unwrapped else ""

    def _duration(self) -> int:
        match = _DURATION.match(self._text, self._place)
        if match is None:
            self.wrong()
            raise AssertionError("the line above raises")
        self._place = match.end()
        return int(match[1]) * _NS[match[2]]


def _number(entry: Kept, name: str) -> float | None:
    try:
        return float({**entry.labels, **entry.metadata, **entry.parsed}.get(name, ""))
    except ValueError:
        return None
