"""A LogQL query over a window, and which labels and fields there are."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

import orjson
import polars as pl

from sre_copilot.domain.signals import Window
from sre_copilot.perception.http import HttpClient
from sre_copilot.perception.masking import Masker
from sre_copilot.perception.source import Asked, Estimate, Queried
from sre_copilot.perception.windows import nanoseconds

STEPS = 60
MOST_VALUES = 50
SAMPLE = 50  # lines to learn the form from
_LOGFMT = re.compile(r"(?:^|\s)([A-Za-z_]\w*)=(\"[^\"]*\"|\S+)")


def run(
    client: HttpClient, text: str, window: Window, *, limit: int, timeout_seconds: float, masker: Masker
) -> Queried:
    """Lines, newest first, or numbers at some sixty moments."""
    began = time.monotonic()
    start, end = nanoseconds(window)
    step = max(1, round((window.end - window.start) / STEPS))
    params = {
        "query": text,
        "start": start,
        "end": end,
        "limit": limit,
        "step": f"{step}s",
        "direction": "backward",
    }
    response = client.request("GET", "/loki/api/v1/query_range", params=params)
    document = client.json(response)
    data = document.get("data") if isinstance(document, Mapping) else None
    if not isinstance(data, Mapping) or not isinstance(data.get("result"), list):
        raise client.unreadable(response, "is no answer of Loki")
    table = (
        _lines(data["result"], masker)
        if data.get("resultType") == "streams"
        else _numbers(data["result"], masker)
    )
    asked = Asked(
        source=client.name,
        text=text,
        target="/loki/api/v1/query_range",
        window=window,
        rows=table.height,
        seconds=round(time.monotonic() - began, 3),
    )
    return Queried(rows=table.head(limit), asked=asked, cut=table.height >= limit)


def _lines(result: list[Any], masker: Masker) -> pl.DataFrame:
    rows = [
        {"ts": int(stamp) / 1e9, "labels": _shown(masker.labels(each["stream"])), "line": masker.text(line)}
        for each in result for stamp, line, *_ in each["values"]
    ]  # fmt: skip
    return pl.DataFrame(rows, schema={"ts": pl.Float64, "labels": pl.String, "line": pl.String}).sort(
        "ts", descending=True
    )


def _numbers(result: list[Any], masker: Masker) -> pl.DataFrame:
    rows = [
        {"ts": float(at), "series": _shown(masker.labels(each["metric"])), "value": float(value)}
        for each in result for at, value in each["values"]
    ]  # fmt: skip
    return pl.DataFrame(rows, schema={"ts": pl.Float64, "series": pl.String, "value": pl.Float64}).sort(
        ["ts", "series"], descending=[True, False]
    )


def _shown(labels: Mapping[str, str]) -> str:
    return "{" + ", ".join(f'{key}="{value}"' for key, value in sorted(labels.items())) + "}"


def dry_run(client: HttpClient, selector: str, window: Window) -> Estimate:
    """Streams, lines and bytes of a selector, by the index."""
    start, end = nanoseconds(window)
    said = client.get_json("/loki/api/v1/index/stats", {"query": selector, "start": start, "end": end})
    return Estimate(
        series=int(said.get("streams", 0)),
        points=int(said.get("entries", 0)),
        words=f"{int(said.get('bytes', 0)):,} bytes",
    )


def known(client: HttpClient, selector: str, window: Window) -> dict[str, Any]:
    """Labels with their values, and the form and fields of recent lines."""
    start, end = nanoseconds(window)
    bounds = {"start": start, "end": end}
    names = client.get_json("/loki/api/v1/labels", bounds).get("data") or []
    labels = {
        name: (client.get_json(f"/loki/api/v1/label/{name}/values", bounds).get("data") or [])[:MOST_VALUES]
        for name in names
    }
    params = {"query": selector, "limit": SAMPLE, "direction": "backward", **bounds}
    data = client.get_json("/loki/api/v1/query_range", params).get("data") or {}
    lines = [value[1] for each in data.get("result", ()) for value in each["values"]]
    form, fields = form_of(lines)
    return {"labels": labels, "format": form, "fields": fields}


def form_of(lines: list[str]) -> tuple[str, dict[str, str]]:
    """Whether most lines are JSON or logfmt, and which fields they hold."""
    documents = [found for line in lines if (found := _json(line)) is not None]
    if lines and 2 * len(documents) > len(lines):
        return "json", {
            str(key): _kind(value)
            for each in documents
            for key, value in each.items()
            if not isinstance(value, dict | list)
        }
    pairs = [dict(_LOGFMT.findall(line)) for line in lines]
    if lines and 2 * sum(len(each) >= 2 for each in pairs) > len(lines):
        return "logfmt", {key: _kind(value) for each in pairs for key, value in each.items()}
    return "text", {}


def _json(line: str) -> dict[str, Any] | None:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _kind(value: Any) -> str:
    is_number = isinstance(value, int | float) or (
        isinstance(value, str) and re.fullmatch(r"-?\d+(?:\.\d+)?", value)
    )
    return "number" if is_number and not isinstance(value, bool) else "string"
