"""Addresses of other products, at which senders that know them can be pointed here as they are."""

from __future__ import annotations

import uuid
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from sre_copilot.api.alertmanager.access import needs_json
from sre_copilot.api.alertmanager.alerts import posted
from sre_copilot.api.guard import PUBLIC, Routes, service_of
from sre_copilot.api.intake import admitted, taken
from sre_copilot.api.intake_desk import Way, keep, ways_of
from sre_copilot.api.intake_limits import decoded, largest_body, read_body
from sre_copilot.api.intake_trust import admit_token, fits
from sre_copilot.api.problems import Problem
from sre_copilot.api.shapes import intake as shapes
from sre_copilot.api.views import Json

routes = Routes(tag="intake", refusals=(401, 403, 404, 415, 429), media=("application/json",))


@routes.post("/alerts/event/{provider_type}", role=PUBLIC, status_code=202, shape=shapes.Taken)
async def keep_event(request: Request, provider_type: str) -> Json:
    """Take what a system sends to Keep (`X-API-Key`): a way in by its name, or that of a provider."""
    return await taken(request, ways_of(request).of_provider(provider_type))


@routes.post("/api/v1/intake/{name}/api/v2/alerts", role=PUBLIC, response_class=Response)
async def post_alerts(request: Request, name: str) -> Response:
    """Take alerts as Prometheus sends them to Alertmanager, by a way in of its own (`path_prefix: /api/v1/intake/NAME`)."""
    needs_json(request)
    way = ways_of(request).way(name)
    if way.entry.provider != "alertmanager_api":
        raise Problem(
            404, f"name: the way in '{name[:64]}' is not of the provider alertmanager_api", field="name"
        )
    return await posted(request, way, decoded(await admitted(request, way)))


@routes.post("/v2/enqueue", role=PUBLIC, status_code=202, shape=shapes.Enqueued)
async def enqueue(request: Request) -> Json:
    """Take an event of PagerDuty's API, version 2; its `routing_key` is the word of a way in, or the token of a responder."""
    try:
        return await _enqueued(request)
    except Problem as problem:
        errors = [problem.detail] if problem.status < 500 else []
        said = {"status": "invalid event", "message": "Event object is invalid", "errors": errors}
        if problem.status == 429:
            said = {"status": "throttle exceeded", "message": "Slow down, and send it again", "errors": errors}  # fmt: skip
        return Json(said, status_code=problem.status, headers=problem.headers)


async def _enqueued(request: Request) -> Json:
    ways = ways_of(request)
    largest = largest_body(request.url.path, ways.settings) or ways.settings.largest_body_bytes
    document = decoded(await read_body(request, largest=largest))
    if not isinstance(document, dict):
        raise Problem(400, "body: must be an object")
    way = await _way(request, document.get("routing_key"))
    way.admit_request()
    if document.get("event_action") == "trigger" and not document.get("dedup_key"):
        document["dedup_key"] = uuid.uuid4().hex
    batch = way.read(document, received_at=service_of(request).clock.now())
    if batch.rejected:
        raise Problem(400, f"{batch.rejected[0].field}: {batch.rejected[0].problem}")
    await keep(request, way, batch)
    return Json(_processed(document), status_code=202)


async def _way(request: Request, key: Any) -> Way:
    """The way in that a routing key opens."""
    if not isinstance(key, str) or not key:
        raise Problem(400, "routing_key: is missing or empty; it must be text")
    ways = ways_of(request)
    found = ways.all_of("pagerduty")
    for way in found:
        if fits(way.entry, ("", key)):
            return way
    try:
        await admit_token(request, ways.known, key)
    except Problem as problem:
        raise Problem(problem.status, f"routing_key: {problem.detail}", headers=problem.headers) from None
    if not found:
        raise Problem(404, "no way in of PagerDuty's events is open; see alerting.intake.entries")
    return found[0]


def _processed(document: dict[str, Any]) -> dict[str, Any]:
    return {"status": "success", "message": "Event processed", "dedup_key": document["dedup_key"]}
