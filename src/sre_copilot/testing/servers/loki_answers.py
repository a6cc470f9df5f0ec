"""The answers of the stand-in for Loki."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sre_copilot.testing.servers.loki_expressions import Expression
from sre_copilot.testing.servers.loki_store import Kept, LokiStore

FLAGS = ["categorize-labels"]


def streams(entries: Iterable[Kept], *, categorised: bool) -> dict[str, Any]:
    """The answer to a log query."""
    kept = list(entries)
    flags = {"encodingFlags": FLAGS} if categorised else {}
    data = {
        "resultType": "streams",
        **flags,
        "result": listed(kept, categorised=categorised),
        "stats": _stats(kept),
    }
    return {"status": "success", "data": data}


def listed(entries: Iterable[Kept], *, categorised: bool) -> list[dict[str, Any]]:
    """Entries by stream: structured metadata and parsed labels are part of a stream's labels."""
    found: dict[tuple[tuple[str, str], ...], dict[str, Any]] = {}
    for each in entries:
        labels = {**each.labels, **each.metadata, **each.parsed}
        stream = found.setdefault(tuple(sorted(labels.items())), {"stream": labels, "values": []})
        value: list[Any] = [str(each.ts_ns), each.line]
        stream["values"].append([*value, _told(each)] if categorised else value)
    return list(found.values())


def _told(entry: Kept) -> dict[str, Any]:
    parts = {"structuredMetadata": dict(entry.metadata), "parsed": dict(entry.parsed)}
    return {name: part for name, part in parts.items() if part}


def vector(store: LokiStore, query: Expression, at: int) -> dict[str, Any]:
    """The answer to an instant metric query."""
    result = [
        {"metric": dict(key), "value": [at / 1e9, _number(count)]}
        for key, count in query.at(store, at).items()
    ]
    return _metric("vector", result)


def matrix(store: LokiStore, query: Expression, start: int, end: int, step: int) -> dict[str, Any]:
    """The answer to a metric query over a range."""
    found: dict[tuple[tuple[str, str], ...], list[Any]] = {}
    for at in range(start, end + 1, step):
        for key, count in query.at(store, at).items():
            found.setdefault(key, []).append([at / 1e9, _number(count)])
    return _metric("matrix", [{"metric": dict(key), "values": values} for key, values in found.items()])


def _number(value: float) -> str:
    return f"{value:.17g}"


def _metric(kind: str, result: list[Any]) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": kind, "result": result, "stats": _stats([])}}


def _stats(entries: list[Kept]) -> dict[str, Any]:
    size = sum(len(each.line.encode()) for each in entries)
    summary = {
        "bytesProcessedPerSecond": 0, "linesProcessedPerSecond": 0, "totalBytesProcessed": size,
        "totalLinesProcessed": len(entries), "totalEntriesReturned": len(entries), "execTime": 0, "queueTime": 0,
        "subqueries": 0, "shards": 0, "splits": 0,
    }  # fmt: skip
    return {"summary": summary}
