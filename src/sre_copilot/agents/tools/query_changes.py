"""Query changes: what people and pipelines changed, with its content."""

from __future__ import annotations

from typing import ClassVar

import polars as pl
from pydantic import Field

from sre_copilot.agents.tool import TimeArguments, ToolContext, ToolResult
from sre_copilot.agents.toolkit.base import ReadingTool
from sre_copilot.agents.toolkit.digest import Digest
from sre_copilot.agents.toolkit.looking import Look, look
from sre_copilot.agents.toolkit.measuring import fact, rows
from sre_copilot.agents.toolkit.names import service_of
from sre_copilot.agents.toolkit.times import is_timeless, said, window_of
from sre_copilot.domain.evidence import Finding
from sre_copilot.domain.signals import Change, Window

AROUND_S = 0.001  # a change is found again by its own moment


class QueryChangesArguments(TimeArguments):
    """Which changes."""

    service: str = Field(default="", max_length=200, description="Name of the service; empty: all")
    kind: str = Field(default="", max_length=60, description="Kind, for example deploy or config; empty: all")
    contains: str = Field(default="", max_length=300, description="Literal text of the change")


class QueryChanges(ReadingTool):
    """Tells each change with its content, the latest first; that there was none is an answer, too."""

    name = "query_changes"
    Arguments = QueryChangesArguments
    said: ClassVar = {
        "en": "Lists deployments, configuration and other changes of a service with their content.",
        "zh": "列出某服务的发布、配置等变更及其内容。",
    }

    def answer(self, arguments: QueryChangesArguments, context: ToolContext) -> ToolResult:
        """List what was changed in the window."""
        window = window_of(arguments.start, arguments.end, context)
        seen = look(context, window, "changes")
        changes = seen.observation.current.changes
        if changes is None:
            raise seen.missing("changes")
        service = service_of(arguments.service, context) if arguments.service else ""
        found = [each for each in changes if _meant(each, arguments, service, window)]
        digest = Digest(context)
        digest.remark("tool.asked.changes", count=len(found), total=len(changes), **seen.span)
        for change in sorted(found, key=lambda each: (-each.ts, each.service, each.text)):
            if (finding := _told(seen, change)) is not None:
                digest.state(finding)
        if not found and (nothing := _nothing(seen, arguments, service)) is not None:
            digest.state(nothing)
        return digest.result(seen.observation, rows=_table(found), gaps=seen.gaps)


def _meant(change: Change, arguments: QueryChangesArguments, service: str, window: Window) -> bool:
    return (
        (not service or change.service == service)
        and (not arguments.kind or change.kind.casefold() == arguments.kind.casefold())
        and arguments.contains in change.text
        and (is_timeless(window) or window.start <= change.ts < window.end)
    )


def _told(seen: Look, change: Change) -> Finding | None:
    where = {"service": change.service, "kind": change.kind}
    moment = Window(change.ts, change.ts + AROUND_S)
    line = next((line for line in change.text.splitlines() if line.strip()), "")
    query = rows("changes", {**where, "contains": line}, moment)
    count = seen.measurer.measure(query, "count")
    if count is None or not count.value:
        return None
    detail = "; ".join(f"{key}: {value}" for key, value in sorted(change.detail.items()))
    return fact(
        "tool.change", change.service, "changes", (count.check,), window=moment,
        kind=change.kind, text=f"{line} ({detail})" if detail else line, when=said(change.ts),
    )  # fmt: skip


def _nothing(seen: Look, arguments: QueryChangesArguments, service: str) -> Finding | None:
    where = {"service": service, "kind": arguments.kind, "contains": arguments.contains}
    count = seen.measurer.measure(rows("changes", where, seen.window), "count")
    if count is None or count.value:
        return None
    return fact(
        "tool.change.none", service or "*", "changes", (count.check,), window=seen.window, **seen.span
    )


def _table(changes: list[Change]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "time": [said(each.ts) for each in changes],
            "service": [each.service for each in changes],
            "kind": [each.kind for each in changes],
            "text": [each.text for each in changes],
            "detail": ["; ".join(f"{k}: {v}" for k, v in each.detail.items()) for each in changes],
        },
        schema=dict.fromkeys(("time", "service", "kind", "text", "detail"), pl.String),
    )
