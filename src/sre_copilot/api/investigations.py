"""What caused it."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from sre_copilot.api.guard import Routes, ServiceHere, may_see_all
from sre_copilot.api.problems import Problem
from sre_copilot.api.views import (
    AcceptLanguage,
    Cursor,
    Hours,
    Lang,
    Limit,
    investigation,
    language,
    listing,
)

routes = Routes(tag="investigations")


@routes.get("/investigations", role="viewer")
def investigations(
    service: ServiceHere,
    request: Request,
    *,
    hours: Hours = 24,
    cursor: Cursor = None,
    limit: Limit = 100,
    lang: Lang = None,
    accept_language: AcceptLanguage = "",
) -> dict[str, Any]:
    """Investigations that ended in the last hours: cause, confidence, evidence; the latest first."""
    page = service.investigations.page(since=service.clock.now() - hours * 3600, cursor=cursor, limit=limit)
    spoken = language(lang, accept_language, service.settings.language)
    allowed = may_see_all(request)
    return listing(page, lambda row: investigation(row, spoken, whole=False, may_see=allowed))


@routes.get("/investigations/{key}", role="viewer")
def one_investigation(
    service: ServiceHere,
    request: Request,
    key: str,
    *,
    lang: Lang = None,
    accept_language: AcceptLanguage = "",
) -> dict[str, Any]:
    """One investigation with its whole report."""
    row = service.investigations.get(key)
    if row is None:
        raise Problem(404, f"there is no investigation '{key}'", field="key")
    spoken = language(lang, accept_language, service.settings.language)
    return investigation(row, spoken, whole=True, may_see=may_see_all(request))
