"""A PromQL query over a window, and what metrics a server has."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import polars as pl
import promql_parser
from promql_parser import Expr, VectorSelector

from sre_copilot.domain.signals import Window
from sre_copilot.errors import SourceError
from sre_copilot.perception.http import HttpClient
from sre_copilot.perception.promql.health import instant
from sre_copilot.perception.source import Asked, Estimate, Queried

STEPS = 60  # points of each series: as many as a person sees in a picture
FINEST_S = 15
MOST_METRICS = 2000
MOST_VALUES = 50
_VALUES_OF = (
    "service",
    "job",
    "app",
    "namespace",
    "instance",
    "code",
    "status",
    "result",
    "mode",
    "mountpoint",
    "method",
    "route",
    "region",
    "group",
)
Labels = Callable[[Mapping[str, str]], dict[str, str]]


def run(
    client: HttpClient, text: str, window: Window, *, limit: int, timeout_seconds: float, labels: Labels
) -> Queried:
    """Evaluate at some sixty moments of the window; the newest value of each series first."""
    began = time.monotonic()
    step = max(FINEST_S, round((window.end - window.start) / STEPS))
    params = {
        "query": text,
        "start": window.start,
        "end": window.end,
        "step": step,
        "timeout": f"{timeout_seconds:g}s",
    }
    response = client.request("POST", "/api/v1/query_range", data=params)
    document = client.json(response)
    result = (document.get("data") or {}).get("result") if isinstance(document, Mapping) else None
    if not isinstance(result, list):
        raise client.unreadable(response, "is none of the Prometheus API")
    rows = [
        {"ts": float(at), "series": _shown(labels(each["metric"])), "value": float(value)}
        for each in result
        for at, value in each.get("values", ())
    ]
    table = pl.DataFrame(rows, schema={"ts": pl.Float64, "series": pl.String, "value": pl.Float64}).sort(
        ["ts", "series"], descending=[True, False]
    )
    asked = Asked(
        source=client.name, text=text, target="/api/v1/query_range", window=window, step_seconds=step, rows=table.height, seconds=round(time.monotonic() - began, 3),
    )  # fmt: skip
    return Queried(rows=table.head(limit), asked=asked, cut=table.height > limit)


def _shown(labels: Mapping[str, str]) -> str:
    name = labels.get("__name__", "")
    inner = ", ".join(f'{key}="{value}"' for key, value in sorted(labels.items()) if key != "__name__")
    return f"{name}{{{inner}}}" if inner or not name else name


def dry_run(client: HttpClient, text: str, window: Window) -> Estimate:
    """Series that the selectors of a query have now; points are those of all steps."""
    selectors: list[str] = []

    def visit(node: Expr) -> None:
        if isinstance(node, VectorSelector):
            selectors.append(promql_parser.parse(node.prettify()).prettify().split(" offset ")[0])

    promql_parser.walk(promql_parser.parse(text), visit)
    series = 0
    for each in dict.fromkeys(selectors):
        found = instant(client, f"count({each})")
        series += int(float(found[0]["value"][1])) if found else 0
    steps = max(1, round((window.end - window.start) / max(FINEST_S, (window.end - window.start) / STEPS)))
    return Estimate(series=series, points=series * steps)


def known(client: HttpClient) -> dict[str, Any]:
    """Metrics with their types and labels, and the values of telling labels."""
    metadata = client.get_json("/api/v1/metadata").get("data") or {}
    names = (client.get_json("/api/v1/label/__name__/values").get("data") or [])[:MOST_METRICS]
    labels = _labels(client)
    metrics = {
        name: {"type": _kind(name, metadata), "labels": sorted(labels.get(name, ()))} for name in names
    }
    used = {label for each in labels.values() for label in each}
    values = {
        label: client.get_json(f"/api/v1/label/{label}/values").get("data") or []
        for label in _VALUES_OF
        if label in used
    }
    return {
        "metrics": metrics,
        "values": {label: each for label, each in values.items() if each and len(each) <= MOST_VALUES},
    }


def _labels(client: HttpClient) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    try:
        series = (
            client.get_json(
                "/api/v1/series", {"match[]": '{__name__!=""}', "start": time.time() - 3600, "limit": 20_000}
            ).get("data")
            or []
        )
    except SourceError:  # a server that does not list everything at once; names and types are still known
        return found
    for each in series:
        found.setdefault(each.get("__name__", ""), set()).update(key for key in each if key != "__name__")
    return found


def _kind(name: str, metadata: Mapping[str, Any]) -> str:
    base = name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum")
    for each in (name, base):
        if metadata.get(each):
            kind = str(metadata[each][0].get("type", ""))
            if kind == "histogram" and not name.endswith("_bucket"):
                return "counter"
            if kind in ("counter", "gauge", "histogram", "summary"):
                return kind
    if name.endswith("_bucket"):
        return "histogram"
    return "counter" if name.endswith(("_total", "_count", "_sum")) else "gauge"
