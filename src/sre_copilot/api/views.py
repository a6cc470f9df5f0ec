"""What the interface answers: field names, and times as RFC 3339 UTC."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import orjson
from fastapi import Header, Query
from fastapi.responses import JSONResponse

from sre_copilot.clock import rfc3339
from sre_copilot.store.paging import Page


class Json(JSONResponse):
    """JSON in which a number that is none (not known, infinite) is null."""

    def render(self, content: Any) -> bytes:
        """Write it."""
        return orjson.dumps(content)


Language = Literal["en", "zh"]
Cursor = Annotated[str | None, Query(description="`next` of the page before.", max_length=500)]
Limit = Annotated[int, Query(ge=1, le=1000, description="Rows a page.")]
Hours = Annotated[float, Query(gt=0, le=24 * 366, description="So many hours back.")]
Lang = Annotated[Language | None, Query(description="Language of sentences (default: Accept-Language).")]
AcceptLanguage = Annotated[str, Header(alias="accept-language", max_length=200)]


def language(asked: Language | None, accepted: str, default: Language) -> Language:
    """The language to answer in."""
    if asked:
        return asked
    first = accepted.split(",", maxsplit=1)[0].strip().lower()
    return "zh" if first.startswith("zh") else ("en" if first.startswith("en") else default)


def seconds(value: float | None) -> float | None:
    """Seconds as they are shown: a millisecond is the least that anyone measures here."""
    return None if value is None else round(value, 3)


def listing(page: Page, view: Callable[[Mapping[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """A page of rows."""
    return {"items": [view(row) for row in page.rows], "next": page.next}


def anomaly(row: Mapping[str, Any], lang: Language, *, may_see: bool = True) -> dict[str, Any]:
    """An anomaly; who may not see its source learns that there is one, and nothing that it holds."""
    finding = row["finding"] if may_see else {"sentences": {}}
    row = row if may_see else {**row, **dict.fromkeys(("current", "expected", "low", "high", "instance"))}
    return {
        "hidden": not may_see,
        "source": row["source"],
        "id": row["id"],
        "entity": row["entity"],
        "metric": row["metric"],
        "instance": row["instance"],
        "modality": row["modality"],
        "current": row["current"],
        "expected": row["expected"],
        "range": [row["low"], row["high"]],
        "deviation": row["deviation"],
        "severity": row["severity"],
        "score": row["score"],
        "peak_score": row["peak_score"],
        "method": row["method"],
        "since": rfc3339(row["since"]),
        "opened_at": rfc3339(row["opened_at"]),
        "updated_at": rfc3339(row["updated_at"]),
        "closed_at": rfc3339(row["closed_at"]),
        "sentence": finding["sentences"].get(lang, ""),
        "finding": finding,
    }


def breach(row: Mapping[str, Any], now: float, *, may_see: bool = True) -> dict[str, Any]:
    """An expected breach; `estimated_breach_hours` is from now, `risk_level` from how likely and how soon."""
    hours = (row["at"] - now) / 3600
    row = row if may_see else {**row, **dict.fromkeys(("limit_value", "instance"))}
    return {
        "hidden": not may_see,
        "source": row["source"],
        "id": row["id"],
        "entity": row["entity"],
        "metric": row["metric"],
        "instance": row["instance"],
        "limit": row["limit_value"],
        "direction": row["direction"],
        "estimated_breach_at": rfc3339(row["at"]),
        "estimated_breach_hours": round(hours, 2),
        "earliest": rfc3339(row["earliest"]),
        "latest": rfc3339(row["latest"]),
        "probability": row["probability"],
        "risk_level": risk_level(row["probability"], hours),
        "hit_rate": row["hit_rate"],
        "horizon_hours": row["horizon_hours"],
        "method": row["method"],
        "made_at": rfc3339(row["made_at"]),
        "updated_at": rfc3339(row["updated_at"]),
        "closed_at": rfc3339(row["closed_at"]),
    }


def risk_level(probability: float, hours: float) -> str:
    """`high` when it is likelier than not by three to one or comes within the hour, `low` when it is unlikely."""
    if probability >= 0.75 or (probability >= 0.5 and hours <= 1):
        return "high"
    return "medium" if probability >= 0.5 else "low"


def change(row: Mapping[str, Any], *, may_see: bool = True) -> dict[str, Any]:
    """A change."""
    row = row if may_see else {**row, "text": None, "detail": None}
    return {
        "hidden": not may_see,
        "source": row["source"],
        "id": row["id"],
        "at": rfc3339(row["ts"]),
        "service": row["service"],
        "kind": row["kind"],
        "text": row["text"],
        "detail": row["detail"],
        "received_at": rfc3339(row["received_at"]),
    }


def investigation(
    row: Mapping[str, Any], lang: Language, *, whole: bool, may_see: bool = True
) -> dict[str, Any]:
    """An investigation: cause, confidence and evidence; the whole report when asked for by its id."""
    report = row["report"] if may_see else {"evidence": {}, "document": None}
    found = {
        "hidden": not may_see,
        "id": row["id"],
        "started_at": rfc3339(row["started_at"]),
        "finished_at": rfc3339(row["finished_at"]),
        "anomalies": row["anomaly_ids"],
        "outcome": row["outcome"],
        "cause": row["cause"],
        "fault_type": row["fault_type"],
        "confidence": row["confidence"],
        "evidence": report["evidence"].get(lang, []),
    }
    return {**found, "report": report["document"]} if whole else found
