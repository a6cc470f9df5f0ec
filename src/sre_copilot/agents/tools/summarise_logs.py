"""Summarise logs: from many lines to a few key events: new errors, more errors, what stopped, what is new, bursts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log1p
from typing import ClassVar

import polars as pl
from pydantic import Field

from sre_copilot.agents.tool import TimeArguments, ToolContext, ToolResult
from sre_copilot.agents.toolkit.base import ReadingTool
from sre_copilot.agents.toolkit.digest import Digest
from sre_copilot.agents.toolkit.log_lines import Group, groups, lines_of
from sre_copilot.agents.toolkit.looking import Look, cut
from sre_copilot.agents.toolkit.measuring import fact, rows
from sre_copilot.agents.toolkit.names import service_of
from sre_copilot.agents.toolkit.pairs import Pair, Side, pair_of
from sre_copilot.agents.toolkit.times import is_timeless, said, window_of
from sre_copilot.agents.toolkit.trouble import Trouble
from sre_copilot.agents.tools.find_log_templates import FindLogTemplates, FindLogTemplatesArguments, table_of
from sre_copilot.domain.evidence import Check, Finding

MOST = 30  # events that are measured
MORE = 3.0  # times as many as before: a doubling is a busy quarter of an hour
FEWEST = 5  # lines before a statement that stopped is told: one that was rare may just not have come


class SummariseLogsArguments(TimeArguments):
    """Of which lines."""

    service: str = Field(default="", max_length=200, description="Name of the service; empty: all")


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to a statement: `kind` names it, `weight` orders events."""

    kind: str
    group: Group
    before: int
    weight: float


class SummariseLogs(ReadingTool):
    """Compares each statement's lines with normal time, and tells what changed."""

    name = "summarise_logs"
    Arguments = SummariseLogsArguments
    said: ClassVar = {
        "en": "Summarises many log lines into key events: new errors, more errors, statements that stopped or are new.",
        "zh": "把大量日志概括为关键事件：新出现的错误、增多的错误、消失或新增的日志。",
    }

    def answer(self, arguments: SummariseLogsArguments, context: ToolContext) -> ToolResult:
        """Group both windows and tell the differences; without times, the errors there are."""
        if is_timeless(window_of(arguments.start, arguments.end, context)):
            errors = FindLogTemplatesArguments(service=arguments.service, errors_only=True)
            return FindLogTemplates().answer(errors, context)
        pair = pair_of(arguments, ("", ""), context)
        seen = pair.look("logs")
        service = service_of(arguments.service, context) if arguments.service else ""
        found, before = _both(seen, pair, service)
        if found.is_empty() and before.is_empty():
            raise Trouble("no_data", "tool.none.logs", gaps=seen.gaps, **seen.span)
        events = sorted(_events(found, before, pair), key=lambda each: (-each.weight, each.group.template))
        digest = Digest(context)
        digest.remark("tool.asked.summary", lines=found.height, before=before.height, **pair.spans)
        for event in events[:MOST]:
            if (finding := _told(seen, pair, event)) is not None:
                digest.state(finding)
        if not digest.findings:
            for finding in _volume(seen, found):
                digest.state(finding)
        told = [event.group for event in events] or groups(found)
        return digest.result(pair.observation, rows=table_of(told) if told else None, gaps=seen.gaps)


def _both(seen: Look, pair: Pair, service: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Lines of the window and of normal time."""
    now = seen.table
    side = pair.then_query(seen)
    origin = pair.observation.reference if side and side[1] == "reference" else pair.observation.current
    all_then = origin.logs if origin is not None and side is not None else None
    then = now.clear() if all_then is None or side is None else cut(all_then, "logs", side[0])
    if service:
        now, then = (table.filter(pl.col("service") == service) for table in (now, then))
    return now, then


def _events(found: pl.DataFrame, before: pl.DataFrame, pair: Pair) -> Iterator[Event]:
    """What changed, judged by rates so that windows may differ in length."""
    both = pl.concat([found.select(before.columns), before]) if before.height else found
    known = {(group.service, group.template): group for group in groups(both)}
    now = {(group.service, group.template): group for group in groups(found)}
    ratio = _seconds(found) / _seconds(before) if before.height else 0.0
    counts = {key: known[key].count - now[key].count if key in now else known[key].count for key in known}
    for key, group in known.items():
        here, there = now[key].count if key in now else 0, counts[key]
        usual = there * ratio
        if here and not there and before.height:
            kind = "new_error" if group.is_error else "new"
            yield Event(kind, now[key], 0, (100.0 if group.is_error else 10.0) + log1p(here))
        elif here and not there:
            if group.is_error:
                yield Event("error", now[key], 0, 50.0 + log1p(here))
        elif here >= MORE * max(usual, 1.0):
            rise = log1p(here / max(usual, 1.0))
            yield Event("more", now[key], there, (60.0 if group.is_error else 5.0) + rise)
        elif not here and usual >= FEWEST:
            yield Event("stopped", group, there, 40.0 + log1p(usual))


def _seconds(table: pl.DataFrame) -> float:
    first, last = table["ts_ns"].min(), table["ts_ns"].max()
    if first is None or last is None:
        return 1.0
    return max((float(last) - float(first)) / 1e9, 1.0)  # type: ignore[arg-type]


def _told(seen: Look, pair: Pair, event: Event) -> Finding | None:
    query = lines_of(event.group, seen.window)
    count = seen.measurer.measure(query, "count") if query else None
    if count is None or (event.kind == "stopped") != (count.value == 0):
        return None
    checks: tuple[Check, ...] = (count.check,)
    params = {"count": int(count.value)}
    side: Side | None = pair.then_query(seen)
    if side is not None and event.kind != "error":
        where = {"service": event.group.service, "pattern": dict(query.where)["pattern"]} if query else {}
        then = seen.measurer.measure(rows("logs", where, side[0], origin=side[1]), "count")
        if then is None or (event.kind in ("new", "new_error")) != (then.value == 0):
            return None
        checks, params = (*checks, then.check), {**params, "before": int(then.value)}
    first = event.group.first
    return fact(
        f"tool.event.{event.kind}", event.group.service, "logs", checks, window=seen.window,
        template=event.group.template, first=said(first) if first is not None else "–", **params,
    )  # fmt: skip


def _volume(seen: Look, found: pl.DataFrame) -> Iterator[Finding]:
    """That nothing stands out: how many lines each service wrote."""
    services = found.group_by("service").len().sort("len", "service", descending=[True, False])
    for service in services["service"].head(8).to_list():
        count = seen.measurer.measure(rows("logs", {"service": service}, seen.window), "count")
        if count is not None:
            yield fact(
                "tool.event.calm", service, "logs", (count.check,), window=seen.window, count=int(count.value)
            )
