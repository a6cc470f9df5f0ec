"""Runs of workflows and what people are asked in them, and how other systems start them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body as Posted
from fastapi import Path, Query, Request
from pydantic import Field

from sre_copilot.api.alerting_commands import IdempotencyKey
from sre_copilot.api.bodies import Body, has_zero
from sre_copilot.api.guard import Routes, ServiceHere
from sre_copilot.api.problems import Problem
from sre_copilot.api.shapes import workflows as shapes
from sre_copilot.api.views import Cursor, Limit, listing
from sre_copilot.api.workflow_views import (
    Key,
    hides,
    known,
    refusals,
    run_view,
    step_view,
    task_view,
    token_of,
    who_of,
    working,
)
from sre_copilot.app.serving import Service
from sre_copilot.store.alerting.audit import actor, noted
from sre_copilot.store.paging import Row
from sre_copilot.store.workflow_runs import RunStore
from sre_copilot.workflows.logs import lines

routes = Routes(tag="workflows")
RunKey = Annotated[str, Path(max_length=200, description="Id of the run.")]
TaskKey = Annotated[str, Path(max_length=300, description="Id of the task; it holds slashes.")]


class ToRun(Body):
    """Inputs of a run."""

    inputs: dict[str, Any] = Field(default_factory=dict)
    version: Annotated[int | None, Field(ge=1, le=10**6)] = None
    incident_id: Annotated[str, Field(max_length=64)] = ""


class Answer(Body):
    """The fields of the task's form."""

    answer: dict[str, Any] = Field(default_factory=dict)


@routes.post(
    "/workflows/{key}/runs",
    role="responder",
    status_code=201,
    responses=refusals(400, 404, 409, 503),
    shape=shapes.Started,
)
def run(
    service: ServiceHere, request: Request, key: Key, wanted: ToRun, *, idempotency_key: IdempotencyKey = ""
) -> dict[str, Any]:
    """Start it, with the role of the token; the same `Idempotency-Key` starts one run, and is refused with other inputs."""
    known(service, key)
    token = token_of(request)
    cause = f"request/{token.id}/{key}/{idempotency_key}" if idempotency_key else ""
    with noted(service.database, service.clock, "workflow.run", who=actor(token), subject=key) as detail:
        started = working(service).runs.start(
            key, wanted.inputs, who=token.name, role=token.role, cause=cause, version=wanted.version,
            incident=wanted.incident_id,
        )  # fmt: skip
        detail |= {"run": started.run, "outcome": started.outcome}
        if started.outcome == "known" and not working(service).runs.asked_so(
            started.run, wanted.inputs, version=wanted.version, incident=wanted.incident_id
        ):
            raise _other(started.run)
    return {"run": started.run, "outcome": started.outcome}


@routes.post(
    "/workflows/{key}/webhook", role="responder", responses=refusals(400, 404, 409, 503), shape=shapes.Hooked
)
def webhook(
    service: ServiceHere,
    request: Request,
    key: Key,
    document: Annotated[dict[str, Any], Posted()],
    *,
    idempotency_key: IdempotencyKey = "",
) -> dict[str, Any]:
    """Start it by another system's document, where it has a webhook trigger and its condition is true; it runs with the role of triggers."""
    if has_zero(document):
        raise Problem(422, "holds a zero character (U+0000); leave it out", field="body")
    known(service, key)
    token, triggers = token_of(request), working(service).triggers
    with noted(service.database, service.clock, "workflow.webhook", who=actor(token), subject=key) as detail:
        started = triggers.webhook(key, document, who=token.name, key=idempotency_key)
        outcome = started.outcome if started else "not meant"
        detail |= {"run": started.run if started else "", "outcome": outcome}
        if started and outcome == "known":
            before = RunStore(service.database).get(started.run)
            if before is not None and before["trigger"].get("body") != document:
                raise _other(started.run)
    return {"run": started.run if started else "", "outcome": outcome}


@routes.get("/workflow-runs", role="viewer", shape=shapes.Runs)
def runs(
    service: ServiceHere,
    request: Request,
    *,
    workflow: Annotated[str, Query(max_length=64)] = "",
    status: Annotated[str, Query(max_length=16)] = "",
    incident_id: Annotated[str, Query(max_length=64)] = "",
    cursor: Cursor = None,
    limit: Limit = 100,
) -> dict[str, Any]:
    """Runs, the latest first; of those that read with a higher role than the token's no more than how they stand."""
    store = RunStore(service.database)
    statuses = (status,) if status else ()
    page = store.page(workflow=workflow, statuses=statuses, incident=incident_id, cursor=cursor, limit=limit)
    return listing(page, lambda row: run_view(row, hidden=hides(request, row)))


@routes.get("/workflow-runs/{run}", role="viewer", responses=refusals(404, 503), shape=shapes.RunWithSteps)
def one_run(service: ServiceHere, request: Request, run: RunKey) -> dict[str, Any]:
    """A run with its steps and its log; of one that read with a higher role than the token's no more than how it stands."""
    row = _run(service, run)
    steps, hidden = working(service).runs.steps(run), hides(request, row)
    shown = [step_view(each, hidden=hidden) for each in steps]
    return {**run_view(row, hidden=hidden), "steps": shown, "log": [] if hidden else lines(steps)}


@routes.post(
    "/workflow-runs/{run}/cancel",
    role="responder",
    responses=refusals(404, 409, 503),
    shape=shapes.Cancelled,
)
def cancel(service: ServiceHere, request: Request, run: RunKey) -> dict[str, Any]:
    """End a run before its next step, with all that it began."""
    _run(service, run)
    who = who_of(request)
    with noted(service.database, service.clock, "workflow.cancel", who=who, subject=run):
        if not working(service).runs.cancel(run, who=who):
            raise Problem(409, "it is over already", field="run")
    return {"run": run, "status": "cancelled"}


@routes.post(
    "/workflow-runs/{run}/resume",
    role="responder",
    status_code=201,
    responses=refusals(400, 404, 503),
    shape=shapes.Started,
)
def resume(service: ServiceHere, request: Request, run: RunKey) -> dict[str, Any]:
    """Go on with a run that failed or was cancelled, as a new run; what it had finished is not done again. It has the lower of both roles, that of the run and that of the token."""
    _run(service, run)
    token = token_of(request)
    with noted(service.database, service.clock, "workflow.resume", who=actor(token), subject=run):
        started = working(service).runs.resume(run, who=token.name, role=token.role)
    return {"run": started.run, "outcome": started.outcome}


@routes.get("/workflow-tasks", role="viewer", shape=shapes.Tasks)
def tasks(
    service: ServiceHere,
    request: Request,
    *,
    run: Annotated[str, Query(max_length=200)] = "",
    status: Annotated[str, Query(max_length=16)] = "open",
    cursor: Cursor = None,
    limit: Limit = 100,
) -> dict[str, Any]:
    """What people are asked, the latest first; open ones by default."""
    store = RunStore(service.database)
    page = store.tasks_page(run=run, status=status, cursor=cursor, limit=limit)
    return listing(page, lambda row: task_view(row, hidden=hides(request, store.get(row["run_id"]))))


@routes.post(
    "/workflow-tasks/{task:path}/answer",
    role="viewer",
    responses=refusals(400, 404, 503),
    shape=shapes.Task,
)
def answer(service: ServiceHere, request: Request, task: TaskKey, given: Answer) -> dict[str, Any]:
    """Answer a task, with the role that it asks for; the first answer counts."""
    at_work, token = working(service), token_of(request)
    if at_work.runs.store.task(task) is None:
        raise Problem(404, f"there is no task '{task}'", field="task")
    with noted(service.database, service.clock, "workflow.answer", who=actor(token), subject=task[:200]):
        row = at_work.runs.answer(task, given.answer, who=token.name, role=token.role)
    return task_view(row, hidden=hides(request, at_work.runs.store.get(row["run_id"])))


def _other(run: str) -> Problem:
    said = f"this Idempotency-Key started run {run} with something else; use another one"
    return Problem(409, said, field="idempotency-key")


def _run(service: Service, run: str) -> Row:
    row = RunStore(service.database).get(run)
    if row is None:
        raise Problem(404, f"there is no run {run!r}; `GET /workflow-runs` lists them", field="run")
    return row
