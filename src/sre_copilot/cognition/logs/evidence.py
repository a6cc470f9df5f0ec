"""Checks of log findings: counts of a pattern in raw messages, taken from the same tables that a check is run on."""

from __future__ import annotations

from math import nextafter

import polars as pl

from sre_copilot.cognition.logs.lines import Lines, Statement
from sre_copilot.cognition.logs.templates import pattern
from sre_copilot.domain.evidence import Check, Origin, Query
from sre_copilot.domain.signals import Window

SAMPLE = 50  # messages of a statement from which it is told what all of them name


class Counts:
    """Counts lines of a statement by its pattern, as an evaluator of checks does.

    Parameters
    ----------
    current, reference : log tables as recorded
    lines : the same, mined; its `past` is the normal time when there is no reference
    """

    def __init__(self, current: pl.DataFrame, reference: pl.DataFrame | None, lines: Lines) -> None:
        self._tables: dict[Origin, pl.DataFrame | None] = {"incident": current, "reference": reference}
        self._past = lines.past
        self.end = nextafter(lines.recorded.end, float("inf")) + 0.001

    def since(self, start: float, end: float | None = None) -> Window:
        """The window from `start` to `end`, or to the end of the recording."""
        return Window(start, max(self.end if end is None else end, start))

    def now(self, statement: Statement, window: Window) -> tuple[Query, int]:
        """The query for a statement's lines in the incident, and their number."""
        return self._count(statement, window, "incident")

    def sample(self, statement: Statement, window: Window) -> list[str]:
        """Some of a statement's raw messages in the incident."""
        table, text = self._tables["incident"], pattern(statement.template)
        if table is None or not text:
            return []
        t = pl.col("ts_ns") / 1e9
        rows = (pl.col("service") == statement.service) & (t >= window.start) & (t < window.end)
        found = table.lazy().filter(rows).filter(pl.col("message").str.contains(text)).select("message")
        return sorted(found.collect()["message"].unique())[:SAMPLE]

    def normal(self, statement: Statement) -> tuple[Query, int]:
        """The query for a statement's lines in normal time, and their number."""
        if self._tables["reference"] is not None:
            return self._count(statement, None, "reference")
        return self._count(statement, self._past, "incident")

    def _count(self, statement: Statement, window: Window | None, origin: Origin) -> tuple[Query, int]:
        where = (("service", statement.service),)
        if text := pattern(statement.template):
            where = (*where, ("pattern", text))  # type: ignore[assignment]
        query = Query(source="logs", measure="rows", where=where, window=window, origin=origin)
        table = self._tables[origin]
        if table is None:
            return query, 0
        rows = pl.col("service") == statement.service
        if window is not None:
            t = pl.col("ts_ns") / 1e9
            rows = rows & (t >= window.start) & (t < window.end)
        if text:
            rows = rows & pl.col("message").str.contains(text)
        return query, table.select(rows.sum()).item() or 0


def service_only(query: Query) -> Query:
    """The same query for all lines of its service."""
    where = tuple(pair for pair in query.where if pair[0] == "service")
    return Query(
        source=query.source, measure=query.measure, where=where, window=query.window, origin=query.origin
    )


def at_least(query: Query, measured: float) -> Check:
    """That rows come in the number that was measured: four in five suffice, so that the bound lies clear of it."""
    return Check(query=query, aggregate="count", relation=">=", bound=round(0.8 * measured, 1))


def at_most(query: Query, measured: float) -> Check:
    """That no more rows come than were measured: the bound lies half a row above."""
    return Check(query=query, aggregate="count", relation="<=", bound=measured + 0.5)


def ratio_at_most(query: Query, against: Query, bound: float) -> Check:
    """At most `bound` rows for each row of `against`."""
    return Check(query=query, aggregate="count", relation="<=", bound=bound, against=against, combine="ratio")
