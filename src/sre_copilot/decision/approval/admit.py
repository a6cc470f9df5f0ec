"""Whether what was approved may be carried out now: asked before every step, by what was kept and by what is so now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Literal

from sre_copilot.decision.approval.decide import authority_of, begins_alone, ruled_out
from sre_copilot.decision.approval.model import (
    Facts,
    Refused,
    State,
    Vote,
    agreed,
    refused,
    step_by_step,
    votes_needed,
)
from sre_copilot.domain.plan import Mode, Plan, PlanStep

Direction = Literal["do", "undo"]
BEGINS = "approved"
DOES = ("approved", "running")
UNDOES = ("running", "paused", "undoing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """The step may be carried out, just as it stands here; `begins`: it is the first of its plan."""

    plan: Plan
    step: PlanStep
    begins: bool = False


def admit(
    plan: Plan, approval: State, facts: Facts, now: float, *, step_id: str, direction: Direction = "do"
) -> Admitted | Refused:
    """Whether a step may be done, or undone; the first reason against it.

    To undo needs what was approved and begun, and nothing else: neither a freeze nor an approver who left may leave a plan half done.
    """
    step = next((each for each in plan.steps if each.id == step_id), None)
    if step is None:
        return refused("step", plan=plan.id, step=step_id)
    common = _agreed_to(plan, approval, direction)
    present = _present(plan, approval, facts, now, step) if direction == "do" else ()
    problem = next(chain(common, present), None)
    return problem or Admitted(plan=plan, step=step, begins=approval.status == BEGINS)


def _agreed_to(plan: Plan, approval: State, direction: Direction) -> Iterator[Refused]:
    """What is against it by what was kept."""
    if approval.status not in (DOES if direction == "do" else UNDOES):
        yield refused("decided", plan=plan.id, status=approval.status, who="")
    if {plan.fingerprint} != {approval.fingerprint, *(each.fingerprint for each in approval.votes)}:
        yield refused("altered", plan=plan.id)
    yield from _agreement(plan, approval.votes)


def _present(plan: Plan, approval: State, facts: Facts, now: float, step: PlanStep) -> Iterator[Refused]:
    """What is against it by what is so now."""
    yield from _still_wanted(plan, approval, facts, now)
    yield from _still_entitled(plan, approval.votes, facts)
    if step_by_step(plan) and approval.status != BEGINS:  # begun: now it is about this step
        yield from _go_ahead(plan, approval, step, facts, now)


def _agreement(plan: Plan, votes: tuple[Vote, ...]) -> Iterator[Refused]:
    alone = any(each.way == "auto" for each in votes)
    needed = votes_needed(plan)
    if alone and (needed > 1 or plan.risk.mode != Mode.AUTO):
        yield refused("autonomy")
    if any(each.verdict == "reject" for each in votes) or (not alone and agreed(votes) < needed):
        yield refused("votes", plan=plan.id, agreed=agreed(votes), needed=needed)


def _still_wanted(plan: Plan, approval: State, facts: Facts, now: float) -> Iterator[Refused]:
    if plan.risk.forbidden:
        yield refused("forbidden", plan=plan.id)
    if problem := ruled_out(plan, facts):
        yield problem
    if facts.halted is not None:
        yield Refused(code="halted", message=facts.halted)
    if facts.frozen is not None:
        yield Refused(code="frozen", message=facts.frozen)
    last = max((each.at for each in (*approval.votes, *approval.go_aheads.values())), default=0.0)
    until = last + facts.rules.valid_s
    if not facts.acted and now >= until:  # what has had an effect goes on, or is undone
        yield refused("expired", plan=plan.id, since=until)


def _still_entitled(plan: Plan, votes: tuple[Vote, ...], facts: Facts) -> Iterator[Refused]:
    for vote in votes:
        if vote.way == "auto":
            if not begins_alone(plan, facts):
                yield refused("autonomy")
            continue
        person = facts.people.get(vote.person)
        found = authority_of(plan, person, facts, at=vote.at) if person is not None else None
        if found is None or isinstance(found, Refused) or found not in ("", vote.on_behalf_of):
            yield refused("authority", who=vote.who or vote.person)


def still_counts(plan: Plan, given: Vote, facts: Facts) -> bool:
    """Whether the go-ahead of a step is of this plan, and of somebody who still may give it."""
    return given.fingerprint == plan.fingerprint and not any(_still_entitled(plan, (given,), facts))


def _go_ahead(plan: Plan, approval: State, step: PlanStep, facts: Facts, now: float) -> Iterator[Refused]:
    """Somebody has agreed to this step of this plan, not too long ago, and still may."""
    given = approval.go_aheads.get(step.id)
    if given is None or given.verdict != "approve" or given.way == "auto":
        yield refused("go_ahead", plan=plan.id, step=step.id)
        return
    if given.fingerprint != plan.fingerprint:
        yield refused("altered", plan=plan.id)
    if now >= (until := given.at + facts.rules.valid_s):
        yield refused("expired", plan=plan.id, since=until)
    yield from _still_entitled(plan, (given,), facts)
