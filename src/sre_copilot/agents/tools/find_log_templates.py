"""Find log templates: the statements that wrote the lines, with how often each did."""

from __future__ import annotations

from typing import ClassVar

import polars as pl
from pydantic import Field

from sre_copilot.agents.tool import TimeArguments, ToolContext, ToolResult
from sre_copilot.agents.toolkit.base import ReadingTool
from sre_copilot.agents.toolkit.digest import Digest
from sre_copilot.agents.toolkit.log_lines import Group, groups, select, template_fact
from sre_copilot.agents.toolkit.looking import look
from sre_copilot.agents.toolkit.names import service_of
from sre_copilot.agents.toolkit.times import said, window_of
from sre_copilot.agents.toolkit.trouble import Trouble

MOST = 40  # templates that are counted again for the digest; the handle has all


class FindLogTemplatesArguments(TimeArguments):
    """Of which lines."""

    service: str = Field(default="", max_length=200, description="Name of the service; empty: all")
    contains: str = Field(default="", max_length=500, description="Literal text that a line contains")
    errors_only: bool = Field(
        default=False, description="Only statements that report that something went wrong"
    )


class FindLogTemplates(ReadingTool):
    """Groups lines by the statement of the program that wrote them, the most frequent first."""

    name = "find_log_templates"
    Arguments = FindLogTemplatesArguments
    said: ClassVar = {
        "en": "Groups log lines by the statement that wrote them and counts each, the most frequent first.",
        "zh": "把日志按模板归类并计数，最常见的在前。",
    }

    def answer(self, arguments: FindLogTemplatesArguments, context: ToolContext) -> ToolResult:
        """Mine templates and count their lines."""
        seen = look(context, window_of(arguments.start, arguments.end, context), "logs")
        service = service_of(arguments.service, context) if arguments.service else ""
        lines = select(seen.table, {"service": service, "contains": arguments.contains})
        found = [group for group in groups(lines) if group.is_error or not arguments.errors_only]
        if not found:
            raise Trouble("no_data", "tool.none.templates", lines=lines.height, gaps=seen.gaps, **seen.span)
        digest = Digest(context)
        digest.remark("tool.asked.templates", count=len(found), lines=lines.height, **seen.span)
        for group in found[:MOST]:
            if (finding := template_fact(seen, group)) is not None:
                digest.state(finding)
        return digest.result(seen.observation, rows=table_of(found), gaps=seen.gaps)


def table_of(found: list[Group]) -> pl.DataFrame:
    """Groups as rows to page on."""
    rows = [
        {
            "service": group.service,
            "count": group.count,
            "level": group.level,
            "template": group.template,
            "first": said(group.first) if group.first is not None else "",
            "last": said(group.last) if group.last is not None else "",
        }
        for group in found
    ]
    return pl.DataFrame(rows)
