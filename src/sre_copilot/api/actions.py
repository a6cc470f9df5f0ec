"""What could be done to other systems, what it would do, and plans under way. An effect needs an approved plan: no route has one."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Path, Request, Response
from pydantic import Field

from sre_copilot.api.bodies import Body
from sre_copilot.api.guard import Routes
from sre_copilot.api.problems import Problem
from sre_copilot.api.shapes import acting as shapes
from sre_copilot.api.views import AcceptLanguage, Cursor, Lang, Limit, language, listing
from sre_copilot.app.acting import ActingDesk, open_desk, preview_row, records
from sre_copilot.app.plan_course import reason_words
from sre_copilot.app.serving import Service
from sre_copilot.clock import rfc3339
from sre_copilot.domain.plan import Action
from sre_copilot.incidents.report.model import Language
from sre_copilot.store.alerting.audit import actor
from sre_copilot.store.tokens import Token

routes = Routes(tag="actions")
ActionName = Annotated[str, Path(max_length=100, description="Action, as `GET /actions` names it.")]
PlanId = Annotated[str, Path(max_length=64, description="Id of the plan.")]
Wish = Annotated[str, Path(pattern="^(pause|resume|cancel)$", description="pause, resume or cancel.")]
TIMES = ("began_at", "updated_at", "ended_at")
Refusals: dict[int | str, dict[str, Any]] = {
    400: {"description": "A field cannot be used, or the target does not answer; it is named."},
    404: {"description": "There is none of this id."},
    409: {"description": "It is over, or was called off."},
}


class Asked(Body):
    """An action on a target: a service of `actions.targets`, or KIND/NAME, KIND/NAMESPACE/NAME."""

    target: Annotated[str, Field(min_length=1, max_length=700)]
    parameters: dict[str, Any] = Field(default_factory=dict)


class Wanted(Asked):
    """The same as a plan."""

    reason: Annotated[str, Field(max_length=1000)] = ""
    incident_id: Annotated[
        str,
        Field(
            max_length=64,
            description="Incident during which it is done, by id or number: its report tells of it.",
        ),
    ] = ""


def desk_of(request: Request) -> ActingDesk:
    """The desk of a service; made when it is asked for first, for executors take their time to be made."""
    state = request.app.state
    if not hasattr(state, "acting"):
        service: Service = state.service
        state.acting = open_desk(service.settings, service.database, service.clock)
    desk: ActingDesk = state.acting
    return desk


Desk = Annotated[ActingDesk, Depends(desk_of)]


@routes.get("/actions", role="viewer", shape=shapes.ActionSpecs)
def actions(desk: Desk, *, lang: Lang = None, accept_language: AcceptLanguage = "") -> dict[str, Any]:
    """Every action that the configured executors know, with what is known of it beforehand."""
    return {"items": desk.specs(_spoken(desk, lang, accept_language)), "next": None}


@routes.get("/actions/records", role="viewer", shape=shapes.ActionRecords)
def records_of_actions(desk: Desk) -> dict[str, Any]:
    """How often each action has helped against a fault on a service: verified cases alone."""
    return {"items": records(desk.database), "next": None}


@routes.post(
    "/actions/{name}/preview", role="responder", shape=shapes.Preview, responses={400: Refusals[400]}
)
def preview(
    desk: Desk,
    name: ActionName,
    asked: Asked,
    *,
    lang: Lang = None,
    accept_language: AcceptLanguage = "",
) -> dict[str, Any]:
    """What an action would do now, and how it is judged; nothing is changed."""
    action, spoken = _action(desk, name, asked), _spoken(desk, lang, accept_language)
    shown = preview_row(action, desk.preview(action), spoken)
    return {**shown, "judgement": desk.judgement(action, spoken)}


@routes.post(
    "/actions/{name}/plans",
    role="responder",
    shape=shapes.Proposed,
    status_code=201,
    responses={200: {"description": "A plan that does the same waits already."}, 400: Refusals[400]},
)
def propose(
    desk: Desk, request: Request, response: Response, name: ActionName, wanted: Wanted
) -> dict[str, Any]:
    """Propose an action as a plan, which waits for an approver; one that waits already is named (200) instead of making a second."""
    action, plans = _action(desk, name, wanted), request.app.state.approving.plans
    there = desk.waiting(action, plans)
    if there is not None:
        response.status_code = 200
    plan = there or desk.propose(
        action, who=actor(_token(request)), plans=plans, reason=wanted.reason, incident=wanted.incident_id
    )
    return {
        "plan_id": plan.id, "status": "proposed", "digest": plan.fingerprint,
        "requester": plan.requester, "already": there is not None,
    }  # fmt: skip


@routes.get("/remediations", role="viewer", shape=shapes.Remediations)
def remediations(
    desk: Desk,
    *,
    incident_id: str = "",
    cursor: Cursor = None,
    limit: Limit = 100,
    lang: Lang = None,
    accept_language: AcceptLanguage = "",
) -> dict[str, Any]:
    """Plans that were begun, the latest first."""
    page = desk.rows.page(incident_id=incident_id, cursor=cursor, limit=limit)
    spoken = _spoken(desk, lang, accept_language)
    return listing(page, lambda row: _row(row, spoken))


@routes.get(
    "/remediations/{plan_id}",
    role="viewer",
    shape=shapes.RemediationWithSteps,
    responses={404: Refusals[404]},
)
def remediation(
    desk: Desk, plan_id: PlanId, *, lang: Lang = None, accept_language: AcceptLanguage = ""
) -> dict[str, Any]:
    """How a plan stands, step by step, with what was measured last."""
    rows = desk.rows
    row = rows.get(plan_id)
    if row is None:
        raise Problem(404, f"the plan '{plan_id}' was never begun", field="plan_id")
    spoken = _spoken(desk, lang, accept_language)
    return {**_row(row, spoken), "steps": [_row(each, spoken) for each in rows.steps(plan_id)]}


@routes.post(
    "/remediations/{plan_id}/{wish}",
    role="responder",
    shape=shapes.Wished,
    responses={n: Refusals[n] for n in (404, 409)},
)
def wish_for(desk: Desk, request: Request, plan_id: PlanId, wish: Wish) -> dict[str, Any]:
    """Pause a plan before its next step, let it go on, or call it off: what was done is then taken back."""
    if desk.rows.get(plan_id) is None:
        raise Problem(404, f"the plan '{plan_id}' was never begun", field="plan_id")
    if not desk.wish(plan_id, wish, who=actor(_token(request))):
        raise Problem(409, "it is over, or was called off", field="plan_id")
    return {"plan_id": plan_id, "asked": wish}


def _action(desk: ActingDesk, name: str, asked: Asked) -> Action:
    return desk.action(name, asked.target, asked.parameters)


def _row(row: Any, lang: Language) -> dict[str, Any]:
    shown = {name: rfc3339(value) if name in TIMES else value for name, value in dict(row).items()}
    return {**shown, "reason_words": reason_words(row["reason"] or {}, lang)}


def _spoken(desk: ActingDesk, lang: Language | None, accept_language: str) -> Language:
    return language(lang, accept_language, desk.settings.language)


def _token(request: Request) -> Token:
    token: Token = request.state.token
    return token
