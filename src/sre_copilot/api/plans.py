"""Plans: what is to be done about incidents, why this and nothing else, what it would do now, and what would have been proposed before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import Path, Query, Request

from sre_copilot.api.actions import desk_of
from sre_copilot.api.approvals import approving_of
from sre_copilot.api.guard import Routes, may_see_all
from sre_copilot.api.problems import Problem
from sre_copilot.api.shapes import plans as shapes
from sre_copilot.api.views import AcceptLanguage, Cursor, Lang, Limit, language, listing
from sre_copilot.app.plan_course import Course, course_of, reason_words, risk_view, stands, ticket_view
from sre_copilot.app.plan_simulation import simulate, simulated_document
from sre_copilot.app.planning import Planning
from sre_copilot.app.serving import Service
from sre_copilot.clock import rfc3339
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Option, Plan, PlanStep, SignalCheck
from sre_copilot.incidents.report.model import Language
from sre_copilot.incidents.report.words import say
from sre_copilot.store.plans import Kept, PlanAltered, plan_of

routes = Routes(tag="plans")
PlanId = Annotated[str, Path(pattern=r"^PLAN-[0-9]{14}$", description="Id of the plan.")]
Missing: dict[int | str, dict[str, Any]] = {
    404: {"description": "There is no plan of this id."},
    409: {"description": "Its text was altered; it is never carried out."},
}
Status = Literal[
    "all", "proposed", "approved", "rejected", "expired", "running", "paused", "undoing", "succeeded",
    "rolled_back", "failed", "cancelled",
]  # fmt: skip


@routes.get("/plans", role="viewer", shape=shapes.Plans)
def plans(
    request: Request,
    *,
    status: Status = "all",
    incident: Annotated[str, Query(max_length=64)] = "",
    cursor: Cursor = None,
    limit: Limit = 100,
    lang: Lang = None,
    accept_language: AcceptLanguage = "",
) -> dict[str, Any]:
    """Plans, the latest first."""
    chosen = [] if status == "all" else [status]
    page = approving_of(request).plans.page(statuses=chosen, incident_id=incident, cursor=cursor, limit=limit)
    spoken = _spoken(request, lang, accept_language)
    return listing(page, lambda row: _row(row, spoken))


@routes.get("/plans/simulation", role="responder", shape=shapes.Simulation)
def simulation(
    request: Request,
    *,
    days: Annotated[float, Query(gt=0, le=3660)] = 90.0,
    lang: Lang = None,
    accept_language: AcceptLanguage = "",
) -> dict[str, Any]:
    """What would have been proposed for the confirmed faults of the last days, and whether it is what people did."""
    service: Service = request.app.state.service
    found, counted = simulate(service.settings, service.database, service.clock, days=days)
    return simulated_document(found, counted, _spoken(request, lang, accept_language))


@routes.get("/plans/{plan_id}", role="viewer", shape=shapes.Plan, responses=Missing)
def one(
    request: Request, plan_id: PlanId, *, lang: Lang = None, accept_language: AcceptLanguage = ""
) -> dict[str, Any]:
    """One plan: its steps, its signals, its risk with every part, what was weighed against it, who decided what, and how it ended."""
    kept, service = _kept(request, plan_id), request.app.state.service
    course = course_of(service.database, plan_id)
    return plan_view(kept, course, _spoken(request, lang, accept_language), hidden=not may_see_all(request))


@routes.get("/plans/{plan_id}/diff", role="responder", shape=shapes.PlanDifference, responses=Missing)
def diff(
    request: Request, plan_id: PlanId, *, lang: Lang = None, accept_language: AcceptLanguage = ""
) -> dict[str, Any]:
    """What each step would change now, and whether its target is still as it was when the plan was made. Nothing is changed."""
    kept = _kept(request, plan_id)
    service: Service = request.app.state.service
    door = approving_of(request)
    planning = Planning(service.settings, service.database, service.clock, door.plans, desk_of(request))
    spoken = _spoken(request, lang, accept_language)
    steps = [
        {**each, "objections": [_said(one, spoken) for one in each["objections"]]}
        for each in planning.difference(kept.plan)
    ]
    return {"id": plan_id, "status": kept.status, "fingerprint": kept.fingerprint, "steps": steps}


def plan_view(kept: Kept, course: Course, lang: Language, *, hidden: bool) -> dict[str, Any]:
    """A plan as it is shown; who may not see every source is not shown what signals were."""
    plan, risk, record = kept.plan, kept.plan.risk, kept.plan.record
    return {
        "id": plan.id,
        "status": kept.status,
        "reason": (reason_words(course.run["reason"], lang) if course.run else "") or kept.reason,
        "began_at": rfc3339(course.run["began_at"] if course.run else None),
        "ended_at": rfc3339(course.run["ended_at"] if course.run else None),
        "votes": [{**_decision(each), "verdict": each["verdict"]} for each in course.votes],
        "go_aheads": [{**_decision(each), "step": each["step_id"]} for each in course.go_aheads],
        "hidden": hidden,
        **_head(plan, lang),
        "investigation_id": plan.investigation_id,
        "confidence": plan.confidence,
        "requester": plan.requester,
        "fingerprint": kept.fingerprint,
        "created_at": rfc3339(plan.created_at),
        "expires_at": rfc3339(plan.expires_at),
        "decided_at": rfc3339(kept.decided_at),
        "attempt": plan.attempt,
        "verify_seconds": plan.verify_seconds,
        "estimated_seconds": plan.estimated_seconds,
        "record": {**asdict(record), "success_rate": record.good / record.total if record.total else None},
        "risk": {
            **risk_view(risk, lang),
            "four_eyes": risk.four_eyes,
            "forbidden": risk.forbidden,
            "reasons": [say(each, lang) for each in risk.reasons],
            "parts": [
                {"name": each.name, "value": each.value, "weight": each.weight, "reason": say(each.reason, lang)}
                for each in risk.parts
            ],
        },
        "ticket": ticket_view(plan, course.steps, lang),
        "steps": [{**_step(each, lang, hidden=hidden), **stands(each.id, course.steps, lang)} for each in plan.steps],
        "options": [_option(each, lang) for each in plan.options],
    }  # fmt: skip


def _row(row: Mapping[str, Any], lang: Language) -> dict[str, Any]:
    shown = {name: row[name] for name in ("id", "status", "incident_id", "requester", "fingerprint")}
    shown["created_at"], shown["updated_at"] = rfc3339(row["created_at"]), rfc3339(row["updated_at"])
    try:
        plan = plan_of(row["document"])
    except PlanAltered:
        return {**shown, "altered": True}
    return {
        **shown,
        "altered": plan.fingerprint != row["fingerprint"],
        **_head(plan, lang),
        "risk": risk_view(plan.risk, lang),
    }


def _decision(row: Mapping[str, Any]) -> dict[str, Any]:
    said = {"approver": row["who"], "on_behalf_of": row["on_behalf_of"], "reason": row["reason"]}
    return {**said, "way": row["way"], "at": rfc3339(row["at"])}


def _head(plan: Plan, lang: Language) -> dict[str, Any]:
    return {
        "incident_id": plan.incident_id,
        "strategy": plan.strategy,
        "title": say(plan.title, lang),
        "service": plan.entity,
        "fault_type": plan.fault_type,
        "origin": plan.origin,
        "priority": plan.priority,
    }


def _step(step: PlanStep, lang: Language, *, hidden: bool) -> dict[str, Any]:
    return {
        "id": step.id,
        "action": step.action.name,
        "target": asdict(step.action.target),
        "parameters": dict(step.action.parameters),
        "expected": say(step.expected, lang),
        "needs": list(step.needs),
        "reversible": step.reversible,
        "undo": step.undo.name if step.undo else None,
        "timeout_seconds": step.timeout_seconds,
        "checks": [] if hidden else [_check(each) for each in step.checks],
    }


def _check(check: SignalCheck) -> dict[str, Any]:
    return {**asdict(check), "where": dict(check.where)}


def _option(option: Option, lang: Language) -> dict[str, Any]:
    return {
        "strategy": option.strategy,
        "title": say(option.title, lang),
        "risk": option.score,
        "success_rate": option.success,
        "reason": say(option.reason, lang),
        "actions": [
            {"action": each.action.name, "target": each.action.target.key, "parameters": dict(each.action.parameters)}
            for each in option.steps
        ],
    }  # fmt: skip


def _kept(request: Request, plan_id: str) -> Kept:
    try:
        kept = approving_of(request).plans.get(plan_id)
    except PlanAltered as error:
        raise Problem(409, str(error), field="plan_id") from None
    if kept is None:
        raise Problem(404, f"there is no plan {plan_id}", field="plan_id")
    return kept


def _said(kept: Mapping[str, Any], lang: Language) -> str:
    return say(Message(key=kept["key"], params=tuple(kept["params"].items())), lang)


def _spoken(request: Request, lang: Language | None, accept_language: str) -> Language:
    service: Service = request.app.state.service
    return language(lang, accept_language, service.settings.language)
