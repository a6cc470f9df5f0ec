"""Requests for approval: what waits, and the answers; who answers is whoever the token belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Path, Request
from pydantic import AwareDatetime, Field, StringConstraints

from sre_copilot.api.bodies import Body
from sre_copilot.api.guard import Routes, may_see_all
from sre_copilot.api.problems import Problem
from sre_copilot.api.shapes import plans as shapes
from sre_copilot.api.views import AcceptLanguage, Lang, Language, language
from sre_copilot.app.approval_words import outcome_words, refusal_words
from sre_copilot.app.approving import Approving, Standing
from sre_copilot.app.delegating import Delegating, NotYours
from sre_copilot.app.plan_course import risk_view, stands, ticket_view
from sre_copilot.clock import rfc3339
from sre_copilot.decision.approval.model import Refused, Scope, Verdict, votes_needed
from sre_copilot.domain.plan import PlanStep
from sre_copilot.incidents.report.words import say
from sre_copilot.store.alerting.audit import actor
from sre_copilot.store.tokens import Token

routes = Routes(tag="approvals")
FORBIDDEN = frozenset({"caller", "unverified", "sender", "link", "role", "group", "requester"})
STATUS = {"unknown": 404, "reason": 422, "unclear": 422}
"""Of the other refusals: the plan does not stand so that it can be done (409)."""
PlanId = Annotated[str, Path(pattern=r"^PLAN-[0-9]{14}$", description="Id of the plan.")]
Text = Annotated[str, Field(max_length=2000)]
Pattern = Annotated[str, StringConstraints(min_length=1, max_length=300)]
Refusals: dict[int | str, dict[str, Any]] = {
    403: {"description": "Who asks may not decide on this plan, or the body names somebody else."},
    404: {"description": "There is no plan of this id."},
    409: {"description": "It was decided already, has expired, was altered, or nothing may be changed now."},
}


class ToApprove(Body):
    """`approver` may be left out; another than the caller is refused. `fingerprint` is that of the plan that was looked at; `step` is agreed to alone, where a plan waits with it."""

    approver: Annotated[str, Field(max_length=200)] = ""
    comment: Text = ""
    fingerprint: Annotated[str, Field(max_length=64)] = ""
    step: Annotated[str, Field(max_length=64)] = ""


class ToReject(Body):
    """Why it is not to be carried out."""

    approver: Annotated[str, Field(max_length=200)] = ""
    reason: Text
    fingerprint: Annotated[str, Field(max_length=64)] = ""


class NewDelegation(Body):
    """Who may vote with whose authority (`giver`, yours when empty), on what, until when."""

    giver: Annotated[str, Field(max_length=200)] = ""
    taker: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    start: AwareDatetime | None = None
    end: AwareDatetime
    environments: list[Pattern] = Field(default_factory=list, max_length=50)
    actions: list[Pattern] = Field(default_factory=list, max_length=50)
    services: list[Pattern] = Field(default_factory=list, max_length=50)
    reason: Text = ""


def approving_of(request: Request) -> Approving:
    """The door for decisions."""
    found: Approving = request.app.state.approving
    return found


def delegating_of(request: Request) -> Delegating:
    """What keeps delegations."""
    found: Delegating = request.app.state.delegating
    return found


@routes.get("/approvals/pending", role="viewer", shape=shapes.Requests)
def pending(request: Request, *, lang: Lang = None, accept_language: AcceptLanguage = "") -> dict[str, Any]:
    """Plans that wait for an approval, the earliest first, each with the fields of its message."""
    door = approving_of(request)
    spoken = _spoken(request, lang, accept_language)
    hidden = not may_see_all(request)
    return {"items": [view(door, each, spoken, hidden=hidden) for each in door.pending()], "next": None}


@routes.post(
    "/approvals/{plan_id}/approve",
    role="viewer",
    shape=shapes.Decided,
    responses={n: Refusals[n] for n in (403, 404, 409)},
)
def approve(
    request: Request,
    plan_id: PlanId,
    body: ToApprove,
    *,
    lang: Lang = None,
    accept_language: AcceptLanguage = "",
) -> dict[str, Any]:
    """Approve a plan as whoever the token belongs to; a refusal is noted in the audit."""
    return _answered(request, plan_id, "approve", body.comment, body, _spoken(request, lang, accept_language))


@routes.post(
    "/approvals/{plan_id}/reject",
    role="viewer",
    shape=shapes.Decided,
    responses={n: Refusals[n] for n in (403, 404, 409)},
)
def reject(
    request: Request,
    plan_id: PlanId,
    body: ToReject,
    *,
    lang: Lang = None,
    accept_language: AcceptLanguage = "",
) -> dict[str, Any]:
    """Reject a plan, with the reason."""
    return _answered(request, plan_id, "reject", body.reason, body, _spoken(request, lang, accept_language))


@routes.get("/approvals/delegations", role="viewer", shape=shapes.Delegations)
def delegations(request: Request) -> dict[str, Any]:
    """Who may vote with whose authority, now or later."""
    return {"items": [delegation(row) for row in delegating_of(request).living()], "next": None}


@routes.post(
    "/approvals/delegations",
    role="viewer",
    shape=shapes.Delegation,
    status_code=201,
    responses={400: {"description": "A field cannot be used; it is named."}, 403: Refusals[403]},
)
def add_delegation(request: Request, new: NewDelegation) -> dict[str, Any]:
    """Let somebody vote with your authority for a time; an admin may give away that of others."""
    door, token = approving_of(request), _token(request)
    scope = Scope(
        environments=tuple(new.environments), actions=tuple(new.actions), entities=tuple(new.services)
    )
    start = new.start.timestamp() if new.start else door.clock.now()
    try:
        row = delegating_of(request).add(
            by=door.people.of_token(token), who=actor(token), giver=new.giver, taker=new.taker, scope=scope,
            starts_at=start, ends_at=new.end.timestamp(), reason=new.reason,
        )  # fmt: skip
    except NotYours as error:
        raise Problem(403, str(error), field="giver") from None
    return delegation(row)


@routes.delete(
    "/approvals/delegations/{key}",
    role="viewer",
    shape=shapes.Ended,
    responses={403: Refusals[403], 404: {"description": "There is none."}},
)
def end_delegation(request: Request, key: Annotated[str, Path(max_length=32)]) -> dict[str, Any]:
    """End a delegation at once: what was approved by it and has not begun is not carried out."""
    token = _token(request)
    by = approving_of(request).people.of_token(token)
    try:
        ended = delegating_of(request).revoke(key, by=by, who=actor(token))
    except NotYours as error:
        raise Problem(403, str(error), field="key") from None
    if not ended:
        raise Problem(404, f"there is no delegation {key!r} that holds", field="key")
    return {"id": key, "ended": True}


def view(door: Approving, standing: Standing, lang: Language, *, hidden: bool) -> dict[str, Any]:
    """A plan as a request: the fields of the message, what it would do, and how it stands."""
    plan, kept = standing.kept.plan, standing.kept
    content = door.messages.content(plan)
    anomaly = {} if hidden else content["anomaly"]
    advice = content["recommendation"]
    return {
        "hidden": hidden,
        "plan_id": plan.id,
        "status": kept.status,
        "waits_for": standing.waits_for,
        "incident_id": plan.incident_id,
        "severity": content["severity"],
        "service": content["service"],
        "metric": anomaly.get("metric"),
        "current_value": anomaly.get("current"),
        "expected_value": anomaly.get("expected"),
        "deviation": anomaly.get("deviation"),
        "recommended_action": say(plan.title, lang),
        "estimated_minutes": advice["estimated_minutes"],
        "success_rate": advice["success_rate"],
        "similar_cases": advice["similar_cases"],
        "strategy": plan.strategy,
        "risk": risk_view(plan.risk, lang),
        "approvals_needed": votes_needed(plan),
        "approvals": [
            {
                "approver": each.who,
                "on_behalf_of": each.on_behalf_of,
                "verdict": each.verdict,
                "at": rfc3339(each.at),
            }
            for each in standing.votes
        ],
        "groups": list(door.rules.groups_of(plan)),
        "requester": plan.requester,
        "fingerprint": kept.fingerprint,
        "created_at": rfc3339(plan.created_at),
        "expires_at": rfc3339(door.rules.closes_at(plan)),
        "ticket": ticket_view(plan, standing.steps, lang),
        "steps": [{**_step(each, lang), **stands(each.id, standing.steps, lang)} for each in plan.steps],
    }


def problem_of(found: Refused, lang: Language) -> Problem:
    """A refusal as an answer."""
    status = STATUS.get(found.code, 403 if found.code in FORBIDDEN else 409)
    fields = {"caller": "approver", "reason": "reason", "unknown": "plan_id"}
    return Problem(status, refusal_words(found.message, lang), field=fields.get(found.code, ""))


def delegation(row: Mapping[str, Any]) -> dict[str, Any]:
    """A delegation."""
    return {
        "id": row["id"],
        "giver": row["giver"],
        "taker": row["taker"],
        "environments": row["scope"].get("environments", []),
        "actions": row["scope"].get("actions", []),
        "services": row["scope"].get("entities", []),
        "start": rfc3339(row["starts_at"]),
        "end": rfc3339(row["ends_at"]),
        "reason": row["reason"],
        "made_by": row["made_by"],
    }


def _answered(  # noqa: PLR0917 - what a request consists of
    request: Request, plan_id: str, verdict: Verdict, reason: str, body: ToApprove | ToReject, lang: Language
) -> dict[str, Any]:
    door, token = approving_of(request), _token(request)
    found = door.decide(
        plan_id, verdict, by=door.people.of_token(token), who=actor(token), way="rest", reason=reason,
        fingerprint=body.fingerprint, named=body.approver, step=getattr(body, "step", ""),
    )  # fmt: skip
    if isinstance(found, Refused):
        raise problem_of(found, lang)
    vote = found.vote
    return {
        "plan_id": found.plan_id,
        "status": found.status,
        "missing": found.missing,
        "step": found.step,
        "approver": vote.who if vote is not None else "",
        "on_behalf_of": vote.on_behalf_of if vote is not None else "",
        "sentence": outcome_words(found, lang),
    }


def _step(step: PlanStep, lang: Language) -> dict[str, Any]:
    return {
        "id": step.id,
        "action": step.action.name,
        "target": step.action.target.key,
        "environment": step.action.target.environment,
        "parameters": dict(step.action.parameters),
        "expected": say(step.expected, lang),
        "reversible": step.reversible,
    }


def _spoken(request: Request, lang: Language | None, accepted: str) -> Language:
    return language(lang, accepted, request.app.state.service.settings.language)


def _token(request: Request) -> Token:
    token: Token = request.state.token
    return token
