"""Workflows of the user's own: their texts and versions, their runs, what people are asked, and how other systems start them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Body as Posted
from fastapi import Path, Query, Request, Response
from pydantic import Field

from sre_copilot.api.alerting_commands import IdempotencyKey, IfMatch, revision_of
from sre_copilot.api.bodies import Body, _has_zero
from sre_copilot.api.guard import Routes, ServiceHere
from sre_copilot.api.problems import Problem
from sre_copilot.api.views import Cursor, Limit, listing
from sre_copilot.app.serving import Service
from sre_copilot.app.workflow_desk import StaleError, WorkflowDesk
from sre_copilot.app.workflows import Workflows
from sre_copilot.clock import rfc3339
from sre_copilot.errors import UsageError
from sre_copilot.store.alerting.audit import actor, noted
from sre_copilot.store.paging import Row
from sre_copilot.store.tokens import Token
from sre_copilot.store.workflow_runs import RunStore
from sre_copilot.workflows.lint.linter import lint_text
from sre_copilot.workflows.lint.remark import Remark
from sre_copilot.workflows.logs import lines
from sre_copilot.workflows.plain_yaml import MOST_CHARACTERS
from sre_copilot.workflows.problems import WorkflowProblems
from sre_copilot.workflows.schema import json_schema

routes = Routes(tag="workflows")
TIMES = (
    "created_at",
    "updated_at",
    "enabled_at",
    "applied_at",
    "finished_at",
    "deadline",
    "due_at",
    "answered_at",
    "at",
)
HIDDEN = ("arguments", "run_key", "handed_on", "digest")
Key = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", description="Id of the workflow.")]
RunKey = Annotated[str, Path(max_length=200, description="Id of the run.")]
TaskKey = Annotated[str, Path(max_length=300, description="Id of the task; it holds slashes.")]
Text = Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS)]
Refusals: dict[int | str, dict[str, Any]] = {
    400: {"description": "It cannot be used; line, path and the way out are named."},
    404: {"description": "There is none of this id."},
    409: {"description": "It is over already."},
    412: {"description": "There is another version than the one that was read."},
    503: {"description": "No process here works runs off; ask one that does."},
}


class Written(Body):
    """A workflow as YAML."""

    text: Text
    note: Annotated[str, Field(max_length=1000)] = ""


class ToRun(Body):
    """Inputs of a run."""

    inputs: dict[str, Any] = Field(default_factory=dict)
    version: Annotated[int | None, Field(ge=1, le=10**6)] = None
    incident_id: Annotated[str, Field(max_length=64)] = ""


class Answer(Body):
    """The fields of the task's form."""

    answer: dict[str, Any] = Field(default_factory=dict)


class Sentence(Body):
    """What somebody asks for."""

    text: Annotated[str, Field(min_length=2, max_length=2000)]


@routes.get("/workflows", role="viewer")
def workflows(service: ServiceHere) -> dict[str, Any]:
    """All workflows, without their texts."""
    return {"items": [_row(each) for each in _desk(service).collection.store.all()], "next": None}


@routes.get("/workflows/schema", role="viewer")
def schema() -> dict[str, Any]:
    """The JSON Schema of a workflow file."""
    return json_schema()


@routes.get("/workflows/drafts", role="viewer")
def drafts(service: ServiceHere) -> dict[str, Any]:
    """What was generated and nobody has applied, each with its difference to the present version."""
    desk = _desk(service)
    return {"items": [_row(desk.drafted(each["id"])) for each in desk.drafts()], "next": None}


@routes.post("/workflows/lint", role="viewer")
def lint(service: ServiceHere, written: Written) -> dict[str, Any]:
    """What is wrong with a text, or probably not meant; nothing is kept."""
    found = lint_text(written.text, _desk(service).known)
    return {"clean": not found, "items": [_remark(each) for each in found]}


@routes.post("/workflows/asked", role="viewer", responses={503: Refusals[503]})
def asked(service: ServiceHere, sentence: Sentence) -> dict[str, Any]:
    """Workflows that a sentence asks for by one of their phrases; none is started."""
    found = _working(service).triggers.asked_for(sentence.text)
    return {"items": [asdict(each) for each in found], "next": None}


@routes.post("/workflows", role="approver", responses={n: Refusals[n] for n in (400, 412)})
def apply(
    service: ServiceHere, request: Request, response: Response, written: Written, *, if_match: IfMatch = ""
) -> dict[str, Any]:
    """Make a text the newest version of its workflow; `If-Match` with the `ETag` that was read keeps another's change."""
    expected = revision_of(if_match).get("revision")
    try:
        done = _desk(service).apply(written.text, who=_who(request), note=written.note, expected=expected)
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


@routes.get("/workflows/{key}", role="viewer", responses={404: Refusals[404]})
def one(service: ServiceHere, response: Response, key: Key) -> dict[str, Any]:
    """One workflow with its text."""
    row = _known(service, key)
    response.headers["ETag"] = f'"{row["version"]}"'
    return _row(row)


@routes.get("/workflows/{key}/versions", role="viewer", responses={404: Refusals[404]})
def versions(service: ServiceHere, key: Key) -> dict[str, Any]:
    """Every version that was applied, newest first: by whom, when, why."""
    _known(service, key)
    return {"items": [_row(each) for each in _desk(service).collection.store.versions(key)], "next": None}


@routes.get("/workflows/{key}/difference", role="viewer", responses={n: Refusals[n] for n in (400, 404)})
def difference(
    service: ServiceHere,
    key: Key,
    *,
    old: Annotated[int, Query(ge=1, le=10**6)],
    new: Annotated[int, Query(ge=1, le=10**6)],
) -> dict[str, Any]:
    """Between two versions, as a unified diff."""
    _known(service, key)
    return {"id": key, "difference": _desk(service).collection.difference(key, old, new)}


@routes.post("/workflows/{key}/enable", role="approver", responses={404: Refusals[404]})
def enable(service: ServiceHere, request: Request, key: Key) -> dict[str, Any]:
    """Let its triggers count."""
    return _enabled(service, request, key, enabled=True)


@routes.post("/workflows/{key}/disable", role="responder", responses={404: Refusals[404]})
def disable(service: ServiceHere, request: Request, key: Key) -> dict[str, Any]:
    """Let its triggers start nothing; a person still can."""
    return _enabled(service, request, key, enabled=False)


@routes.post(
    "/workflows/{key}/runs",
    role="responder",
    status_code=201,
    responses={n: Refusals[n] for n in (400, 404, 503)},
)
def run(
    service: ServiceHere, request: Request, key: Key, wanted: ToRun, *, idempotency_key: IdempotencyKey = ""
) -> dict[str, Any]:
    """Start it, with the role of the token; the same `Idempotency-Key` starts one run."""
    _known(service, key)
    token = _token(request)
    cause = f"request/{token.id}/{idempotency_key}" if idempotency_key else ""
    with noted(service.database, service.clock, "workflow.run", who=actor(token), subject=key):
        started = _working(service).runs.start(
            key, wanted.inputs, who=token.name, role=token.role, cause=cause, version=wanted.version,
            incident=wanted.incident_id,
        )  # fmt: skip
    return {"run": started.run, "outcome": started.outcome}


@routes.post(
    "/workflows/{key}/webhook", role="responder", responses={n: Refusals[n] for n in (400, 404, 503)}
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
    if _has_zero(document):
        raise Problem(422, "holds a zero character (U+0000); leave it out", field="body")
    _known(service, key)
    started = _working(service).triggers.webhook(key, document, who=_token(request).name, key=idempotency_key)
    return {"run": started.run if started else "", "outcome": started.outcome if started else "not meant"}


@routes.get("/workflow-runs", role="viewer")
def runs(
    service: ServiceHere,
    *,
    workflow: Annotated[str, Query(max_length=64)] = "",
    status: Annotated[str, Query(max_length=16)] = "",
    incident_id: Annotated[str, Query(max_length=64)] = "",
    cursor: Cursor = None,
    limit: Limit = 100,
) -> dict[str, Any]:
    """Runs, the latest first."""
    store = RunStore(service.database)
    statuses = (status,) if status else ()
    page = store.page(workflow=workflow, statuses=statuses, incident=incident_id, cursor=cursor, limit=limit)
    return listing(page, _row)


@routes.get("/workflow-runs/{run}", role="viewer", responses={n: Refusals[n] for n in (404, 503)})
def one_run(service: ServiceHere, run: RunKey) -> dict[str, Any]:
    """A run with its steps and its log."""
    row = _run(service, run)
    steps = _working(service).runs.steps(run)
    shown = [
        {**asdict(each), "began": rfc3339(each.began), "finished": rfc3339(each.finished)} for each in steps
    ]
    return {**_row(row), "steps": shown, "log": lines(steps)}


@routes.post(
    "/workflow-runs/{run}/cancel", role="responder", responses={n: Refusals[n] for n in (404, 409, 503)}
)
def cancel(service: ServiceHere, request: Request, run: RunKey) -> dict[str, Any]:
    """End a run before its next step, with all that it began."""
    _run(service, run)
    who = _who(request)
    with noted(service.database, service.clock, "workflow.cancel", who=who, subject=run):
        if not _working(service).runs.cancel(run, who=who):
            raise Problem(409, "it is over already", field="run")
    return {"run": run, "status": "cancelled"}


@routes.post(
    "/workflow-runs/{run}/resume",
    role="responder",
    status_code=201,
    responses={n: Refusals[n] for n in (400, 404, 503)},
)
def resume(service: ServiceHere, request: Request, run: RunKey) -> dict[str, Any]:
    """Go on with a run that failed or was cancelled, as a new run; what it had finished is not done again."""
    _run(service, run)
    with noted(service.database, service.clock, "workflow.resume", who=_who(request), subject=run):
        started = _working(service).runs.resume(run, who=_token(request).name)
    return {"run": started.run, "outcome": started.outcome}


@routes.get("/workflow-tasks", role="viewer")
def tasks(
    service: ServiceHere,
    *,
    run: Annotated[str, Query(max_length=200)] = "",
    status: Annotated[str, Query(max_length=16)] = "open",
    cursor: Cursor = None,
    limit: Limit = 100,
) -> dict[str, Any]:
    """What people are asked, the latest first; open ones by default."""
    page = RunStore(service.database).tasks_page(run=run, status=status, cursor=cursor, limit=limit)
    return listing(page, _row)


@routes.post(
    "/workflow-tasks/{task:path}/answer", role="viewer", responses={n: Refusals[n] for n in (400, 404, 503)}
)
def answer(service: ServiceHere, request: Request, task: TaskKey, given: Answer) -> dict[str, Any]:
    """Answer a task, with the role that it asks for; the first answer counts."""
    working, token = _working(service), _token(request)
    if working.runs.store.task(task) is None:
        raise Problem(404, f"there is no task '{task}'", field="task")
    with noted(service.database, service.clock, "workflow.answer", who=actor(token), subject=task[:200]):
        row = working.runs.answer(task, given.answer, who=token.name, role=token.role)
    return _row(row)


def _enabled(service: Service, request: Request, key: str, *, enabled: bool) -> dict[str, Any]:
    _known(service, key)
    verb = "workflow.enable" if enabled else "workflow.disable"
    with noted(service.database, service.clock, verb, who=_who(request), subject=key):
        _desk(service).collection.enable(key, enabled)
    return _row(_known(service, key))


def _desk(service: Service) -> WorkflowDesk:
    return WorkflowDesk(service.settings, service.database, service.clock)


def _working(service: Service) -> Workflows:
    found: Workflows | None = service.workflows
    if found is None:
        raise Problem(
            503, "no worker is in this process, and runs are begun by one", headers={"Retry-After": "5"}
        )
    return found


def _known(service: Service, key: str) -> Row:
    try:
        return _desk(service).collection.get(key)
    except UsageError as error:
        raise Problem(404, str(error), field="key") from None


def _run(service: Service, run: str) -> Row:
    row = RunStore(service.database).get(run)
    if row is None:
        raise Problem(404, f"there is no run {run!r}; `GET /workflow-runs` lists them", field="run")
    return row


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: rfc3339(value) if name in TIMES else value for name, value in row.items() if name not in HIDDEN
    }


def _remark(remark: Remark) -> dict[str, Any]:
    return {"weight": remark.weight, **asdict(remark.problem)}


def _token(request: Request) -> Token:
    token: Token = request.state.token
    return token


def _who(request: Request) -> str:
    return actor(_token(request))
