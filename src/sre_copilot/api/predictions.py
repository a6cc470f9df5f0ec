"""What is about to happen: limits that will be crossed, and the forecast of a series."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request

from sre_copilot.api.guard import Routes, ServiceHere, may_see
from sre_copilot.api.problems import Problem
from sre_copilot.api.views import Cursor, Hours, Limit, breach, listing
from sre_copilot.clock import rfc3339
from sre_copilot.domain.series import SeriesKey

routes = Routes(tag="predictions")
Name = Annotated[str, Query(max_length=300)]


@routes.get("/predictions", role="viewer")
def predictions(
    service: ServiceHere, request: Request, *, hours: Hours = 24, cursor: Cursor = None, limit: Limit = 100
) -> dict[str, Any]:
    """Breaches that are expected, and those that were in the last hours; the latest first."""
    now = service.clock.now()
    page = service.breaches.page(since=now - hours * 3600, cursor=cursor, limit=limit)
    return listing(page, lambda row: breach(row, now, may_see=may_see(request, row["source"])))


@routes.get("/forecast", role="viewer")
def forecast(
    service: ServiceHere,
    request: Request,
    *,
    entity: Name,
    metric: Name,
    instance: Name = "",
    hours: Annotated[float, Query(ge=1, le=12, description="Hours ahead.")] = 6,
) -> dict[str, Any]:
    """Three quantiles of one series for the next hours."""
    key = SeriesKey(entity, metric, instance)
    source = service.watch.source_of(key)
    if not may_see(request, source):
        raise Problem(
            403, f"what the source '{source}' holds may be seen by the role {service.roles[source].see} only"
        )
    found = service.watch.forecast(key, hours=hours)
    if found is None:
        raise Problem(
            404, f"no series {entity}/{metric} has been learned; /api/baseline/metrics lists those that are"
        )
    return {
        "entity": entity,
        "metric": metric,
        "instance": instance,
        "quantiles": list(found.quantiles),
        "times": [rfc3339(float(each)) for each in found.times],
        "values": found.values.tolist(),
    }
