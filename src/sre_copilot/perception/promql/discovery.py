"""What a server has: which metrics of the catalogue, and what else could be watched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sre_copilot.errors import SourceError, SourceUnreachable
from sre_copilot.perception.http import HttpClient
from sre_copilot.perception.promql.catalogue import CATALOGUE
from sre_copilot.perception.promql.health import instant
from sre_copilot.perception.promql.queries import metric_names

MOST_FURTHER = 1_000  # names that a person may want to look through
_INTERNAL = ("go_", "python_", "prometheus_", "promhttp_", "scrape_", "vm_", "net_conntrack_", "ALERTS")
"""Beginnings of metrics about the runtime or the monitoring itself, of little use as a signal of a service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovered:
    """One metric that a server has, or could have.

    `watched` says whether it is read as configured; `series` is how many it gives now (None: the server would not say); `exporter` is what provides it, ''
    for what is no part of the catalogue; `query` is what to put into `queries`, with placeholders.
    """

    metric: str
    query: str
    watched: bool
    series: int | None
    exporter: str = ""
    unit: str = ""
    meaning: str = ""


def discover(
    client: HttpClient,
    watched: Mapping[str, str],
    as_sent: Callable[[str], str],
    *,
    by_catalogue: Mapping[str, str],
) -> tuple[Discovered, ...]:
    """Ask what there is: first the catalogue, then what is configured besides, then what else could be watched."""
    known = [*_known(client, watched, as_sent), *_configured(client, watched, as_sent)]
    used = {name for query in (*by_catalogue.values(), *watched.values()) for name in _names(as_sent(query))}
    return (*known, *_further(client, used))


def _known(
    client: HttpClient, watched: Mapping[str, str], as_sent: Callable[[str], str]
) -> Iterator[Discovered]:
    for metric in CATALOGUE:
        for form in metric.forms:
            yield Discovered(
                metric=metric.name,
                query=form.query,
                watched=watched.get(metric.name) == metric.query,
                series=_count(client, as_sent(form.query)),
                exporter=form.exporter,
                unit=metric.unit,
                meaning=metric.meaning,
            )


def _configured(
    client: HttpClient, watched: Mapping[str, str], as_sent: Callable[[str], str]
) -> Iterator[Discovered]:
    catalogue = {metric.name: metric.query for metric in CATALOGUE}
    for name, query in watched.items():
        if catalogue.get(name) != query:
            yield Discovered(metric=name, query=query, watched=True, series=_count(client, as_sent(query)))


def _count(client: HttpClient, query: str) -> int | None:
    try:
        found = instant(client, f"count({query})")
    except SourceUnreachable:
        raise
    except SourceError:
        return None
    return int(float(found[0]["value"][1])) if found else 0


def _further(client: HttpClient, used: set[str]) -> Iterator[Discovered]:
    """Names that no query reads, with a query that reads them as their type asks for."""
    names = client.get_json("/api/v1/label/__name__/values").get("data") or []
    metadata = _metadata(client)
    counts = {each["metric"].get("__name__", ""): each for each in _counts(client)}
    parts = {f"{name}{end}" for name in metadata for end in ("_bucket", "_sum", "_count")}
    further = [n for n in names if n not in used and n not in parts and not n.startswith(_INTERNAL)]
    for name in further[:MOST_FURTHER]:
        kind, text = metadata.get(name, ("", ""))
        series = counts.get(name)
        yield Discovered(
            metric=name,
            query=_suggested(name, kind),
            watched=False,
            series=int(float(series["value"][1])) if series else 0,
            meaning=text,
        )


def _counts(client: HttpClient) -> list[dict[str, Any]]:
    try:
        return instant(client, 'count by (__name__) ({__name__!=""})')
    except SourceUnreachable:
        raise
    except SourceError:
        return []


def _metadata(client: HttpClient) -> dict[str, tuple[str, str]]:
    """Name -> type and help text, where the server keeps them."""
    try:
        found = client.get_json("/api/v1/metadata").get("data") or {}
    except SourceUnreachable:
        raise
    except SourceError:
        return {}
    return {name: (each[0].get("type", ""), each[0].get("help", "")) for name, each in found.items() if each}


def _suggested(name: str, kind: str) -> str:
    by = "by ($service_labels, $instance_labels)"
    if kind == "histogram":
        return (
            f"histogram_quantile(0.95, sum by ($service_labels, le) (rate({name}_bucket[$__rate_interval])))"
        )
    if kind == "counter" or (not kind and name.endswith("_total")):
        return f"sum {by} (rate({name}[$__rate_interval]))"
    return f"avg {by} ({name})"


def _names(query: str) -> frozenset[str]:
    try:
        return metric_names(query)
    except ValueError:  # MetricsQL is not ours to read
        return frozenset()
