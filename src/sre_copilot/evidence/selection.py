"""Select the rows that a query means, with every intermediate table made once.

An evaluator asks for some hundred selections of the same few tables: spans are joined with their parents once, tables
are split by service once, and each prefix of a `where` is filtered once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from sre_copilot.domain.evidence import Query
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.signals import Window
from sre_copilot.evidence import tables
from sre_copilot.evidence.tables import END, START, TIME

Where = tuple[tuple[str, str], ...]
Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

_MEASURES: Final[dict[tuple[str, str], tuple[str, str | None]]] = {
    ("metrics", "value"): ("metrics", "value"),
    ("logs", "rows"): ("logs", None),
    ("traces", "rows"): ("spans", None),
    ("traces", "duration_ms"): ("spans", "duration_ms"),
    ("traces", "error"): ("spans", "error"),
    ("traces", "self_ms"): ("self_times", "self_ms"),
    ("traces", "calls"): ("calls", None),
    ("traces", "gap_ms"): ("calls", "gap_ms"),
    ("state", "rows"): ("state", None),
    ("alerts", "rows"): ("alerts", None),
    ("topology", "rows"): ("topology", None),
    ("transactions", "count"): ("transactions", "count"),
    ("transactions", "success_rate"): ("transactions", "success_rate"),
    ("transactions", "amount"): ("transactions", "amount"),
    ("transactions", "latency_ms"): ("transactions", "latency_ms"),
    ("changes", "rows"): ("changes", None),
}
"""(source, measure) -> (table, its column; None: the row itself, which counts 1)."""

_SEARCHED: Final[dict[tuple[str, str], str]] = {
    ("logs", "contains"): "message",
    ("logs", "pattern"): "message",
    ("alerts", "contains"): "text",
    ("changes", "contains"): "text",
    ("state", "line"): "line",
}
"""(table, word of `where`) -> the column that is searched for it."""

_FIRST: Final = ("service", "caller", "callee", "key", "metric")
"""Conditions applied first, in this order, because many checks share them."""

_SEARCHES: Final = ("contains", "pattern", "line")
"""Conditions applied last, because they read whole texts."""

_OF_SPANS: Final[dict[str, Callable[[pl.DataFrame, pl.DataFrame], pl.DataFrame]]] = {
    "links": lambda _, links: links,
    "calls": tables.calls,
    "self_times": tables.self_times,
}
"""Tables made from spans and the links between them."""

_SPARSE: Final = ("alerts", "changes")
"""Sources in which nothing happens most of the time: a window without rows was still recorded."""


class NoDataError(Exception):
    """The telemetry cannot answer a query; the text says why."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Finite values that a query measures, one a row, with the times of the rows where they have times."""

    values: Floats
    times: Floats | None


class Selector:
    """Answers queries on one observation."""

    def __init__(self, observation: Observation) -> None:
        self._observation = observation
        self._tables: dict[tuple[str, str], pl.DataFrame | None] = {}
        self._selections: dict[tuple[str, str, Where], pl.DataFrame] = {}
        self._groups: dict[tuple[str, str, tuple[str, ...]], dict[tuple[object, ...], Places]] = {}

    def select(self, query: Query) -> Selection:
        """Select what the query means; raise `NoDataError` when the telemetry has no such thing."""
        name, column = _measure(query)
        rows = self._within(query, name, self._matching(query.origin, name, _canonical(query.where)))
        times = rows.get_column(TIME).to_numpy() if TIME in rows.columns else None
        if column is None:
            return Selection(np.ones(rows.height), times)
        _require(rows, name, column)
        values = rows.get_column(column).cast(pl.Float64, strict=False).to_numpy()
        usable = np.isfinite(values)
        return Selection(values[usable], times[usable] if times is not None else None)

    def words(self, query: Query) -> frozenset[str]:
        """What the `where` of a query may name: columns of its table, and words by which texts are searched; raise `NoDataError` when there is no such table."""
        name, _ = _measure(query)
        columns = self._matching(query.origin, name, ()).columns
        return frozenset(
            [
                *(each for each in columns if not each.startswith("\x00")),
                *(word for table, word in _SEARCHED if table == name),
            ]
        )

    def recorded(self, query: Query) -> bool:
        """Whether the source was recorded in the query's window, whatever the entity.

        It was when any row lies in the window; a table that is empty throughout, and alerts and changes, which are
        rare by nature, count as recorded all the time.
        """
        name, _ = _measure(query)
        name = "spans" if name in _OF_SPANS else name
        table = self._table(query.origin, name)
        if table is None or query.window is None or table.is_empty() or name in _SPARSE:
            return table is not None
        return not self._within(query, name, table).is_empty()

    def _matching(self, origin: str, name: str, where: Where) -> pl.DataFrame:
        key = (origin, name, where)
        if key not in self._selections:
            self._selections[key] = self._match(origin, name, where)
        return self._selections[key]

    def _match(self, origin: str, name: str, where: Where) -> pl.DataFrame:
        if not where:
            table = self._table(origin, name)
            if table is None:
                raise NoDataError(f"{name} of the {origin} were not recorded")
            return table
        columns = tuple(word for word, _ in where)
        if set(columns) <= set(_FIRST) and len(set(columns)) == len(columns):
            return self._part(origin, name, columns, tuple(value for _, value in where))
        return _filter(self._matching(origin, name, where[:-1]), name, *where[-1])

    def _part(
        self, origin: str, name: str, columns: tuple[str, ...], values: tuple[str, ...]
    ) -> pl.DataFrame:
        rows = self._matching(origin, name, ())
        for column in columns:
            _require(rows, name, column)
        key = (origin, name, columns)
        if key not in self._groups:
            self._groups[key] = _groups(rows, columns)
        places = self._groups[key].get(values)
        return rows.clear() if places is None else rows[places]

    def _table(self, origin: str, name: str) -> pl.DataFrame | None:
        key = (origin, name)
        if key not in self._tables:
            self._tables[key] = self._build(origin, name)
        return self._tables[key]

    def _build(self, origin: str, name: str) -> pl.DataFrame | None:
        telemetry = self._observation.current if origin == "incident" else self._observation.reference
        if telemetry is None:
            return None
        if name == "topology":
            return tables.edges(self._observation.topology) if origin == "incident" else None
        if name not in _OF_SPANS:
            return tables.BUILDERS[name](telemetry)
        spans = self._table(origin, "spans")
        if spans is None or name == "links":
            return None if spans is None else tables.links(spans)
        links = self._table(origin, "links")
        return None if links is None else _OF_SPANS[name](spans, links)

    def _within(self, query: Query, name: str, rows: pl.DataFrame) -> pl.DataFrame:
        if query.window is None:
            return rows
        table = self._table(query.origin, name)
        column = START if name == "alerts" else TIME
        if table is None or _timeless(table, column):
            raise NoDataError(f"{name} have no times, so that nothing can be said about a window")
        return _firing(rows, query.window) if name == "alerts" else _slice(rows, query.window)


def measures_of(source: str) -> tuple[str, ...]:
    """What can be measured on the rows of a source."""
    return tuple(measure for each, measure in _MEASURES if each == source)


def _measure(query: Query) -> tuple[str, str | None]:
    try:
        return _MEASURES[query.source, query.measure]
    except KeyError:
        raise NoDataError(f"{query.source} have no measure '{query.measure}'") from None


def _canonical(where: Where) -> Where:
    """The same conditions in one order, those that many checks share first and searches in texts last."""
    return tuple(sorted(set(where), key=lambda pair: (_rank(pair[0]), pair)))


def _rank(word: str) -> int:
    return _FIRST.index(word) if word in _FIRST else len(_FIRST) + (word in _SEARCHES)


def _groups(rows: pl.DataFrame, columns: tuple[str, ...]) -> dict[tuple[object, ...], Places]:
    """Row numbers by the values of some columns, ascending."""
    numbered = rows.select(columns).with_row_index("\x00places")
    grouped = numbered.group_by(columns, maintain_order=True).agg(pl.col("\x00places"))
    lists = grouped.get_column("\x00places")
    ends = np.cumsum(lists.list.len().to_numpy())[:-1]
    parts = np.split(lists.explode(empty_as_null=False).to_numpy(), ends)
    return dict(zip(grouped.select(columns).iter_rows(), parts, strict=True)) if len(grouped) else {}


def _filter(rows: pl.DataFrame, name: str, word: str, value: str) -> pl.DataFrame:
    searched = _SEARCHED.get((name, word))
    _require(rows, name, searched or word)
    text = pl.col(searched or word).cast(pl.String)
    if searched is None:
        return rows.filter(text == value)
    if word == "line":
        value = " ".join(value.split())
    try:
        return rows.filter(text.str.contains(value, literal=word != "pattern"))
    except pl.exceptions.ComputeError as error:
        raise NoDataError(f"bad pattern: {str(error).splitlines()[0]}") from error


def _require(rows: pl.DataFrame, name: str, column: str) -> None:
    if column not in rows.columns:
        raise NoDataError(f"{name} have no column '{column}'")


def _timeless(table: pl.DataFrame, column: str) -> bool:
    if column not in table.columns:
        return True
    return not table.is_empty() and table.get_column(column).null_count() == table.height


def _slice(rows: pl.DataFrame, window: Window) -> pl.DataFrame:
    times = rows.get_column(TIME)
    known = times.head(len(times) - times.null_count()).to_numpy()
    first, last = np.searchsorted(known, (window.start, window.end), side="left")
    return rows.slice(int(first), int(last - first))


def _firing(rows: pl.DataFrame, window: Window) -> pl.DataFrame:
    return rows.filter((pl.col(START) < window.end) & (pl.col(END) >= window.start))
