"""Query traces: spans of a service and the calls between services."""

from __future__ import annotations

from typing import ClassVar

import polars as pl
from pydantic import Field

from sre_copilot.agents.tool import TimeArguments, ToolContext, ToolResult
from sre_copilot.agents.toolkit.base import ReadingTool
from sre_copilot.agents.toolkit.digest import Digest
from sre_copilot.agents.toolkit.looking import Look, look
from sre_copilot.agents.toolkit.measuring import fact, measured, rows
from sre_copilot.agents.toolkit.names import nearest, one_of, service_of
from sre_copilot.agents.toolkit.times import window_of
from sre_copilot.agents.toolkit.trouble import Trouble
from sre_copilot.domain.evidence import Finding

SERVICES, OPERATIONS, EDGES = 10, 8, 10  # told one by one; more than a digest holds


class QueryTracesArguments(TimeArguments):
    """Which spans."""

    service: str = Field(default="", max_length=200, description="Name of the service; empty: all")
    operation: str = Field(default="", max_length=300, description="Name of the operation, or a part of it")
    trace_id: str = Field(default="", max_length=100, description="One trace by its id")
    min_duration_ms: float = Field(default=0, ge=0, description="Only spans at least so long, milliseconds")


class QueryTraces(ReadingTool):
    """Tells how many spans, how long, how many failed, and how long calls take on their way."""

    name = "query_traces"
    Arguments = QueryTracesArguments
    said: ClassVar = {
        "en": "Tells count, duration and failures of a service's spans, and how long its calls take on their way.",
        "zh": "给出某服务的调用次数、耗时和失败情况，以及调用在途中所花的时间。",
    }

    def answer(self, arguments: QueryTracesArguments, context: ToolContext) -> ToolResult:
        """Measure spans, then the calls that lead to and from the service."""
        seen = look(context, window_of(arguments.start, arguments.end, context), "traces", "topology")
        service = service_of(arguments.service, context) if arguments.service else ""
        found = _chosen(seen, arguments, service)
        digest = Digest(context)
        digest.remark("tool.asked.traces", spans=found.height, total=seen.table.height, **seen.span)
        if found.is_empty():
            if (nothing := _nothing(seen, service, arguments)) is not None:
                digest.state(nothing)
            return digest.result(seen.observation, rows=found, gaps=seen.gaps)
        by = "operation" if service else "service"
        named = found.group_by("service", by).len() if by != "service" else found.group_by("service").len()
        for row in named.sort("len", *named.columns[:-1], descending=[True, *([False] * (named.width - 1))]).head(
            SERVICES if by == "service" else OPERATIONS
        ).iter_rows(named=True):  # fmt: skip
            for finding in _spans(seen, {"service": row["service"], "operation": row.get("operation", ""),
                                         "trace_id": arguments.trace_id}):  # fmt: skip
                digest.state(finding)
        for finding in _calls(seen, service) if service and not arguments.trace_id else ():
            digest.state(finding)
        return digest.result(
            seen.observation, rows=found.sort("duration_us", descending=True), gaps=seen.gaps
        )


def _chosen(seen: Look, arguments: QueryTracesArguments, service: str) -> pl.DataFrame:
    table = seen.table
    if service:
        table = table.filter(pl.col("service") == service)
    if arguments.operation and not table.is_empty():
        known = table["operation"].drop_nulls().unique().to_list()
        meant = one_of(arguments.operation, known)
        part = arguments.operation.casefold()
        names = [meant] if meant else [each for each in known if part in each.casefold()]
        if not names:
            near = ", ".join(nearest(arguments.operation, known)) or "–"
            raise Trouble("error", "tool.problem.operation", name=arguments.operation, near=near)
        table = table.filter(pl.col("operation").is_in(names))
    if arguments.trace_id:
        table = table.filter(pl.col("trace_id") == arguments.trace_id)
    return table.filter(pl.col("duration_us") >= arguments.min_duration_ms * 1000)


def _nothing(seen: Look, service: str, arguments: QueryTracesArguments) -> Finding | None:
    """That there was no such span while there were others; of a duration nothing can be stated so."""
    if arguments.min_duration_ms or arguments.operation:
        return None
    where = {"service": service, "trace_id": arguments.trace_id}
    none = seen.measurer.measure(rows("traces", where, seen.window), "count")
    some = seen.measurer.measure(rows("traces", {}, seen.window), "count")
    if none is None or some is None or none.value:
        return None
    return fact(
        "tool.traces.none", service or "*", "traces", (none.check, some.check), window=seen.window,
        others=int(some.value), **seen.span,
    )  # fmt: skip


def _spans(seen: Look, where: dict[str, str]) -> list[Finding]:
    service, operation = where["service"], where["operation"]
    query = measured("traces", "duration_ms", where, seen.window)
    levels = seen.measurer.all(query, "count", "median", "p95", "max")
    if levels is None:
        return []
    count, median, p95, longest = levels
    stated = [
        fact(
            "tool.traces.spans", service, "traces", tuple(each.check for each in levels), window=seen.window,
            who=f"{service} {operation}".strip(), count=int(count.value), median=median.value,
            p95=p95.value, longest=longest.value,
        )
    ]  # fmt: skip
    failed = seen.measurer.measure(measured("traces", "error", where, seen.window), "sum")
    if failed is not None and failed.value:
        stated.append(
            fact(
                "tool.traces.errors", service, "traces", (failed.check, count.check), window=seen.window,
                who=f"{service} {operation}".strip(), failed=int(failed.value), count=int(count.value),
            )
        )  # fmt: skip
    return stated


def _calls(seen: Look, service: str) -> list[Finding]:
    """The calls into and out of a service, those that take longest on their way first."""
    spans = seen.table
    parents = spans.select(
        "trace_id", pl.col("span_id").alias("parent_id"), pl.col("service").alias("caller")
    )
    joined = spans.filter(pl.col("parent_id") != "").join(parents, on=["trace_id", "parent_id"])
    mine = (pl.col("caller") == service) ^ (pl.col("service") == service)
    edges = joined.filter(mine).select("caller", pl.col("service").alias("callee")).unique()
    found = []
    for caller, callee in edges.sort("caller", "callee").iter_rows():
        query = measured("traces", "gap_ms", {"caller": caller, "callee": callee}, seen.window)
        levels = seen.measurer.all(query, "count", "median", "p95")
        if levels is not None:
            count, median, p95 = levels
            found.append(
                fact(
                    "tool.traces.call", caller, "traces", tuple(each.check for each in levels), window=seen.window,
                    callee=callee, count=int(count.value), median=median.value, p95=p95.value,
                )
            )  # fmt: skip
    return sorted(found, key=lambda finding: -float(dict(finding.params)["median"]))[:EDGES]
