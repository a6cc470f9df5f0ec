"""Compare windows: what is otherwise in one stretch of time than in another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

import polars as pl
from pydantic import Field

from sre_copilot.agents.tool import TimeArguments, ToolContext, ToolResult
from sre_copilot.agents.toolkit.base import ReadingTool
from sre_copilot.agents.toolkit.digest import Digest
from sre_copilot.agents.toolkit.looking import Look
from sre_copilot.agents.toolkit.measuring import Measured, fact, measured
from sre_copilot.agents.toolkit.names import service_of
from sre_copilot.agents.toolkit.pairs import Pair, Side, pair_of
from sre_copilot.agents.toolkit.series import key_of
from sre_copilot.agents.toolkit.trouble import Trouble
from sre_copilot.agents.toolkit.units import amount, instance_of, unit_of
from sre_copilot.domain.evidence import Aggregate, Finding

MOST = 30  # statements that are measured for each kind of telemetry
SMALLEST = 0.05  # of the level: what moved less is within what any two quarters of an hour differ by


class CompareWindowsArguments(TimeArguments):
    """Two stretches of time, and what of them."""

    other_start: str = Field(
        default="", description="Start of the time to compare with, RFC 3339 UTC; empty: normal time"
    )
    other_end: str = Field(default="", description="End of the time to compare with, RFC 3339 UTC")
    service: str = Field(default="", max_length=200, description="Name of the service; empty: all")
    modality: Literal["", "metrics", "logs", "traces", "transactions"] = Field(
        default="", description="Empty: all"
    )


class CompareWindows(ReadingTool):
    """Tells what moved most between two windows; by default the time of the fault against normal time."""

    name = "compare_windows"
    Arguments = CompareWindowsArguments
    said: ClassVar = {
        "en": "Compares metrics, log volume and spans of two windows; by default the fault with normal time before it.",
        "zh": "对比两段时间的指标、日志量和调用；默认对比故障期间与之前的正常时间。",
    }

    def answer(self, arguments: CompareWindowsArguments, context: ToolContext) -> ToolResult:
        """Measure both, and tell the largest differences first."""
        pair = pair_of(arguments, (arguments.other_start, arguments.other_end), context)
        service = service_of(arguments.service, context) if arguments.service else ""
        wanted = [arguments.modality] if arguments.modality else ["metrics", "traces", "logs", "transactions"]
        moved: list[tuple[float, Finding]] = []
        for modality in wanted:
            seen = pair.look(modality)  # type: ignore[arg-type]
            moved += [
                each for part in MEASURES[modality] for each in _differences(seen, pair, service, *part)
            ]
        digest = Digest(context)
        digest.remark("tool.asked.compare", **pair.spans)
        if not moved:
            raise Trouble("no_data", "tool.none.compare", gaps=pair.observation.gaps[:3], **pair.spans)
        ranked = sorted(moved, key=lambda each: (-each[0], each[1].id))
        for change, finding in ranked:
            if change >= SMALLEST:
                digest.state(finding)
        if not digest.findings:
            digest.state(ranked[0][1])
        return digest.result(pair.observation, rows=_table(ranked), gaps=pair.observation.gaps)


MEASURES: dict[str, tuple[tuple[str, Aggregate], ...]] = {
    "metrics": (("value", "median"),),
    "traces": (("rows", "rate"), ("duration_ms", "median"), ("duration_ms", "p95"), ("error", "mean")),
    "logs": (("rows", "rate"),),
    "transactions": (("success_rate", "mean"), ("latency_ms", "median"), ("count", "mean")),
}
"""What is compared of each kind: measure and aggregate; rates, so that the windows may differ in length."""


def _differences(
    seen: Look, pair: Pair, service: str, measure: str, aggregate: Aggregate
) -> Iterator[tuple[float, Finding]]:
    """How far each series, or each service, is from the other window, as a share of the larger level."""
    now = pair.now_query(seen)
    if now is None:
        return

    def of(where: dict[str, str], side: Side) -> Measured | None:
        query = measured(seen.modality, measure, where, side[0], origin=side[1])
        return seen.measurer.measure(query, aggregate)

    for where in _subjects(seen, service):
        here = of(where, now)
        there = next((found for side in pair.sides(seen) if (found := of(where, side)) is not None), None)
        if here is None or there is None:
            continue
        span = max(abs(here.value), abs(there.value))
        change = abs(here.value - there.value) / span if span else 0.0
        metric = where.get("metric", "")
        instance = where.get("instance", "")
        yield (
            change,
            fact(
                f"tool.compare.{_name(seen.modality, measure, aggregate)}", where["service"], seen.modality,
                (here.check, there.check), window=now[0], who=instance_of(where["service"], instance), metric=metric,
                now=_said(here.value, measure, metric), then=_said(there.value, measure, metric),
            ),
        )  # fmt: skip


def _said(value: float, measure: str, metric: str) -> str:
    """A level as it is told; shares as percentages."""
    if measure in ("error", "success_rate"):
        return amount(100 * value, "%")
    return amount(value, "ms" if measure.endswith("_ms") else unit_of(metric))


def _name(modality: str, measure: str, aggregate: str) -> str:
    return f"{modality}_{measure}_{aggregate}"


def _subjects(seen: Look, service: str) -> list[dict[str, str]]:
    table = seen.table
    if service:
        table = table.filter(pl.col("service") == service)
    if seen.modality == "metrics":
        level = pl.col("value").std() / (pl.col("value").abs().mean() + 1e-12)
        names = ["service", "metric", "instance"]
        ranked = (
            table.with_columns(pl.col("instance").fill_null(""))
            .group_by(names)
            .agg(moved=level.fill_nan(0.0))
        )
        ranked = ranked.sort("moved", *names, descending=[True, False, False, False], nulls_last=True)
        keys = [key_of(row) for row in ranked.head(3 * MOST).iter_rows(named=True)]
        return [{"service": s, "metric": m, "instance": i} for s, m, i in keys]
    services = table.group_by("service").len().sort("len", "service", descending=[True, False])
    return [{"service": name} for name in services["service"].head(MOST).to_list()]


def _table(ranked: list[tuple[float, Finding]]) -> pl.DataFrame:
    rows = [
        {"change": change, "service": finding.entity, "kind": finding.kind, **_numbers(finding)}
        for change, finding in ranked
    ]
    return pl.DataFrame(rows)


def _numbers(finding: Finding) -> dict[str, str | float | int]:
    params = dict(finding.params)
    return {name: params[name] for name in ("who", "metric", "now", "then")}
