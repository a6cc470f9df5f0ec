"""Workflows before they are applied: drafts that were generated, and simulations on the past. Nothing here runs one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import Request
from pydantic import AwareDatetime, Field, model_validator

from sre_copilot.api.asking import DeskHere, admitted
from sre_copilot.api.bodies import Body
from sre_copilot.api.guard import Routes, ServiceHere, may_see_all
from sre_copilot.api.problems import Problem
from sre_copilot.api.shapes import workflows as shapes
from sre_copilot.api.workflow_views import (
    Text,
    desk_of,
    refusals,
    remark_view,
    row_view,
    token_of,
    who_of,
)
from sre_copilot.app.workflow_making import Made, Making
from sre_copilot.app.workflow_trying import DAY_S, Trial, Tried, at_desk
from sre_copilot.errors import DurableError
from sre_copilot.store.alerting.audit import noted
from sre_copilot.workflows.simulation.simulate import simulate as simulated

routes = Routes(tag="workflows")
LONGEST_S = 120.0  # of a simulation that somebody waits for
MOST_DAYS = 31.0  # a longer time is asked of the command line
Id = Annotated[str, Field(max_length=64)]


class ToMake(Body):
    """What a workflow is made of: exactly one of both. `model` false: by rules alone."""

    sop: Annotated[str, Field(max_length=100_000, description="Text of a procedure.")] = ""
    incident_id: Annotated[str, Field(max_length=64, description="An incident with a diagnosis.")] = ""
    keep: bool = True
    model: bool = True

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if bool(self.sop.strip()) == bool(self.incident_id):
            raise ValueError("give exactly one of sop and incident_id")
        return self


class ToTry(Body):
    """A text and what it is tried on: an incident, each time of the last `days` that it would have been started, or a moment."""

    text: Text
    incident_id: Id = ""
    days: Annotated[float | None, Field(gt=0, le=MOST_DAYS)] = None
    at: AwareDatetime | None = None
    inputs: dict[str, Any] = Field(default_factory=dict)
    answers: Annotated[
        dict[str, dict[str, Any]], Field(description="What people answer, by step and field.")
    ] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if sum((bool(self.incident_id), self.days is not None, self.at is not None)) != 1:
            raise ValueError("give exactly one of incident_id, days and at")
        return self


@routes.get("/workflows/drafts", role="viewer", shape=shapes.Drafts)
def drafts(service: ServiceHere) -> dict[str, Any]:
    """What was generated and nobody has applied, each with its difference to the present version."""
    desk = desk_of(service)
    return {"items": [row_view(desk.drafted(each["id"])) for each in desk.drafts()], "next": None}


@routes.post(
    "/workflows/generate", role="responder", responses=refusals(400, 403, 429), shape=shapes.Generated
)
def generate(service: ServiceHere, desk: DeskHere, request: Request, wanted: ToMake) -> dict[str, Any]:
    """Make a workflow of a procedure or of an incident, and keep it as a draft; `POST /workflows` with its text makes it a version."""
    if wanted.incident_id and not may_see_all(request):
        raise Problem(403, "an incident is made of what sources hold that this role may not see", field="incident_id")  # fmt: skip
    kept = desk_of(service)
    with admitted(desk, token_of(request)):
        speaker = desk.equipment.speaker if wanted.model else None
        making = Making(service.settings, service.database, service.clock, speaker)
        made = making.from_incident(wanted.incident_id) if wanted.incident_id else making.from_procedure(wanted.sop, name="sop")  # fmt: skip
    if wanted.keep:
        origin = f"incident {wanted.incident_id}" if wanted.incident_id else "sop"
        with noted(service.database, service.clock, "workflow.generate", who=who_of(request), subject=origin):
            kept.draft(made.text, who=token_of(request).name, origin=origin, made_by=made.by, repairs=made.repaired.repairs)  # fmt: skip
    return {
        **_made(made),
        "id": kept.id_of(made.text),
        "difference": kept.difference(made.text),
        "kept": wanted.keep,
    }


@routes.post("/workflows/simulate", role="responder", responses=refusals(400, 429), shape=shapes.AllTried)
def simulate(service: ServiceHere, desk: DeskHere, request: Request, wanted: ToTry) -> dict[str, Any]:
    """Go through a text on the past: tools, checks and queries read with the role of the token; actions, messages and tasks are told, not done."""
    token = token_of(request)
    with admitted(desk, token):
        trial = Trial(
            text=wanted.text, records=service.alerting.records, open_ports=at_desk(desk, token.role), role=token.role,
            inputs=wanted.inputs, answers=wanted.answers, seconds=LONGEST_S,
        )  # fmt: skip
        try:
            found = _tried(trial, wanted, now=service.clock.now())
        except DurableError as error:
            raise Problem(400, str(error), field="text") from None
    return {"items": [each.document() for each in found], "next": None}


def _tried(trial: Trial, wanted: ToTry, *, now: float) -> tuple[Tried, ...]:
    if wanted.incident_id:
        return (trial.on_incident(wanted.incident_id),)
    if wanted.days is not None:
        return trial.on_incidents(since=now - wanted.days * DAY_S)
    assert isinstance(wanted.at, datetime)  # noqa: S101 - the body has one of the three
    moment = min(wanted.at.timestamp(), now)
    with trial.open_ports(moment) as ports:
        found = simulated(
            trial.text, ports, now=moment, inputs=trial.inputs, answers=trial.answers, role=trial.role, seconds=trial.seconds
        )  # fmt: skip
    return (Tried(incident_id="", at=moment, started_by="manual", found=found),)


def _made(made: Made) -> dict[str, Any]:
    found = made.repaired
    return {
        "text": made.text, "made_by": made.by, "why_rules": made.why_rules, "repairs": list(found.repairs),
        "remarks": [remark_view(each) for each in found.remarks],
    }  # fmt: skip
