"""Query transactions: how much business was done, and how much of it succeeded."""

from __future__ import annotations

from typing import ClassVar

import polars as pl
from pydantic import Field

from sre_copilot.agents.tool import TimeArguments, ToolContext, ToolResult
from sre_copilot.agents.toolkit.base import ReadingTool
from sre_copilot.agents.toolkit.digest import Digest
from sre_copilot.agents.toolkit.looking import Look, look
from sre_copilot.agents.toolkit.measuring import fact, measured
from sre_copilot.agents.toolkit.names import nearest, one_of, service_of
from sre_copilot.agents.toolkit.times import window_of
from sre_copilot.agents.toolkit.trouble import Trouble
from sre_copilot.agents.toolkit.units import instance_of
from sre_copilot.domain.evidence import Aggregate, Finding

MOST = 20  # pairs of service and channel that are told


class QueryTransactionsArguments(TimeArguments):
    """Which business."""

    service: str = Field(default="", max_length=200, description="Name of the service; empty: all")
    channel: str = Field(
        default="", max_length=200, description="Channel, for example web or app; empty: all"
    )


class QueryTransactions(ReadingTool):
    """Tells count, success rate, amount and latency of transactions by service and channel."""

    name = "query_transactions"
    Arguments = QueryTransactionsArguments
    said: ClassVar = {
        "en": "Tells count, success rate, amount and latency of business transactions by service and channel.",
        "zh": "按服务和渠道给出业务交易的笔数、成功率、金额和耗时。",
    }

    def answer(self, arguments: QueryTransactionsArguments, context: ToolContext) -> ToolResult:
        """Measure each channel."""
        seen = look(context, window_of(arguments.start, arguments.end, context), "transactions")
        table = seen.table
        if arguments.service:
            table = table.filter(pl.col("service") == service_of(arguments.service, context))
        if arguments.channel:
            known = table["channel"].drop_nulls().unique().to_list()
            meant = one_of(arguments.channel, known)
            if meant is None:
                near = ", ".join(nearest(arguments.channel, known)) or "–"
                raise Trouble("error", "tool.problem.channel", name=arguments.channel, near=near)
            table = table.filter(pl.col("channel") == meant)
        if table.is_empty():
            raise Trouble("no_data", "tool.none.transactions", gaps=seen.gaps, **seen.span)
        digest = Digest(context)
        digest.remark("tool.asked.transactions", rows=table.height, **seen.span)
        pairs = table.group_by("service", "channel").agg(pl.col("count").sum().alias("n"))
        pairs = pairs.sort("n", "service", "channel", descending=[True, False, False], nulls_last=True)
        for service, channel in pairs.select("service", "channel").head(MOST).iter_rows():
            for finding in _level(seen, service, channel or ""):
                digest.state(finding)
        return digest.result(seen.observation, rows=table, gaps=seen.gaps)


Part = tuple[str, tuple[tuple[str, Aggregate, str], ...]]
PARTS: tuple[Part, ...] = (
    ("tool.transactions.count", (("count", "sum", "count"),)),
    ("tool.transactions.success", (("success_rate", "mean", "rate"), ("success_rate", "min", "worst"))),
    ("tool.transactions.latency", (("latency_ms", "median", "median"), ("latency_ms", "max", "slowest"))),
    ("tool.transactions.amount", (("amount", "sum", "amount"),)),
)
"""What is told of a channel: the statement, and its numbers as (measure, aggregate, name in the sentence)."""


def _level(seen: Look, service: str, channel: str) -> list[Finding]:
    where = {"service": service, "channel": channel}
    stated = []
    for kind, numbers in PARTS:
        levels = [
            seen.measurer.measure(measured("transactions", measure, where, seen.window), aggregate)
            for measure, aggregate, _ in numbers
        ]
        known = [level for level in levels if level is not None]
        if len(known) < len(numbers):
            continue
        params = {name: level.value for (_, _, name), level in zip(numbers, known, strict=True)}
        checks = tuple(level.check for level in known)
        who = instance_of(service, channel)
        stated.append(
            fact(kind, service, "transactions", checks, window=seen.window, who=who, **seen.span, **params)
        )
    return stated
