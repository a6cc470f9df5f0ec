"""Whether it lives, whether it is ready, and its own metrics."""

from __future__ import annotations

import math

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST

from sre_copilot.api.guard import PUBLIC, Routes, ServiceHere
from sre_copilot.app.acting_gauges import tell_acting
from sre_copilot.app.precision import precision

routes = Routes(tag="health", media=("application/json",))


@routes.get("/healthz", role=PUBLIC)
def healthz() -> dict[str, str]:
    """It answers."""
    return {"status": "ok"}


@routes.get("/readyz", role=PUBLIC)
def readyz(service: ServiceHere) -> JSONResponse:
    """It can do its work: the store answers and the watch ticks."""
    problems = service.unready()
    return JSONResponse(
        {"status": "not ready" if problems else "ready", "problems": problems},
        status_code=503 if problems else 200,
    )


@routes.get("/metrics", role="viewer", response_class=Response)
def metrics(service: ServiceHere, request: Request) -> Response:
    """Its own metrics in Prometheus' text format."""
    found = precision(service.database, service.clock)
    service.own.warning_precision.set(math.nan if found.value is None else found.value)
    service.own.incidents_judged.labels("real").set(found.real)
    service.own.incidents_judged.labels("false_alarm").set(found.judged - found.real)
    request.app.state.gauges.refresh(service.database, service.clock)
    tell_acting(service, request.app.state.approving)
    return Response(service.own.exposition(), media_type=CONTENT_TYPE_LATEST)
