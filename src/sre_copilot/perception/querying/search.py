"""A search of somebody's own, kept within a window and the source's own conditions; and which fields an index has."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import orjson
import polars as pl

from sre_copilot.domain.signals import Window
from sre_copilot.errors import SourceRefused
from sre_copilot.perception.http import HttpClient
from sre_copilot.perception.masking import Masker
from sre_copilot.perception.source import Asked, Estimate, Queried

MOST_VALUES = 30
_HARMFUL = (
    "script",
    "runtime_mappings",
    "pit",
    "scroll",
    "indices_boost",
    "suggest",
    "knn",
    "rescore",
    "stored_fields",
    "script_fields",
)
_KINDS = {"date_nanos": "date"}


def run(
    client: HttpClient, index: str, text: str, *, clauses: list[dict[str, Any]], limit: int, timeout_seconds: float, masker: Masker,
    lenient: Mapping[str, str], window: Window,
) -> Queried:  # fmt: skip
    """Documents or numbers; the source's own conditions hold besides those of the query."""
    began = time.monotonic()
    body = _body(client.name, text, clauses, limit)
    sent = orjson.dumps({**body, "timeout": f"{max(1, round(timeout_seconds))}s"})
    path = f"/{quote(index, safe=',*:')}/_search"
    response = client.request(
        "POST", path, params=dict(lenient), content=sent, headers={"content-type": "application/json"}
    )
    said = client.json(response)
    if not isinstance(said, Mapping) or "hits" not in said:
        raise client.unreadable(response, "holds no hits")
    rows = list(_rows(said, masker))[:limit]
    table = pl.DataFrame(rows, infer_schema_length=None, orient="row") if rows else pl.DataFrame()
    asked = Asked(
        source=client.name,
        text=sent.decode(),
        target=path,
        window=window,
        rows=len(rows),
        seconds=round(time.monotonic() - began, 3),
    )
    return Queried(rows=table, asked=asked, cut=len(rows) >= limit)


def _body(source: str, text: str, clauses: list[dict[str, Any]], limit: int) -> dict[str, Any]:
    try:
        body = orjson.loads(text)
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict) or _holds(body, frozenset(_HARMFUL)):
        raise SourceRefused(
            source,
            "the search is no JSON object, or holds a script",
            remedy="send query, aggs, size and sort alone",
        )
    inner = body.get("query") or {"match_all": {}}
    body["query"] = {"bool": {"filter": clauses, "must": [inner]}}
    body["size"] = min(int(body.get("size", 10)), limit)
    return body


def _holds(node: Any, keys: frozenset[str]) -> bool:
    if isinstance(node, dict):
        return bool(keys & node.keys()) or any(_holds(each, keys) for each in node.values())
    return isinstance(node, list) and any(_holds(each, keys) for each in node)


def _rows(said: Mapping[str, Any], masker: Masker) -> Iterator[dict[str, Any]]:
    found = said.get("aggregations") or {}
    for name, each in found.items():
        yield from _buckets(name, each, {}, masker)
    for hit in (said["hits"] or {}).get("hits", ()):
        document = orjson.dumps(hit.get("_source") or {}).decode()
        yield {"id": str(hit.get("_id", "")), "document": masker.text(document)}
    if not found and not (said["hits"] or {}).get("hits"):
        total = (said["hits"] or {}).get("total")
        if total is not None:
            yield {"count": float(total["value"] if isinstance(total, Mapping) else total)}


def _buckets(
    name: str, node: Mapping[str, Any], keys: dict[str, str], masker: Masker
) -> Iterator[dict[str, Any]]:
    if "buckets" in node:
        for each in node["buckets"]:
            key = str(each.get("key_as_string", each.get("key")))
            inside = {key_: value for key_, value in each.items() if isinstance(value, Mapping)}
            here = {**keys, f"{name}_{len(keys)}": key}
            if not inside:
                yield {**here, "count": float(each.get("doc_count", 0))}
            for inner, value in inside.items():
                yield from _buckets(inner, value, here, masker)
    elif "values" in node:
        values = node["values"]
        pairs = (
            values.items()
            if isinstance(values, Mapping)
            else ((str(each["key"]), each["value"]) for each in values)
        )
        yield {**keys, **{f"p{key}": None if value is None else float(value) for key, value in pairs}}
    elif "value" in node:
        value = node["value"]
        yield {**keys, name: None if value is None else float(value)}


def dry_run(client: HttpClient, index: str, text: str, clauses: list[dict[str, Any]]) -> Estimate:
    """Documents that a search meets."""
    body = _body(client.name, text, clauses, 0)
    said = client.post_json(f"/{quote(index, safe=',*:')}/_count", {"query": body["query"]})
    return Estimate(points=int(said.get("count", 0)) if isinstance(said, Mapping) else None)


def known(client: HttpClient, index: str, lenient: Mapping[str, str]) -> dict[str, Any]:
    """Fields with their types, and the values of keywords that have few."""
    path = f"/{quote(index, safe=',*:')}"
    said = client.get_json(f"{path}/_field_caps", {"fields": "*", **lenient})
    kinds = {
        name: next(iter(each))
        for name, each in (said.get("fields") or {}).items()
        if not name.startswith("_")
    }
    fields = {
        name: _KINDS.get(kind, kind)
        for name, kind in kinds.items()
        if kind not in ("object", "nested", "unmapped")
    }
    keywords = [name for name, kind in fields.items() if kind == "keyword"][:MOST_VALUES]
    values: dict[str, list[str]] = {}
    if keywords:
        aggs = {name: {"terms": {"field": name, "size": MOST_VALUES}} for name in keywords}
        found = (
            client.post_json(f"{path}/_search", {"size": 0, "aggs": aggs}, dict(lenient)).get("aggregations")
            or {}
        )
        values = {
            name: [str(each["key"]) for each in found.get(name, {}).get("buckets", ())] for name in keywords
        }
    return {
        "index": index,
        "fields": fields,
        "values": {name: each for name, each in values.items() if 0 < len(each) < MOST_VALUES},
    }
