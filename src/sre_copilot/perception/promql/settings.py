"""What a Prometheus-compatible server can be told."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from sre_copilot.perception.http import HttpSettings
from sre_copilot.perception.promql.queries import filled, parsed, placeholder_values


class PrometheusSettings(HttpSettings):
    """Prometheus, VictoriaMetrics, Thanos and whatever else has the Prometheus HTTP API."""

    queries: dict[str, str] = Field(default_factory=dict)
    """Further metrics: name (best with its unit) -> PromQL. A name of the built-in catalogue replaces that metric."""
    core_metrics: bool | tuple[str, ...] = True
    """The built-in catalogue: all of it, none of it (`false`), or the metrics that are named."""
    service_labels: tuple[str, ...] = (
        "service_name",
        "destination_service_name",
        "service",
        "app_kubernetes_io_name",
        "app",
        "container",
        "deployment",
        "groupname",
        "consumergroup",
        "persistentvolumeclaim",
        "job",
    )
    """Labels that name the service; the first that a series carries counts. `job` comes last, for it often names the exporter."""
    instance_labels: tuple[str, ...] = ("service_instance_id", "pod", "instance", "node")
    """Labels that name the process, pod or host; the first that a series carries counts."""
    ignored_labels: tuple[str, ...] = (
        "namespace",
        "cluster",
        "environment",
        "env",
        "endpoint",
        "prometheus",
        "replica",
    )
    """Labels that say where a series comes from and are left out of its name, unless two series differ in nothing else."""
    step_seconds: int = Field(default=60, ge=1)
    """Distance of the values that `read` returns."""
    rate_seconds: int = Field(default=120, ge=1)
    """What `$__rate_interval` stands for; a rate needs two samples, so at least twice the longest scrape interval."""
    lookback_seconds: int | None = Field(default=None, ge=0)
    """How old a sample may be that is shown at a time; the step when not set, so that nothing is carried over a gap. At least the scrape interval; 0 leaves it to the server (five minutes)."""
    max_series: int = Field(default=20_000, ge=1)
    """Most series that one query may give; more are an error, never silently a part of them."""
    concurrency: int = Field(default=4, ge=1, le=64)
    """How many queries are asked at the same time; a server runs 20 by default, and is not ours alone."""
    compress: bool = False
    """Ask for compressed answers: worth it below about 100 Mbit/s, else compressing takes longer than sending."""
    alerts: bool = True
    """Also read which alerts of the server's own rules fired."""
    dialect: Literal["promql", "metricsql"] = "promql"
    """Language of `queries`. PromQL is checked before it is sent; MetricsQL is sent as it is, with the lookback of the server."""

    @model_validator(mode="after")
    def _check_queries(self) -> Self:
        if self.dialect == "promql":
            for name, query in self.queries.items():
                try:
                    parsed(filled(query, self.placeholders(self.step_seconds)))
                except ValueError as error:
                    raise ValueError(f"queries.{name}: {error}") from None
        if not self.service_labels:
            raise ValueError("service_labels: names no label; leave it out to have the usual ones")
        return self

    def placeholders(self, step_seconds: int) -> dict[str, str]:
        """What the placeholders in queries stand for."""
        return placeholder_values(
            service_labels=self.service_labels,
            instance_labels=self.instance_labels,
            rate_seconds=self.rate_seconds,
            step_seconds=step_seconds,
        )
