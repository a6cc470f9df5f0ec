"""Statistics: how quickly things are found and mended, against what is aimed at."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query, Response

from sre_copilot.api.guard import Routes, ServiceHere
from sre_copilot.api.shapes import reports as shapes
from sre_copilot.api.views import AcceptLanguage, Json, Lang, language
from sre_copilot.app.measuring import statistics
from sre_copilot.incidents.statistics.document import document
from sre_copilot.incidents.statistics.picture import chart

routes = Routes(tag="statistics")
SVG = "image/svg+xml"
FORMS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The figures, or a picture of them.", "content": {SVG: {}}}
}


@routes.get("/stats", role="viewer", shape=shapes.Statistics, responses=FORMS)
def stats(
    service: ServiceHere,
    *,
    days: Annotated[float, Query(gt=0, le=3660, description="So many days back.")] = 30,
    form: Annotated[
        Literal["json", "svg"], Query(alias="format", description="json, or a picture.")
    ] = "json",
    lang: Lang = None,
    accept_language: AcceptLanguage = "",
) -> Response:
    """Figures of the last days, each with its definition, how many cases it is of and what is missing."""
    found = statistics(service.database, service.clock, days=days)
    spoken = language(lang, accept_language, service.settings.language)
    if form == "svg":
        return Response(str(chart(found, spoken)), media_type=SVG)
    return Json(document(found, spoken))
