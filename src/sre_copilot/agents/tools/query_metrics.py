"""Query metrics: the level of series in a window."""

from __future__ import annotations

from typing import ClassVar

import polars as pl
from pydantic import Field

from sre_copilot.agents.tool import TimeArguments, ToolContext, ToolResult
from sre_copilot.agents.toolkit.base import ReadingTool
from sre_copilot.agents.toolkit.digest import Digest
from sre_copilot.agents.toolkit.looking import Look, look
from sre_copilot.agents.toolkit.measuring import fact, measured
from sre_copilot.agents.toolkit.series import chosen, key_of, series_of
from sre_copilot.agents.toolkit.times import window_of
from sre_copilot.agents.toolkit.trouble import Trouble
from sre_copilot.agents.toolkit.units import amount, instance_of, unit_of
from sre_copilot.domain.evidence import Finding

MOST = 40  # series that are measured; a digest shows some twenty


class QueryMetricsArguments(TimeArguments):
    """Which series."""

    service: str = Field(default="", max_length=200, description="Name of the service; empty: all")
    metric: str = Field(
        default="", max_length=200, description="Name of the metric, or a part of it such as cpu; empty: all"
    )
    instance: str = Field(default="", max_length=200, description="Pod or instance; empty: all")


class QueryMetrics(ReadingTool):
    """Tells the level of series, the most restless first."""

    name = "query_metrics"
    Arguments = QueryMetricsArguments
    said: ClassVar = {
        "en": "Tells mean, lowest, highest and last value of metrics of a service in a window of time.",
        "zh": "给出某服务的指标在一段时间内的均值、最小值、最大值和最新值。",
    }

    def answer(self, arguments: QueryMetricsArguments, context: ToolContext) -> ToolResult:
        """Measure the series that are meant."""
        seen = look(context, window_of(arguments.start, arguments.end, context), "metrics")
        table = chosen(seen, service=arguments.service, metric=arguments.metric, instance=arguments.instance)
        digest = Digest(context)
        digest.remark("tool.asked.metrics", series=series_of(table).height, rows=table.height, **seen.span)
        stated = [_level(seen, *key) for key in _restless(table)]
        known = [finding for finding in stated if finding is not None]
        if not known:
            raise Trouble("no_data", "tool.none.values", gaps=seen.gaps, **seen.span)
        for finding in known:
            digest.state(finding)
        return digest.result(seen.observation, rows=table, gaps=seen.gaps)


def _restless(table: pl.DataFrame) -> list[tuple[str, str, str]]:
    """Series by how far they moved in relation to their level."""
    moved = (pl.col("value").max() - pl.col("value").min()) / (pl.col("value").abs().mean() + 1e-12)
    found = table.group_by("service", "metric", "instance").agg(moved=moved.fill_nan(0.0))
    found = found.sort("moved", "service", "metric", "instance", descending=[True, False, False, False])
    return [key_of(row) for row in found.head(MOST).iter_rows(named=True)]


def _level(seen: Look, service: str, metric: str, instance: str) -> Finding | None:
    where = {"service": service, "instance": instance, "metric": metric}
    query = measured("metrics", "value", where, seen.window)
    levels = seen.measurer.all(query, "mean", "min", "max", "last", "count")
    if levels is None:
        return None
    mean, low, high, last, count = levels
    unit = unit_of(metric)
    return fact(
        "tool.metric.level", service, "metrics", tuple(each.check for each in levels), window=seen.window,
        who=instance_of(service, instance), metric=metric, mean=amount(mean.value, unit), low=amount(low.value, unit),
        high=amount(high.value, unit), last=amount(last.value, unit), samples=int(count.value), **seen.span,
    )  # fmt: skip
