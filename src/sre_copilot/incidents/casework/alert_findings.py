"""What the time before an alert shows, measured: each statement carries the checks that anyone can re-run."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from sre_copilot.agents.toolkit.log_lines import groups
from sre_copilot.agents.toolkit.measuring import Measured, Measurer, fact, measured, rows
from sre_copilot.clock import rfc3339
from sre_copilot.cognition.detectors.least_move import matters
from sre_copilot.cognition.logs.templates import pattern
from sre_copilot.domain.evidence import Check, Finding
from sre_copilot.domain.signals import Window
from sre_copilot.incidents.casework.alert_context import LOGS_S, Alert, Context

SERIES = 3  # told of one alert: those that moved most
TEMPLATES = 3
CHANGES = 3
SHORTEST = 3  # characters of a pattern that says which lines are meant


def findings_of(alert: Alert, context: Context) -> tuple[Finding, ...]:
    """By rules: how the metric stands to what was usual and to the limit of its rule, which errors were written, what was changed."""
    measurer = Measurer(context.observation(alert))
    return (*_metrics(measurer, context), *_logs(measurer, alert, context), *_changes(measurer, context))


def _metrics(measurer: Measurer, context: Context) -> Iterator[Finding]:
    table = context.metrics
    if table is None or table.is_empty():
        return
    window = context.metrics_window
    usual = Window(window.start, window.end - LOGS_S)
    moved: list[tuple[float, Finding]] = []
    keys = table.select("service", "instance", "metric").fill_null("").unique().sort(pl.all())
    for key in keys.iter_rows(named=True):
        now = measurer.measure(measured("metrics", "value", key, window), "last")
        then = measurer.measure(measured("metrics", "value", key, usual), "median")
        if now is not None:
            moved += _of_series(key, now, then, context)
    ranked = sorted(moved, key=lambda each: (-each[0], each[1].id))
    yield from (finding for _, finding in ranked[:SERIES])


def _of_series(
    key: dict[str, str], now: Measured, then: Measured | None, context: Context
) -> list[tuple[float, Finding]]:
    """What one series says: against the limit of the rule, else against what was usual, where it moved at all."""
    entity, window = key["service"] or key["metric"], context.metrics_window
    who = key["instance"] or entity
    condition = context.compared
    if condition is not None and key["metric"]:
        check = Check(
            query=now.check.query, aggregate="last", relation=condition.relation, bound=condition.limit
        )
        usual = then.value if then else now.value
        span = abs(now.value - usual) / (abs(now.value) + abs(usual) or 1.0)
        if _holds(now.value, condition.relation, condition.limit):
            checks = (check, now.check, *((then.check,) if then else ()))
            finding = fact(
                "alert.metric.limit", entity, "metrics", checks, window=window, who=who, metric=key["metric"],
                now=now.value, usual=usual, relation=condition.relation, limit=condition.limit,
            )  # fmt: skip
            return [(1.0 + span, finding)]
    if then is None or not matters(key["metric"], now.value, then.value):
        return []
    span = abs(now.value - then.value) / (abs(now.value) + abs(then.value) or 1.0)
    kind = "alert.metric.above" if now.value > then.value else "alert.metric.below"
    finding = fact(
        kind, entity, "metrics", (now.check, then.check), window=window, who=who, metric=key["metric"],
        now=now.value, usual=then.value,
    )  # fmt: skip
    return [(span, finding)]


def _holds(value: float, relation: str, limit: float) -> bool:
    return {
        ">": value > limit,
        ">=": value >= limit,
        "<": value < limit,
        "<=": value <= limit,
        "==": value == limit,
    }[relation]


def _logs(measurer: Measurer, alert: Alert, context: Context) -> Iterator[Finding]:
    table = context.logs
    if table is None or not alert.service:
        return
    window = context.logs_window
    count = measurer.measure(rows("logs", {"service": alert.service}, window), "count")
    if count is None:
        return
    errors = [each for each in groups(table) if each.is_error and len(pattern(each.template)) >= SHORTEST]
    for group in errors[:TEMPLATES]:
        where = {"service": group.service, "pattern": pattern(group.template)}
        found = measurer.measure(rows("logs", where, window), "count")
        if found is not None and found.value:
            yield fact(
                "alert.logs.error", group.service, "logs", (found.check,), window=window,
                count=int(found.value), template=group.template,
            )  # fmt: skip
    if not errors:
        yield fact(
            "alert.logs.count", alert.service, "logs", (count.check,), window=window, count=int(count.value)
        )


def _changes(measurer: Measurer, context: Context) -> Iterator[Finding]:
    for change in context.service_info.changes[-CHANGES:]:
        where = {"service": change.service, "kind": change.kind, "contains": change.text}
        found = measurer.measure(rows("changes", where, context.metrics_window), "count")
        if found is not None and found.value:
            yield fact(
                "alert.change", change.service, "changes", (found.check,), window=context.metrics_window,
                kind=change.kind, text=change.text, when=rfc3339(float(int(change.ts))) or "",
            )  # fmt: skip
