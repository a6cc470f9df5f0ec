"""Where other systems send their alerts: one address a way in."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from starlette.datastructures import Headers

from sre_copilot.alerts.intake.cloudevents import from_headers, is_binary
from sre_copilot.alerts.pipeline.stages import identity
from sre_copilot.api.guard import PUBLIC, Routes, service_of
from sre_copilot.api.intake_desk import Way, Ways, keep, ways_of
from sre_copilot.api.intake_limits import decoded, read_body
from sre_copilot.api.intake_trust import admit_token, check_signature, credential, fits, unknown_sender
from sre_copilot.api.problems import Problem
from sre_copilot.api.shapes import intake as shapes
from sre_copilot.api.views import Json
from sre_copilot.domain.alert import Batch

routes = Routes(tag="intake", refusals=(401, 403, 404, 415, 429), media=("application/json",))
MOST_IDS = 100  # of an answer: who sends one alert may want its id, who sends a storm does not
MOST_REJECTED = 1000  # of an answer; all are counted


@routes.post("/intake/{name}", role=PUBLIC, status_code=202, shape=shapes.Taken)
async def take(request: Request, name: str) -> Json:
    """Take what a system sends; 202 once all that could be read is durable, with what could not by its place.

    It needs the word or the signature of the way in, or the token of a responder. The page “Alerts in” shows each system.
    """
    return await taken(request, ways_of(request).way(name))


async def taken(request: Request, way: Way) -> Json:
    """Take one payload."""
    body = await admitted(request, way)
    document = decoded(body)
    if way.entry.provider == "cloudevents":
        document = _whole_event(request.headers, document)
    batch = way.read(document, received_at=service_of(request).clock.now())
    if batch.rejected and not batch.events:
        return Json(_refused(request, batch), status_code=400, media_type="application/problem+json")
    await keep(request, way, batch)
    return Json(told(batch, document), status_code=202)


async def admitted(request: Request, way: Way) -> bytes:
    """The body of a request that may be made; who gives a word is judged before the body is read."""
    ways = ways_of(request)
    given = credential(request)
    signature = way.entry.signature
    signed = signature is not None and signature.header.lower() in request.headers
    by_body = way.entry.provider == "pagerduty"
    if given[1]:
        await _admit(request, ways, way, given)
    elif not signed and not by_body:
        raise unknown_sender()
    body = await read_body(request, largest=ways.settings.largest_body_bytes)
    if signature is not None and signed:
        check_signature(signature, request.headers, body, now=service_of(request).clock.now())
    elif by_body and not given[1]:
        await _admit(request, ways, way, ("", _routing_key(decoded(body))))
    way.admit_request()
    return body


async def _admit(request: Request, ways: Ways, way: Way, given: tuple[str, str]) -> None:
    if not given[1]:
        raise unknown_sender()
    if not fits(way.entry, given):
        await admit_token(request, ways.known, given[1])


def told(batch: Batch, document: Any) -> dict[str, Any]:
    """What became of a payload."""
    truncated = document.get("truncatedAlerts") if isinstance(document, dict) else 0
    events = batch.events
    return {
        "accepted": len(events),
        "rejected": len(batch.rejected),
        "truncated": truncated if isinstance(truncated, int) and truncated > 0 else 0,
        "ids": [identity(event) for event in events] if len(events) <= MOST_IDS else [],
        "errors": _errors(batch),
    }


def _errors(batch: Batch) -> list[dict[str, Any]]:
    return [
        {"index": each.index, "field": each.field, "problem": each.problem}
        for each in batch.rejected[:MOST_REJECTED]
    ]


def _refused(request: Request, batch: Batch) -> dict[str, Any]:
    first = batch.rejected[0]
    return {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": f"none of {len(batch.rejected):,} could be read; the first: {first.field}: {first.problem}",
        "instance": request.url.path,
        "errors": _errors(batch),
    }


def _routing_key(document: Any) -> str:
    key = document.get("routing_key") if isinstance(document, dict) else None
    return key if isinstance(key, str) else ""


def _whole_event(headers: Headers, document: Any) -> Any:
    """An event in binary mode with its attributes put back."""
    found = {name.lower(): value for name, value in headers.items()}
    if not is_binary(found):
        return document
    if isinstance(document, dict) and "specversion" in document:
        raise Problem(400, "body: is a whole event, and the headers say another one; send one of the two", field="body")  # fmt: skip
    return from_headers(found, document)
