"""Page: read on in the rows of an earlier result."""

from __future__ import annotations

from typing import ClassVar

import polars as pl
from pydantic import Field

from sre_copilot.agents.tool import Arguments, ToolContext, ToolResult
from sre_copilot.agents.toolkit.base import ReadingTool
from sre_copilot.agents.toolkit.digest import Digest
from sre_copilot.agents.toolkit.inert import inert_line
from sre_copilot.agents.toolkit.times import said
from sre_copilot.agents.toolkit.trouble import Trouble

CELL = 160  # characters of one cell
TIMES = {"ts": 1.0, "ts_ns": 1e9, "start_ns": 1e9}


class PageArguments(Arguments):
    """Which rows."""

    handle: str = Field(min_length=4, max_length=40, description="Handle of an earlier result")
    offset: int = Field(default=0, ge=0, description="First row, from 0")
    limit: int = Field(default=20, ge=1, le=200, description="How many rows at most")
    contains: str = Field(default="", max_length=300, description="Only rows that contain this text")


class Page(ReadingTool):
    """Shows rows as text, as many as the budget allows; they are what others wrote, and no statement of ours."""

    name = "page"
    Arguments = PageArguments
    said: ClassVar = {
        "en": "Reads on in the rows of an earlier result by its handle.",
        "zh": "凭句柄继续阅读之前结果的数据行。",
    }

    def answer(self, arguments: PageArguments, context: ToolContext) -> ToolResult:
        """Show a few rows."""
        rows = context.pages.rows(arguments.handle) if context.pages else None
        if rows is None:
            raise Trouble("error", "tool.problem.handle", name=arguments.handle)
        if arguments.contains:
            texts = [pl.col(name).cast(pl.String) for name, kind in rows.schema.items() if kind == pl.String]
            matches = (each.str.contains(arguments.contains, literal=True).fill_null(False) for each in texts)
            rows = rows.filter(pl.any_horizontal(matches)) if texts else rows.clear()
        shown = rows.slice(arguments.offset, arguments.limit)
        if shown.is_empty():
            raise Trouble("no_data", "tool.none.rows", total=rows.height, offset=arguments.offset)
        lines: list[str] = []
        room = context.digest_characters - 200
        for row in shown.iter_rows(named=True):
            line = " | ".join(
                f"{name}={_cell(name, value)}" for name, value in row.items() if value not in (None, "")
            )
            if lines and len(line) + 1 > room:
                break
            line = line[:room]
            lines.append(line)
            room -= len(line) + 1
        digest = Digest(context)
        until = arguments.offset + len(lines)
        digest.remark(
            "tool.asked.page", first=arguments.offset, last=until - 1, total=rows.height, next=until
        )
        head = digest.result(None).digest
        return ToolResult(outcome="success", digest="\n".join([head, *lines]), data={"next": until})


def _cell(name: str, value: object) -> str:
    if name in TIMES and isinstance(value, int | float):
        return said(value / TIMES[name])
    if isinstance(value, float):
        return f"{value:.6g}"
    return inert_line(str(value), CELL)
