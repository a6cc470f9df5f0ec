"""What surrounds an alert: its metric in the half hour before it, its service's lines of the last five minutes, and what is known of the service."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from sre_copilot.domain.alert import AlertEvent
from sre_copilot.domain.cmdb import Inventory, merge
from sre_copilot.domain.cmdb_queries import dependencies, dependents, owner_of
from sre_copilot.domain.evidence import Gap
from sre_copilot.domain.incident import Complaint, Incident, Observation
from sre_copilot.domain.signals import Change, Telemetry, Window
from sre_copilot.domain.topology import Topology
from sre_copilot.errors import SourceError
from sre_copilot.incidents.casework.picture import TEXTS, SeenAlert
from sre_copilot.perception.collection import merged, read_all, unread
from sre_copilot.perception.promql.rules import AlertRule, Compared, compared, metric_query_of
from sre_copilot.perception.source import QuerySource, Source

METRICS_S = 1800.0  # before the alert: long enough to see what was usual
LOGS_S = 300.0  # before the alert: what was written when it went wrong
MOST_POINTS = 6000  # of the alert's own query: a hundred series
TIMEOUT_S = 10.0
HEAVY = frozenset({"metrics", "logs", "traces", "transactions"})
METRICS = {
    "ts": pl.Int64,
    "service": pl.String,
    "instance": pl.String,
    "metric": pl.String,
    "value": pl.Float64,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An alert as it is handled: `start_time` is epoch s; `metric_query` is the query that fires it, '' where the sender gives none."""

    name: str
    service: str = ""
    start_time: float
    metric_query: str = ""
    metric: str = ""
    instance: str = ""
    summary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceInfo:
    """What is known of a service: who answers for it, what is around it, what was changed on it lately."""

    service: str
    owner: str = ""
    upstream: tuple[str, ...] = ()
    downstream: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """All that an analysis looks at. `compared` is the alert's query taken apart, where it holds something against a number."""

    metrics: pl.DataFrame | None
    own_query: bool = False
    """Whether `metrics` are what the alert's own query gives, and not all that is known of its service."""
    logs: pl.DataFrame | None
    service_info: ServiceInfo
    metrics_window: Window
    logs_window: Window
    rule: AlertRule | None = None
    compared: Compared | None = None
    gaps: tuple[Gap, ...] = ()
    topology: Topology = field(default_factory=Topology)

    def __getitem__(self, key: str) -> Any:
        """`metrics`, `logs` or `service_info`."""
        if key not in ("metrics", "logs", "service_info"):
            raise KeyError(key)
        return getattr(self, key)

    def observation(self, alert: Alert) -> Observation:
        """The same as what checks are evaluated on."""
        complaint = Complaint(
            text=alert.summary or alert.name, entity=alert.service, metric=alert.metric, at=alert.start_time
        )
        telemetry = Telemetry(metrics=self.metrics, logs=self.logs, changes=self.service_info.changes or None)
        return Observation(
            incident=Incident(id=f"alert {alert.name}", complaint=complaint, window=self.metrics_window),
            current=telemetry,
            topology=self.topology,
            gaps=self.gaps,
        )


KnownChanges = Callable[[Window], Sequence[Change]]


def of_event(event: AlertEvent) -> Alert:
    """An alert as it came in."""
    summary = next((event.annotations[name] for name in TEXTS if event.annotations.get(name)), "")
    return Alert(
        name=event.name,
        service=event.labels.get("service", ""),
        start_time=event.starts_at,
        metric_query=metric_query_of(event.generator_url),
        metric=event.labels.get("metric", ""),
        instance=event.labels.get("instance", ""),
        summary=summary,
    )


def of_seen(seen: SeenAlert) -> Alert:
    """An alert of an incident."""
    return Alert(
        name=seen.name,
        service=seen.service,
        start_time=seen.starts_at,
        metric_query=metric_query_of(seen.generator_url),
        metric=seen.metric,
        instance=seen.instance,
        summary=seen.summary,
    )


def context_of(
    alert: Alert, sources: Sequence[Source], *, rules: Mapping[str, AlertRule], told: KnownChanges
) -> Context:
    """Read what surrounds an alert; a source that does not answer is a gap."""
    metrics_window = Window(alert.start_time - METRICS_S, alert.start_time)
    logs_window = Window(alert.start_time - LOGS_S, alert.start_time)
    rule = rules.get(alert.name)
    condition = compared(alert.metric_query or (rule.expression if rule else ""))
    metrics, own_query, metric_gaps = _metrics(alert, sources, metrics_window, condition)
    logs, log_gaps = _logs(alert, sources, logs_window)
    info, topology, info_gaps = _service_info(alert, sources, metrics_window, told)
    return Context(
        metrics=metrics,
        own_query=own_query,
        logs=logs,
        service_info=info,
        metrics_window=metrics_window,
        logs_window=logs_window,
        rule=rule,
        compared=condition,
        gaps=(*metric_gaps, *log_gaps, *info_gaps),
        topology=topology,
    )


def _metrics(
    alert: Alert, sources: Sequence[Source], window: Window, condition: Compared | None
) -> tuple[pl.DataFrame | None, bool, tuple[Gap, ...]]:
    """The alert's own query where there is one (what it measures, not the condition: that is empty while nothing fires), else the service's metrics."""
    query = condition.expression if condition else alert.metric_query
    gaps: list[Gap] = []
    asked = [each for each in sources if isinstance(each, QuerySource) and "promql" in each.languages]
    for source in asked if query else ():
        try:
            rows = source.run_query(query, window, limit=MOST_POINTS, timeout_seconds=TIMEOUT_S).rows
        except SourceError as error:
            gaps += [gap for gap in unread(source, error) if gap.modality == "metrics"]
            continue
        if rows.height:
            return _as_metrics(rows, alert), True, tuple(gaps)
    holding = [each for each in sources if "metrics" in each.modalities]
    readings, failed = read_all(holding, window)
    table = merged([each.telemetry for each in readings]).metrics
    told = tuple(dict.fromkeys((*gaps, *failed)))
    return (_of_service(table, alert.service) if table is not None else None), False, told


def _as_metrics(rows: pl.DataFrame, alert: Alert) -> pl.DataFrame:
    """Rows of a query as the table of metrics; the series stands as the instance."""
    return rows.select(
        ts=pl.col("ts").cast(pl.Int64),
        service=pl.lit(alert.service),
        instance=pl.col("series"),
        metric=pl.lit(alert.metric or alert.name),
        value=pl.col("value"),
    ).sort("ts", "instance")


def _logs(
    alert: Alert, sources: Sequence[Source], window: Window
) -> tuple[pl.DataFrame | None, tuple[Gap, ...]]:
    readings, failed = read_all([each for each in sources if "logs" in each.modalities], window)
    table = merged([each.telemetry for each in readings]).logs
    gaps = (*(gap for each in readings for gap in each.gaps if gap.modality == "logs"), *failed)
    return (_of_service(table, alert.service) if table is not None else None), gaps


def _service_info(
    alert: Alert, sources: Sequence[Source], window: Window, told: KnownChanges
) -> tuple[ServiceInfo, Topology, tuple[Gap, ...]]:
    """From sources that know of the estate or of changes; none is asked for its telemetry again."""
    light = [each for each in sources if not HEAVY & set(each.modalities)]
    readings, gaps = read_all(light, window)
    inventory = merge([each.inventory for each in readings if each.inventory])
    drawn = [edge for each in readings if each.topology for edge in each.topology.edges]
    changes = merged([each.telemetry for each in readings]).changes or ()
    own = [each for each in (*changes, *told(window)) if each.service == alert.service]
    topology = Topology.of([*drawn, *inventory.topology().edges])
    return _known(alert.service, inventory, topology, own), topology, gaps


def _known(service: str, inventory: Inventory, topology: Topology, changes: Sequence[Change]) -> ServiceInfo:
    owner = owner_of(inventory, service)
    above = {**dependents(inventory, service), **topology.upstream(service)}
    below = {**dependencies(inventory, service), **topology.downstream(service)}
    once = {repr(each): each for each in sorted(changes, key=lambda each: each.ts)}
    return ServiceInfo(
        service=service,
        owner=owner.owner if owner else "",
        upstream=tuple(sorted(set(above) - {service})),
        downstream=tuple(sorted(set(below) - {service})),
        changes=tuple(once.values()),
    )


def _of_service(table: pl.DataFrame, service: str) -> pl.DataFrame:
    return table.filter(pl.col("service") == service) if service else table
