"""Query logs: how many lines, of which levels, and what they mostly say."""

from __future__ import annotations

from typing import ClassVar

import polars as pl
from pydantic import Field

from sre_copilot.agents.tool import TimeArguments, ToolContext, ToolResult
from sre_copilot.agents.toolkit.base import ReadingTool
from sre_copilot.agents.toolkit.digest import Digest
from sre_copilot.agents.toolkit.log_lines import Group, groups, select, template_fact
from sre_copilot.agents.toolkit.looking import Look, look
from sre_copilot.agents.toolkit.measuring import fact, rows
from sre_copilot.agents.toolkit.names import service_of
from sre_copilot.agents.toolkit.times import window_of
from sre_copilot.domain.evidence import Finding

SERVICES = 8  # told of one by one where no service was asked for
LEVELS = 5
TEMPLATES = 8


class QueryLogsArguments(TimeArguments):
    """Which lines."""

    service: str = Field(default="", max_length=200, description="Name of the service; empty: all")
    contains: str = Field(default="", max_length=500, description="Literal text that a line contains")
    pattern: str = Field(default="", max_length=500, description="Regular expression without look-around")
    level: str = Field(default="", max_length=30, description="Level of the lines, for example ERROR")


class QueryLogs(ReadingTool):
    """Counts lines and tells the most frequent ones; the lines themselves are read on by the handle."""

    name = "query_logs"
    Arguments = QueryLogsArguments
    said: ClassVar = {
        "en": "Counts log lines of a service by text, pattern and level, and tells what they mostly say.",
        "zh": "按文本、正则和级别统计某服务的日志行数，并给出最常见的内容。",
    }

    def answer(self, arguments: QueryLogsArguments, context: ToolContext) -> ToolResult:
        """Count, then group what was found."""
        seen = look(context, window_of(arguments.start, arguments.end, context), "logs")
        table = seen.table
        service = service_of(arguments.service, context) if arguments.service else ""
        where = {
            "service": service,
            "level": arguments.level,
            "contains": arguments.contains,
            "pattern": arguments.pattern,
        }
        found = select(table, where)
        digest = Digest(context)
        words = ", ".join(f"{key} {value!r}" for key, value in where.items() if value) or "–"
        digest.remark("tool.asked.logs", lines=found.height, total=table.height, words=words, **seen.span)
        if found.is_empty():
            if (silence := _silence(seen, where, words, table.height)) is not None:
                digest.state(silence)
            return digest.result(seen.observation, rows=found, gaps=seen.gaps)
        for finding in (
            *_counts(seen, where, found, words),
            *_levels(seen, where, found),
            *_said(seen, found),
        ):
            digest.state(finding)
        return digest.result(seen.observation, rows=found, gaps=seen.gaps)


def _silence(seen: Look, where: dict[str, str], words: str, others: int) -> Finding | None:
    """That no such line was written, while others were: nothing happened, which is not "no data"."""
    none = seen.measurer.measure(rows("logs", where, seen.window), "count")
    some = seen.measurer.measure(rows("logs", {}, seen.window), "count")
    if none is None or some is None:
        return None
    return fact(
        "tool.logs.none", where["service"] or "*", "logs", (none.check, some.check), window=seen.window,
        words=words, others=others, **seen.span,
    )  # fmt: skip


def _counts(seen: Look, where: dict[str, str], found: pl.DataFrame, words: str) -> list[Finding]:
    services = found.group_by("service").len().sort("len", "service", descending=[True, False])
    stated = []
    for service in services["service"].head(SERVICES).to_list():
        count = seen.measurer.measure(rows("logs", {**where, "service": service}, seen.window), "count")
        if count is not None:
            stated.append(
                fact(
                    "tool.logs.count", service, "logs", (count.check,), window=seen.window,
                    count=int(count.value), words=words, **seen.span,
                )
            )  # fmt: skip
    return stated


def _levels(seen: Look, where: dict[str, str], found: pl.DataFrame) -> list[Finding]:
    if where["level"] or "level" not in found.columns or not where["service"]:
        return []
    levels = found.filter(pl.col("level").fill_null("") != "").group_by("level").len()
    stated = []
    for level in levels.sort("len", "level", descending=[True, False])["level"].head(LEVELS).to_list():
        count = seen.measurer.measure(rows("logs", {**where, "level": level}, seen.window), "count")
        if count is not None:
            stated.append(
                fact(
                    "tool.logs.level", where["service"], "logs", (count.check,), window=seen.window,
                    count=int(count.value), level=level,
                )
            )  # fmt: skip
    return stated


def _said(seen: Look, found: pl.DataFrame) -> list[Finding]:
    told: list[Group] = groups(found)[:TEMPLATES]
    return [finding for group in told if (finding := template_fact(seen, group)) is not None]
