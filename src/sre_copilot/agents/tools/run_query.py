"""Run query: a PromQL, LogQL, SQL, Elasticsearch or topology query of somebody's own, after its validator accepted it."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Literal

from pydantic import Field, ValidationError

from sre_copilot.agents.queries import topology
from sre_copilot.agents.queries.running import QueryScene, Ran, run, source_for
from sre_copilot.agents.queries.schema import Schema, schema_of
from sre_copilot.agents.queries.written import QueryProblem, Written
from sre_copilot.agents.tool import TimeArguments, ToolContext, ToolResult
from sre_copilot.agents.toolkit.base import ReadingTool
from sre_copilot.agents.toolkit.digest import Digest
from sre_copilot.agents.toolkit.quoting import Quotes
from sre_copilot.agents.toolkit.times import said, window_of
from sre_copilot.agents.toolkit.trouble import Trouble
from sre_copilot.agents.tools.query_topology import QueryTopology, QueryTopologyArguments

LINES = 60  # rows that are stated; the handle has all
LINE = 240  # characters of one


class RunQueryArguments(TimeArguments):
    """The query, in which language, over which time."""

    query: str = Field(min_length=1, max_length=6000, description="The query; it must only read")
    language: Literal["promql", "logql", "elasticsearch", "sql", "topology"] = Field(
        description="Its language"
    )
    source: str = Field(
        default="", max_length=200, description="Name of the source, where several take this language"
    )
    limit: int = Field(default=200, ge=1, le=1000, description="Most rows")


class RunQuery(ReadingTool):
    """Sends what its validator accepts, and states the rows that came back."""

    name = "run_query"
    Arguments = RunQueryArguments
    said: ClassVar = {
        "en": "Runs a PromQL, LogQL, SQL, Elasticsearch or topology query that only reads, after checking it and its cost.",
        "zh": "在校验语法与开销之后，执行只读的 PromQL、LogQL、SQL、Elasticsearch 或拓扑查询。",
    }

    def answer(self, arguments: RunQueryArguments, context: ToolContext) -> ToolResult:
        """Judge the query, then run it."""
        try:
            if arguments.language == "topology":
                return _topology(arguments, context)
            return _ran(arguments, context)
        except QueryProblem as problem:
            raise Trouble(
                "error", "tool.problem.query", language=arguments.language, words=problem.said(context.lang)
            ) from None


def _topology(arguments: RunQueryArguments, context: ToolContext) -> ToolResult:
    topology.check(arguments.query, ())
    try:
        asked = QueryTopologyArguments.model_validate(json.loads(arguments.query))
    except ValidationError as error:
        raise QueryProblem(str(error.errors(include_url=False)[0]["msg"]), "参数不合法。") from None
    return QueryTopology().run(asked, context)


def _ran(arguments: RunQueryArguments, context: ToolContext) -> ToolResult:
    sources = context.scene.query_sources() if isinstance(context.scene, QueryScene) else ()
    if not any(arguments.language in each.languages for each in sources):
        raise Trouble("no_data", "tool.none.query_source", language=arguments.language)
    source = source_for(sources, arguments.language, arguments.source)
    window = window_of(arguments.start, arguments.end, context)
    schema: Schema = schema_of(source.known())
    ran = run(
        Written(query=arguments.query, language=arguments.language, by="given"),
        source,
        schema,
        window,
        limit=arguments.limit,
    )
    return _told(ran, context, start=said(window.start), end=said(window.end))


def _told(ran: Ran, context: ToolContext, *, start: str, end: str) -> ToolResult:
    table = ran.answer.rows
    if table.is_empty():
        raise Trouble("no_data", "tool.none.query_rows", query=ran.written.query[:LINE], start=start, end=end)
    lines = [line_of(row) for row in table.head(LINES).iter_rows(named=True)]
    key, quotes, digest = f"query {ran.written.query}", Quotes(), Digest(context)
    quotes.add(key, lines)
    digest.remark(
        "tool.asked.query",
        language=ran.written.language,
        query=ran.written.query[:LINE],
        rows=table.height,
        start=start,
        end=end,
    )
    for line in dict.fromkeys(lines):
        if (finding := quotes.finding("tool.query.row", key, line)) is not None:
            digest.state(finding)
    if ran.answer.cut:
        digest.remark("tool.asked.query_cut", rows=table.height)
    return digest.result(quotes.observation, rows=table, written=ran.written, shown=ran.shown)


def line_of(row: dict[str, Any]) -> str:
    """A row on one line."""
    return " ".join(f"{name}={_shown(value)}" for name, value in row.items())[:LINE].strip()


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}" if abs(value) < 1e8 else said(value)
    return " ".join(str(value).split())
