"""Workflows of the user's own: their texts and versions, what is wrong with them, and whether their triggers count."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import Field

from sre_copilot.api.alerting_commands import IfMatch, revision_of
from sre_copilot.api.bodies import Body
from sre_copilot.api.guard import Routes, ServiceHere
from sre_copilot.api.problems import Problem
from sre_copilot.api.shapes import workflows as shapes
from sre_copilot.api.workflow_views import (
    Key,
    Text,
    desk_of,
    known,
    refusals,
    remark_view,
    row_view,
    who_of,
    working,
)
from sre_copilot.app.serving import Service
from sre_copilot.store.alerting.audit import noted
from sre_copilot.store.workflows import StaleError
from sre_copilot.workflows.lint.linter import lint_text
from sre_copilot.workflows.problems import WorkflowProblems
from sre_copilot.workflows.schema import json_schema

routes = Routes(tag="workflows")


class Written(Body):
    """A workflow as YAML."""

    text: Text
    note: Annotated[str, Field(max_length=1000)] = ""


class Sentence(Body):
    """What somebody asks for."""

    text: Annotated[str, Field(min_length=2, max_length=2000)]


@routes.get("/workflows", role="viewer", shape=shapes.Workflows)
def workflows(service: ServiceHere) -> dict[str, Any]:
    """All workflows, without their texts."""
    return {"items": [row_view(each) for each in desk_of(service).collection.store.all()], "next": None}


@routes.get("/workflows/schema", role="viewer", shape=shapes.JsonSchema)
def schema() -> dict[str, Any]:
    """The JSON Schema of a workflow file."""
    return json_schema()


@routes.post("/workflows/lint", role="viewer", shape=shapes.Linted)
def lint(service: ServiceHere, written: Written) -> dict[str, Any]:
    """What is wrong with a text, or probably not meant; nothing is kept."""
    found = lint_text(written.text, desk_of(service).known)
    return {"clean": not found, "items": [remark_view(each) for each in found]}


@routes.post("/workflows/asked", role="viewer", responses=refusals(503), shape=shapes.AskedForAll)
def asked(service: ServiceHere, sentence: Sentence) -> dict[str, Any]:
    """Workflows that a sentence asks for by one of their phrases; none is started."""
    found = working(service).triggers.asked_for(sentence.text)
    return {"items": [asdict(each) for each in found], "next": None}


@routes.post("/workflows", role="approver", responses=refusals(400, 412), shape=shapes.Applied)
def apply(
    service: ServiceHere, request: Request, response: Response, written: Written, *, if_match: IfMatch = ""
) -> dict[str, Any]:
    """Make a text the newest version of its workflow; `If-Match` with the `ETag` that was read keeps another's change."""
    expected = revision_of(if_match).get("revision")
    try:
        done = desk_of(service).apply(written.text, who=who_of(request), note=written.note, expected=expected)
    except StaleError as error:
        raise Problem(412, str(error), field="if-match") from None
    except WorkflowProblems as problems:
        raise Problem(400, str(problems), field="text") from None
    response.headers["ETag"] = f'"{done.version}"'
    return {
        "id": done.workflow.id,
        "version": done.version,
        "changed": done.changed,
        "difference": done.difference,
    }


@routes.get("/workflows/{key}", role="viewer", responses=refusals(404), shape=shapes.WholeWorkflow)
def one(service: ServiceHere, response: Response, key: Key) -> dict[str, Any]:
    """One workflow with its text."""
    row = known(service, key)
    response.headers["ETag"] = f'"{row["version"]}"'
    return row_view(row)


@routes.get("/workflows/{key}/versions", role="viewer", responses=refusals(404), shape=shapes.Versions)
def versions(service: ServiceHere, key: Key) -> dict[str, Any]:
    """Every version that was applied, newest first: by whom, when, why."""
    known(service, key)
    return {
        "items": [row_view(each) for each in desk_of(service).collection.store.versions(key)],
        "next": None,
    }


@routes.get(
    "/workflows/{key}/difference", role="viewer", responses=refusals(400, 404), shape=shapes.Difference
)
def difference(
    service: ServiceHere,
    key: Key,
    *,
    old: Annotated[int, Query(ge=1, le=10**6)],
    new: Annotated[int, Query(ge=1, le=10**6)],
) -> dict[str, Any]:
    """Between two versions, as a unified diff."""
    known(service, key)
    return {"id": key, "difference": desk_of(service).collection.difference(key, old, new)}


@routes.post("/workflows/{key}/enable", role="approver", responses=refusals(404), shape=shapes.WholeWorkflow)
def enable(service: ServiceHere, request: Request, key: Key) -> dict[str, Any]:
    """Let its triggers count."""
    return _enabled(service, request, key, enabled=True)


@routes.post(
    "/workflows/{key}/disable", role="responder", responses=refusals(404), shape=shapes.WholeWorkflow
)
def disable(service: ServiceHere, request: Request, key: Key) -> dict[str, Any]:
    """Let its triggers start nothing; a person still can."""
    return _enabled(service, request, key, enabled=False)


def _enabled(service: Service, request: Request, key: str, *, enabled: bool) -> dict[str, Any]:
    known(service, key)
    verb = "workflow.enable" if enabled else "workflow.disable"
    with noted(service.database, service.clock, verb, who=who_of(request), subject=key):
        desk_of(service).collection.enable(key, enabled)
    return row_view(known(service, key))
