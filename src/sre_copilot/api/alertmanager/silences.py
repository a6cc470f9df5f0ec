"""`/silences`, `/silence/{id}`: silences as `amtool` and Alertmanager's page add, show, change and end them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from sre_copilot.alerts.intake.reader import Limits, Unreadable
from sre_copilot.alerts.intake.texts import annotations_of, cleaned
from sre_copilot.alerts.intake.times import moment
from sre_copilot.alerts.pipeline.refusal import Refused
from sre_copilot.alerts.silences import state_of
from sre_copilot.alerts.state import SilenceState
from sre_copilot.api.alertmanager.access import admission, needs_json, sender
from sre_copilot.api.alertmanager.alerts import Filters
from sre_copilot.api.alertmanager.backend import backend_of
from sre_copilot.api.alertmanager.filters import BadRequest, matchers_of, refused, silence_fits
from sre_copilot.api.alertmanager.views import in_order, silence_view
from sre_copilot.api.guard import Routes, service_of
from sre_copilot.api.intake_limits import decoded, read_body
from sre_copilot.api.shapes import alertmanager as shapes
from sre_copilot.api.views import Json

routes = Routes(
    tag="alertmanager", admission=admission, refusals=(404, 415, 429), media=("application/json",)
)
LARGEST_SILENCE = 100_000  # bytes
MOST_MATCHERS = 100
LONGEST_TEXT = 4000  # characters of a comment
REQUIRED = ("matchers", "startsAt", "endsAt", "createdBy", "comment")
NOT_FOUND = 404
MISSING, NO_UUID, WRONG_TYPE = 602, 601, 601  # codes that Alertmanager's framework gives


@routes.get("/silences", role="viewer", shape=list[shapes.GettableSilence])
async def silences(
    request: Request, *, filter_: Filters = [], active: bool = True, expired: bool = True, pending: bool = True  # noqa: B006 - never changed
) -> Response:  # fmt: skip
    """Silences: active ones, those to come, those that are over."""
    try:
        matchers = matchers_of(filter_)
    except BadRequest as error:
        return refused(str(error))
    now = service_of(request).clock.now()
    wanted = {"active": active, "expired": expired, "pending": pending}
    found = [each for each in await backend_of(request).silences() if wanted[state_of(each, now)]]
    named = ((each, {matcher["name"]: matcher["value"] for matcher in each.matchers}) for each in found)
    chosen = [each for each, pairs in named if silence_fits(matchers, pairs)]
    return Json([silence_view(each, now=now) for each in in_order(chosen, now=now)])


@routes.post("/silences", role="responder", shape=shapes.PostedSilence)
async def post_silence(request: Request) -> Response:
    """Add a silence, or change the one of its id."""
    needs_json(request)
    try:
        wanted = _read(decoded(await read_body(request, largest=LARGEST_SILENCE)))
    except Unreadable as error:
        code = MISSING if error.problem == "is required" else WRONG_TYPE
        return Json({"code": code, "message": f"{error.field} in body {error.problem}"}, status_code=422)
    try:
        key = await backend_of(request).silence_put(wanted, by=sender(request))
    except Refused as error:
        found = error.status == NOT_FOUND or error.field == "id"
        return refused(
            "silence not found" if found else f"silence invalid: {error}", NOT_FOUND if found else 400
        )
    return Json({"silenceID": key})


@routes.get("/silence/{key}", role="viewer", shape=shapes.GettableSilence)
async def silence(request: Request, key: str) -> Response:
    """One silence."""
    if (wrong := _no_uuid(key)) is not None:
        return wrong
    found = next((each for each in await backend_of(request).silences() if each.id == key), None)
    if found is None:
        return Response(status_code=404)
    return Json(silence_view(found, now=service_of(request).clock.now()))


@routes.delete("/silence/{key}", role="responder", response_class=Response)
async def expire(request: Request, key: str) -> Response:
    """End a silence."""
    if (wrong := _no_uuid(key)) is not None:
        return wrong
    try:
        await backend_of(request).silence_expire(key, by=sender(request))
    except Refused as error:
        return refused("silence not found" if error.status == NOT_FOUND else str(error), error.status)
    return Response(status_code=200)


def _no_uuid(key: str) -> Response | None:
    try:
        uuid.UUID(key)
    except ValueError:
        said = f'silenceID in path must be of type uuid: "{key[:64]}"'
        return Json({"code": NO_UUID, "message": said}, status_code=422)
    return None


def _read(document: Any) -> SilenceState:
    """A silence as it is posted."""
    if not isinstance(document, dict):
        raise Unreadable("silence", "must be an object")
    for name in REQUIRED:
        if document.get(name) is None:
            raise Unreadable(name, "is required")
    return SilenceState(
        id=_text(document, "id"),
        matchers=_matchers(document["matchers"]),
        starts_at=_time(document, "startsAt"),
        ends_at=_time(document, "endsAt"),
        created_by=_text(document, "createdBy"),
        comment=_text(document, "comment"),
        annotations=annotations_of(document.get("annotations"), limits=Limits()),
    )


def _matchers(listed: Any) -> list[dict[str, Any]]:
    if not isinstance(listed, list) or not 0 < len(listed) <= MOST_MATCHERS:
        raise Unreadable("matchers", f"should have 1 to {MOST_MATCHERS} items")
    return [_matcher(each, f"matchers.{index}") for index, each in enumerate(listed)]


def _matcher(given: Any, place: str) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise Unreadable(place, "must be an object")
    found = {"isEqual": True, **given}
    kinds = {"name": str, "value": str, "isRegex": bool, "isEqual": bool}
    for name, kind in kinds.items():
        if found.get(name) is None:
            raise Unreadable(f"{place}.{name}", "is required")
        value = found[name]
        if not isinstance(value, kind) or (isinstance(value, str) and ("\0" in value or len(value) > LONGEST_TEXT)):  # fmt: skip
            raise Unreadable(f"{place}.{name}", f"must be of type {'string' if kind is str else 'boolean'}")
    return {name: found[name] for name in kinds}


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name) or ""
    if not isinstance(value, str):
        raise Unreadable(name, "must be of type string")
    return cleaned(value, LONGEST_TEXT)


def _time(document: Mapping[str, Any], name: str) -> float:
    found = moment(document[name], name)
    if found is None:
        raise Unreadable(name, "is required")
    return found
