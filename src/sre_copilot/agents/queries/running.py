"""Sending a query that its validator accepted: first an estimate, then the query, all within limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

from sre_copilot.agents.queries.judging import accept
from sre_copilot.agents.queries.schema import Schema, schema_of
from sre_copilot.agents.queries.written import Cost, Language, QueryProblem, Written
from sre_copilot.domain.signals import Window
from sre_copilot.errors import SourceError
from sre_copilot.perception.source import Estimate, Queried, QuerySource

LONGEST_WINDOW_S = 7 * 86_400.0  # of one query: a week shows a rhythm; more belongs to a report
MOST_SERIES = 20_000  # as many as the watcher reads of one query
MOST_POINTS = 20_000_000  # rows or samples by the system's own estimate: some ten seconds of work
TIME_OUT_S = 20.0
Repair = Callable[[Written, str], Written | None]


@runtime_checkable
class QueryScene(Protocol):
    """A scene whose sources take queries of one's own."""

    def query_sources(self) -> Sequence[Any]:
        """Sources that do."""
        ...


@dataclass(frozen=True, slots=True)
class Ran:
    """What was sent in the end, what it cost, and what it answered; `shown` are all queries that were tried, the last being the one that ran."""

    written: Written
    answer: Queried
    shown: tuple[str, ...]


def source_for(sources: Sequence[Any], language: Language, name: str = "") -> QuerySource:
    """The source that takes queries of a language, by its name where there are several.

    Raises
    ------
    QueryProblem : when there is none
    """
    fitting = [each for each in sources if language in each.languages and name in ("", each.name)]
    if not fitting:
        raise QueryProblem(f"No configured source takes {language}.", f"没有可接受 {language} 查询的数据源。")
    found: QuerySource = fitting[0]
    return found


def discovered(sources: Sequence[Any], services: Sequence[str] = ()) -> Schema:
    """What there is to ask for in all sources; one that cannot be asked is left out."""
    schema = Schema(services=tuple(services))
    for source in sources:
        try:
            found = schema_of(source.known())
        except SourceError:
            continue
        parts = {
            name: part
            for name in ("metrics", "logs", "index", "sql")
            if (part := getattr(found, name)) is not None and getattr(schema, name) is None
        }
        schema = replace(schema, **parts)
    return schema


def weigh(written: Written, source: QuerySource, window: Window) -> Written:
    """The query with the system's own estimate of its cost.

    Raises
    ------
    QueryProblem : when it would read more than is sensible
    SourceError : when the system refuses it
    """
    if window.end - window.start > LONGEST_WINDOW_S:
        raise QueryProblem("The window is longer than a week; ask for less.", "时间范围超过一周；请缩短。")
    found: Estimate = source.dry_run(written.query, window)
    if (found.series or 0) > MOST_SERIES or (found.points or 0) > MOST_POINTS:
        raise QueryProblem(
            f"It would read {found.series or 0:,} series and {found.points or 0:,} points; name a service, or a shorter time.",
            f"将读取 {found.series or 0:,} 条序列、{found.points or 0:,} 个点；请指定服务或缩短时间。",
        )
    cost = Cost(
        window_seconds=written.cost.window_seconds,
        series=found.series,
        points=found.points or written.cost.points,
        words=found.words,
    )
    return replace(written, cost=cost)


def run(
    written: Written, source: QuerySource, schema: Schema, window: Window, *, limit: int, repair: Repair = lambda written, said: None, repairs: int = 2
) -> Ran:  # fmt: skip
    """Judge, weigh and send; where the system refuses, `repair` may try again with the system's own words, twice.

    Raises
    ------
    QueryProblem : when the query may not be sent
    SourceError : when the system cannot be asked, or refuses the last try
    """
    shown: list[str] = []
    while True:
        accepted = accept(written.query, written.language, schema)
        written = replace(written, query=accepted.query, cost=accepted.cost)
        shown.append(written.query)
        try:
            written = weigh(written, source, window)
            answer = source.run_query(written.query, window, limit=limit, timeout_seconds=TIME_OUT_S)
        except SourceError as error:
            better = repair(written, error.problem) if len(shown) <= repairs else None
            if better is None or better.query in shown:
                raise
            written = better
            continue
        return Ran(written, answer, tuple(shown))
