"""What is about to happen: limits that will be crossed, and the forecast of a series."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request

from sre_copilot.api.guard import Routes, ServiceHere, may_see
from sre_copilot.api.problems import Problem
from sre_copilot.api.views import Cursor, Hours, Limit, breach, listing
from sre_copilot.app.serving import Service
from sre_copilot.clock import rfc3339
from sre_copilot.domain.series import SeriesKey

routes = Routes(tag="predictions")
MOST_NAMED = 20  # instances in a message
Name = Annotated[str, Query(max_length=300)]


@routes.get("/predictions", role="viewer")
def predictions(
    service: ServiceHere, request: Request, *, hours: Hours = 24, cursor: Cursor = None, limit: Limit = 100
) -> dict[str, Any]:
    """Breaches that are expected, and those that were in the last hours; the latest first."""
    now = service.clock.now()
    page = service.breaches.page(since=now - hours * 3600, cursor=cursor, limit=limit)
    return listing(page, lambda row: breach(row, now, may_see=may_see(request, row["source"])))


@routes.get("/forecast", role="viewer", responses={404: {"description": "No series fits."}})
def forecast(
    service: ServiceHere,
    request: Request,
    *,
    entity: Name,
    metric: Name,
    instance: Annotated[
        str | None, Query(max_length=300, description="Needed only where there are several.")
    ] = None,
    source: Annotated[
        str, Query(max_length=200, description="Needed only where several have the series.")
    ] = "",
    hours: Annotated[float, Query(ge=1, le=12, description="Hours ahead.")] = 6,
) -> dict[str, Any]:
    """Three quantiles of one series for the next hours; a series without namesakes needs no instance."""
    name, key = _chosen(
        service, request, SeriesKey(entity, metric, instance or ""), source, exact=instance is not None
    )
    if not may_see(request, name):
        raise Problem(
            403, f"what the source '{name}' holds may be seen by the role {service.roles[name].see} only"
        )
    found = service.watch.forecast(key, hours=hours, source=name)
    if found is None:
        raise _unknown(entity, metric)
    return {
        "entity": entity,
        "metric": metric,
        "instance": key.instance,
        "source": name,
        "quantiles": list(found.quantiles),
        "times": [rfc3339(float(each)) for each in found.times],
        "values": found.values.tolist(),
    }


def _chosen(
    service: Service, request: Request, key: SeriesKey, source: str, *, exact: bool
) -> tuple[str, SeriesKey]:
    """The source and key of the one series that is meant."""
    known = service.watch.learned_series(key.service, key.metric)
    fitting = [
        (name, each)
        for name, each in known
        if source in {"", name} and (each.instance == key.instance or not exact)
    ]
    if not fitting:
        raise _unknown(key.service, key.metric, " with these names" if known else "")
    if len(fitting) == 1:
        return fitting[0]
    field = "instance" if len({each.instance for _, each in fitting}) > 1 else "source"
    named = sorted(
        {each.instance if field == "instance" else name for name, each in fitting if may_see(request, name)}
    )
    listed = ", ".join(repr(each) for each in named[:MOST_NAMED]) + (", …" if len(named) > MOST_NAMED else "")
    raise Problem(400, f"{field}: {len(fitting)} series match; name one of {listed or 'those'}", field=field)


def _unknown(entity: str, metric: str, more: str = "") -> Problem:
    return Problem(
        404,
        f"no series {entity}/{metric}{more} has been learned; /api/v1/baseline/metrics lists those that are",
    )
