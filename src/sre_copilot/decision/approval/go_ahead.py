"""Whether somebody may let one step of a plan be done: where the risk is highest, each step waits for a person who has seen what the one before did."""

from __future__ import annotations

from sre_copilot.decision.approval.decide import allowed, asked_for, authority_of, unlike, vote_of
from sre_copilot.decision.approval.model import Decision, Facts, Refused, State, Vote, refused
from sre_copilot.domain.plan import Plan


def call_off(plan: Plan, state: State, decision: Decision, *, now: float, facts: Facts) -> Vote | Refused:
    """That a plan which waits with a step is not gone on with, by whoever could approve it or asked for it; nothing is changed here."""
    if problem := unlike(plan, state):
        return problem
    if decision.fingerprint not in ("", plan.fingerprint):
        return refused("altered", plan=plan.id)
    if not decision.reason.strip():
        return refused("reason")
    authority = authority_of(plan, decision.by, facts, at=now)
    return (
        authority if isinstance(authority, Refused) else vote_of(plan, decision, now, on_behalf_of=authority)
    )


def let_go(
    plan: Plan, state: State, decision: Decision, *, waits_for: str, now: float, facts: Facts
) -> Vote | Refused:
    """The go-ahead of a step, by whoever could approve the plan; nothing is changed here.

    Parameters
    ----------
    waits_for : the step that the plan waits with; '': it does not wait
    """
    if plan.fingerprint != state.fingerprint or decision.fingerprint not in ("", plan.fingerprint):
        return refused("altered", plan=plan.id)
    if decision.verdict != "approve" or decision.step != waits_for or not waits_for:
        return refused("not_waiting", plan=plan.id, step=decision.step[:40])
    if problem := allowed(plan, facts):
        return problem
    authority = authority_of(plan, decision.by, facts, at=now)
    if isinstance(authority, Refused):
        return authority
    if facts.rules.separation and asked_for(facts, decision.by):
        return refused("requester", who=decision.by.name)
    return vote_of(plan, decision, now, on_behalf_of=authority)
