"""What is abnormal."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request

from sre_copilot.api.guard import Routes, ServiceHere, may_see
from sre_copilot.api.problems import Problem
from sre_copilot.api.views import AcceptLanguage, Cursor, Hours, Lang, Limit, anomaly, language, listing

routes = Routes(tag="anomalies")


@routes.get("/anomalies", role="viewer")
def anomalies(
    service: ServiceHere,
    request: Request,
    *,
    hours: Hours = 24,
    cursor: Cursor = None,
    limit: Limit = 100,
    entity: Annotated[
        str | None, Query(description="Only those of this service or object.", max_length=300)
    ] = None,
    severity: Annotated[str | None, Query(pattern="^(critical|high|warning|info|low)$")] = None,
    lang: Lang = None,
    accept_language: AcceptLanguage = "",
) -> dict[str, Any]:
    """Anomalies told in the last hours, and those that still go on; the latest first."""
    chosen = {key: value for key, value in (("entity", entity), ("severity", severity)) if value}
    since = service.clock.now() - hours * 3600
    page = service.anomalies.page(since=since, cursor=cursor, limit=limit, **chosen)
    spoken = language(lang, accept_language, service.settings.language)
    return listing(page, lambda row: anomaly(row, spoken, may_see=may_see(request, row["source"])))


@routes.get("/anomalies/{key}", role="viewer")
def one_anomaly(
    service: ServiceHere,
    request: Request,
    key: str,
    *,
    lang: Lang = None,
    accept_language: AcceptLanguage = "",
) -> dict[str, Any]:
    """One anomaly with the checks that anyone can run again."""
    row = service.anomalies.get(key)
    if row is None:
        raise Problem(404, f"there is no anomaly '{key}'", field="key")
    spoken = language(lang, accept_language, service.settings.language)
    return anomaly(row, spoken, may_see=may_see(request, row["source"]))
