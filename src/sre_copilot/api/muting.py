"""Silences and maintenance windows: what is kept from people, until when, and who said so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import Request, Response
from pydantic import AwareDatetime, Field, StringConstraints

from sre_copilot.alerts.maintenance import state_of as state_of_window
from sre_copilot.alerts.silences import state_of
from sre_copilot.alerts.state import MaintenanceState, SilenceState
from sre_copilot.api.alerting_commands import (
    AlertingHere,
    IdempotencyKey,
    IfMatch,
    carry_out,
    revision_of,
    tagged,
)
from sre_copilot.api.bodies import Body
from sre_copilot.api.guard import Routes, ServiceHere
from sre_copilot.api.problems import Problem
from sre_copilot.api.shapes import muting as shapes
from sre_copilot.clock import rfc3339

routes = Routes(tag="muting", refusals=(404, 409, 412))
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class WantedMatcher(Body):
    """One condition on a label, as Alertmanager has it."""

    name: Name
    value: Annotated[str, Field(max_length=2000)]
    isRegex: bool = False  # noqa: N815 - the field's name in the ecosystem
    isEqual: bool = True  # noqa: N815


Matchers = Annotated[list[WantedMatcher], Field(min_length=1, max_length=50)]


class WantedSilence(Body):
    """A silence; with the `id` of another one it changes that."""

    id: Annotated[str, Field(max_length=64)] = ""
    matchers: Matchers
    starts_at: AwareDatetime | None = None
    """From when on; now when it is left out."""
    ends_at: AwareDatetime
    comment: Words


class WantedWindow(Body):
    """A maintenance window; with the `id` of another one it changes that."""

    id: Annotated[str, Field(max_length=64)] = ""
    matchers: Matchers
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime
    rrule: Annotated[str, Field(max_length=500)] = ""
    time_zone: Annotated[str, Field(max_length=64)] = "UTC"
    owner: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""
    """Who answers for it; whoever asks when it is left out."""
    reason: Words
    ticket: Annotated[str, Field(max_length=200)] = ""


@routes.get("/silences", role="viewer", shape=shapes.Silences)
def silences(
    alerting: AlertingHere,
    service: ServiceHere,
    *,
    state: Literal["active", "pending", "expired", "all"] = "all",
) -> dict[str, Any]:
    """Silences that are in effect, to come, or over; those that end last first."""
    now = service.clock.now()
    found = [_silence(row, now) for row in alerting.records.silences()]
    kept = [each for each in found if state in ("all", each["state"])]
    return {"items": sorted(kept, key=lambda each: each["ends_at"], reverse=True), "next": None}


@routes.post("/silences", role="responder", status_code=201, shape=shapes.Silence)
def put_silence(
    alerting: AlertingHere,
    service: ServiceHere,
    request: Request,
    response: Response,
    *,
    wanted: WantedSilence,
    if_match: IfMatch = "",
    idempotency_key: IdempotencyKey = "",
) -> dict[str, Any]:
    """Add or change a silence."""
    arguments = {
        "id": wanted.id,
        "matchers": [each.model_dump() for each in wanted.matchers],
        **({"starts_at": wanted.starts_at.timestamp()} if wanted.starts_at else {}),
        "ends_at": wanted.ends_at.timestamp(),
        "comment": wanted.comment,
        **revision_of(if_match),
    }
    result = carry_out(alerting, request, "silence.put", arguments, key=idempotency_key)
    return _one(alerting, response, str(result["id"]), service.clock.now())


@routes.get("/silences/{key}", role="viewer", shape=shapes.Silence)
def one_silence(alerting: AlertingHere, service: ServiceHere, response: Response, key: str) -> dict[str, Any]:
    """One silence."""
    return _one(alerting, response, key, service.clock.now())


@routes.delete("/silences/{key}", role="responder", shape=shapes.Silence)
def expire_silence(
    alerting: AlertingHere, service: ServiceHere, request: Request, response: Response, key: str
) -> dict[str, Any]:
    """End a silence now."""
    carry_out(alerting, request, "silence.expire", {"id": key})
    return _one(alerting, response, key, service.clock.now())


@routes.get("/maintenance", role="viewer", shape=shapes.Windows)
def windows(alerting: AlertingHere, service: ServiceHere) -> dict[str, Any]:
    """Maintenance windows, those that began last first."""
    rows = sorted(alerting.records.maintenance(), key=lambda row: row["starts_at"], reverse=True)
    return {"items": [_window(row, service.clock.now()) for row in rows], "next": None}


@routes.post("/maintenance", role="responder", status_code=201, shape=shapes.Window)
def put_window(
    alerting: AlertingHere,
    service: ServiceHere,
    request: Request,
    response: Response,
    *,
    wanted: WantedWindow,
    if_match: IfMatch = "",
    idempotency_key: IdempotencyKey = "",
) -> dict[str, Any]:
    """Add or change a maintenance window."""
    given = wanted.model_dump(exclude={"starts_at", "ends_at", "matchers", "owner"})
    arguments = {
        **given,
        "matchers": [each.model_dump() for each in wanted.matchers],
        **({"starts_at": wanted.starts_at.timestamp()} if wanted.starts_at else {}),
        "ends_at": wanted.ends_at.timestamp(),
        **({"owner": wanted.owner} if wanted.owner else {}),
        **revision_of(if_match),
    }
    result = carry_out(alerting, request, "maintenance.put", arguments, key=idempotency_key)
    return _known_window(alerting, response, str(result["id"]), service.clock.now())


@routes.get("/maintenance/{key}", role="viewer", shape=shapes.Window)
def one_window(alerting: AlertingHere, service: ServiceHere, response: Response, key: str) -> dict[str, Any]:
    """One maintenance window."""
    return _known_window(alerting, response, key, service.clock.now())


@routes.delete("/maintenance/{key}", role="responder", shape=shapes.Window)
def end_window(
    alerting: AlertingHere, service: ServiceHere, request: Request, response: Response, key: str
) -> dict[str, Any]:
    """End a maintenance window now: what it muted stands again as it was."""
    carry_out(alerting, request, "maintenance.end", {"id": key})
    return _known_window(alerting, response, key, service.clock.now())


def _one(alerting: AlertingHere, response: Response, key: str, now: float) -> dict[str, Any]:
    for row in alerting.records.silences():
        if row["id"] == key:
            tagged(response, row)
            return _silence(row, now)
    raise Problem(404, f"there is no silence '{key}'; /api/v1/silences lists them", field="key")


def _known_window(alerting: AlertingHere, response: Response, key: str, now: float) -> dict[str, Any]:
    for row in alerting.records.maintenance():
        if row["id"] == key:
            tagged(response, row)
            return _window(row, now)
    raise Problem(404, f"there is no maintenance window '{key}'; /api/v1/maintenance lists them", field="key")


def _silence(row: Mapping[str, Any], now: float) -> dict[str, Any]:
    times = {name: rfc3339(row[name]) for name in ("starts_at", "ends_at", "updated_at")}
    kept = ("id", "matchers", "created_by", "comment", "annotations", "revision")
    return {**{name: row[name] for name in kept}, **times, "state": state_of(SilenceState(**row), now)}


def _window(row: Mapping[str, Any], now: float) -> dict[str, Any]:
    times = {name: rfc3339(row[name]) for name in ("starts_at", "ends_at", "created_at", "ended_at")}
    kept = ("id", "matchers", "rrule", "time_zone", "owner", "reason", "ticket", "revision")
    state = state_of_window(MaintenanceState(**row), now)
    return {**{name: row[name] for name in kept}, **times, "state": state}
