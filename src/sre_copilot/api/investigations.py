"""What caused it."""

from __future__ import annotations

from typing import Any

from sre_copilot.api.guard import Routes, ServiceHere
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
    return listing(page, lambda row: investigation(row, spoken, whole=False))


@routes.get("/investigations/{key}", role="viewer")
def one_investigation(
    service: ServiceHere, key: str, *, lang: Lang = None, accept_language: AcceptLanguage = ""
) -> dict[str, Any]:
    """One investigation with its whole report."""
    row = service.investigations.get(key)
    if row is None:
        raise Problem(404, f"there is no investigation '{key}'", field="key")
    return investigation(row, language(lang, accept_language, service.settings.language), whole=True)
