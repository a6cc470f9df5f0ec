"""What the timeline of an incident says of a vote."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from sre_copilot.decision.approval.model import Vote
from sre_copilot.domain.plan import Plan
from sre_copilot.store.alerting.happenings import decided


def tell_vote(connection: Connection, plan: Plan, vote: Vote, *, missing: int) -> None:
    """Say on the timeline of the plan's incident who voted how; `missing` is how many more must agree."""
    key, params = said(vote, missing)
    who = vote.who or vote.person
    decided(connection, plan.incident_id, plan.id, key, at=vote.at, who=who, **params)


def said(vote: Vote, missing: int) -> tuple[str, dict[str, Any]]:
    """The sentence of a vote, and its parameters."""
    if vote.way == "auto":
        return "plan.approved_alone", {}
    params: dict[str, Any] = {"person": vote.person or vote.who, "way": vote.way}
    key = "plan.rejected" if vote.verdict == "reject" else "plan.approved"
    if missing:
        key, params = "plan.approved_first", {**params, "missing": missing}
    elif vote.reason:
        key, params = f"{key}_because", {**params, "reason": vote.reason}
    return key, params


def tell_go_ahead(connection: Connection, plan: Plan, step: str, vote: Vote) -> None:
    """Say who let a step of a plan go."""
    params = {"person": vote.person or vote.who, "step": step}
    who = vote.who or vote.person
    decided(connection, plan.incident_id, plan.id, "plan.go_ahead", at=vote.at, who=who, **params)
