"""Host health: how busy machines and instances are, and what of it is other than usual."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import polars as pl
from pydantic import Field

from sre_copilot.agents.tool import TimeArguments, ToolContext, ToolResult
from sre_copilot.agents.toolkit.base import ReadingTool
from sre_copilot.agents.toolkit.digest import Digest
from sre_copilot.agents.toolkit.looking import Look
from sre_copilot.agents.toolkit.measuring import Measured, fact, measured
from sre_copilot.agents.toolkit.names import service_of
from sre_copilot.agents.toolkit.pairs import Pair, pair_of
from sre_copilot.agents.toolkit.series import Key, key_of
from sre_copilot.agents.toolkit.trouble import Trouble
from sre_copilot.agents.toolkit.units import amount, instance_of, unit_of
from sre_copilot.cognition.detectors.metric_kind import metric_kind
from sre_copilot.domain.evidence import Finding

RESOURCES = ("up", "restarts", "cpu", "throttling", "memory", "disk", "pool", "network", "waiting")
FULL = 90.0  # per cent: from here on queues grow faster than load, on any resource
MOST = 40


class HostHealthArguments(TimeArguments):
    """Of which service or host."""

    service: str = Field(default="", max_length=200, description="Name of the service or host; empty: all")
    resource: str = Field(default="", max_length=30, description=f"One of {', '.join(RESOURCES)}; empty: all")


class HostHealth(ReadingTool):
    """Tells levels of resources against normal time, the fullest and the most changed first."""

    name = "host_health"
    Arguments = HostHealthArguments
    said: ClassVar = {
        "en": "Tells how busy hosts and instances are (CPU, memory, disk, network, pools) against normal time.",
        "zh": "给出主机和实例的 CPU、内存、磁盘、网络、连接池使用情况，并与正常时间对比。",
    }

    def answer(self, arguments: HostHealthArguments, context: ToolContext) -> ToolResult:
        """Measure every resource of every instance, and tell those that matter."""
        if arguments.resource and arguments.resource not in RESOURCES:
            raise Trouble(
                "error", "tool.problem.resource", name=arguments.resource, near=", ".join(RESOURCES)
            )
        pair = pair_of(arguments, ("", ""), context)
        seen = pair.look("metrics")
        table = seen.table.with_columns(pl.col("instance").fill_null(""))
        if arguments.service:
            table = table.filter(pl.col("service") == service_of(arguments.service, context))
        wanted = (arguments.resource,) if arguments.resource else RESOURCES
        metrics = [each for each in table["metric"].unique().to_list() if metric_kind(each).kind in wanted]
        keys = table.filter(pl.col("metric").is_in(metrics)).select("service", "metric", "instance").unique()
        levels = [
            found for row in keys.sort(pl.all()).iter_rows(named=True)
            if (found := _level(seen, pair, key_of(row))) is not None
        ]  # fmt: skip
        if not levels:
            raise Trouble("no_data", "tool.none.resources", gaps=seen.gaps, **seen.span)
        digest = Digest(context)
        digest.remark("tool.asked.hosts", series=len(levels), **pair.spans)
        for level in sorted(levels, key=lambda each: (-each.urgency, each.finding.id))[:MOST]:
            digest.state(level.finding)
        return digest.result(pair.observation, rows=_table(levels), gaps=seen.gaps)


@dataclass(frozen=True, slots=True)
class Level:
    """One resource of one instance; `urgency` orders them."""

    finding: Finding
    urgency: float


def _level(seen: Look, pair: Pair, key: Key) -> Level | None:
    service, metric, instance = key
    where = {"service": service, "instance": instance, "metric": metric}
    query = measured("metrics", "value", where, seen.window)
    now = seen.measurer.all(query, "median", "max")
    if now is None:
        return None
    median, highest = now
    unit = unit_of(metric)
    full = metric_kind(metric).unit == "percent" and median.value >= FULL
    params = {
        "metric": metric, "who": instance_of(service, instance),
        "value": amount(median.value, unit), "high": amount(highest.value, unit),
    }  # fmt: skip
    then = _normal(seen, pair, where)
    if then is None:
        measured_alone = (median.check, highest.check)
        return Level(fact("tool.resource", service, "metrics", measured_alone, window=seen.window, **params), 2.0 * full)  # fmt: skip
    span = max(abs(median.value), abs(then.value))
    change = abs(median.value - then.value) / span if span else 0.0
    checks = (median.check, highest.check, then.check)
    finding = fact("tool.resource.compared", service, "metrics", checks, window=seen.window, normal=amount(then.value, unit), **params)  # fmt: skip
    return Level(finding, 2.0 * full + change)


def _normal(seen: Look, pair: Pair, where: dict[str, str]) -> Measured | None:
    """Its median in normal time; of all instances where this one was not there yet."""
    for window, origin in pair.sides(seen):
        for each in (where, {**where, "instance": ""}):
            found = seen.measurer.measure(measured("metrics", "value", each, window, origin=origin), "median")
            if found is not None:
                return found
    return None


def _table(levels: list[Level]) -> pl.DataFrame:
    rows = [
        {"service": each.finding.entity, **dict(each.finding.params), "urgency": each.urgency}
        for each in levels
    ]  # fmt: skip
    return pl.DataFrame(rows, infer_schema_length=None)
