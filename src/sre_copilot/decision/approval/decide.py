"""What a vote does to a plan: one function, whichever way it came."""

from __future__ import annotations

from dataclasses import dataclass

from sre_copilot.decision.approval.model import (
    Approver,
    Decision,
    Facts,
    Refused,
    State,
    Vote,
    agreed,
    refused,
    step_by_step,
    votes_needed,
)
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Mode, Plan
from sre_copilot.settings.section import at_least


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """Everybody who must agree has: it may be carried out."""

    vote: Vote


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The vote counts, and `missing` more people must agree."""

    vote: Vote
    missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """It is not to be carried out."""

    vote: Vote


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """It was approved, has not begun, and is not to be carried out after all."""

    vote: Vote


Outcome = Approved | Waiting | Rejected | Withdrawn | Refused


def decide(plan: Plan, state: State, decision: Decision, *, now: float, facts: Facts) -> Outcome:
    """What comes of a decision; nothing is changed here."""
    problem = (
        _stands(plan, state, decision, facts, now)
        or first_step(plan, decision)
        or _entitled(plan, state, decision, facts, now)
    )
    if isinstance(problem, Refused):
        return problem
    vote = vote_of(plan, decision, now, on_behalf_of=problem)
    if decision.verdict == "reject":
        return Withdrawn(vote=vote) if state.status == "approved" else Rejected(vote=vote)
    missing = votes_needed(plan) - agreed((*state.votes, vote))
    return Waiting(vote=vote, missing=missing) if missing > 0 else Approved(vote=vote)


def decide_alone(plan: Plan, state: State, *, now: float, facts: Facts) -> Approved | Refused:
    """Whether a plan may be carried out without a person: only where that is allowed now, and nothing asks for one."""
    if problem := _open(plan, state, facts, now) or allowed(plan, facts):
        return problem
    if not begins_alone(plan, facts) or plan.risk.mode != Mode.AUTO or votes_needed(plan) > 1:
        return refused("autonomy")
    return Approved(vote=Vote(verdict="approve", person="", fingerprint=plan.fingerprint, at=now, way="auto"))


def begins_alone(plan: Plan, facts: Facts) -> bool:
    """Whether the rules of now let it be carried out without a person."""
    return facts.autonomy and facts.ruling.mode == Mode.AUTO


def authority_of(plan: Plan, approver: Approver, facts: Facts, *, at: float) -> str | Refused:
    """Whose authority somebody may vote with: their own (''), or that of a person who stands back for them."""
    own = _own_authority(plan, approver, facts)
    if own is None:
        return ""
    wished: Approver | None = None
    for each in facts.delegations:
        giver = facts.people.get(each.giver)
        if (
            each.taker != approver.id
            or giver is None
            or not each.holds(at)
            or not each.scope.covers(plan, facts.rules.environments)
        ):
            continue
        if _own_authority(plan, giver, facts) is None:
            if not asked_for(facts, giver):
                return giver.id
            wished = giver
    return own if wished is None else _of_the_requester(approver, wished)


def _of_the_requester(approver: Approver, giver: Approver) -> Refused:
    params = (("who", approver.name), ("giver", giver.name))
    return Refused(code="requester", message=Message(key="approval.refused.for_requester", params=params))


def first_step(plan: Plan, decision: Decision) -> Refused | None:
    """With a plan only its first step can be agreed to: what the others will find is not there yet."""
    if not decision.step or decision.step == goes_along(plan):
        return None
    return refused("not_waiting", plan=plan.id, step=decision.step[:40])


def goes_along(plan: Plan) -> str:
    """The step that can be agreed to along with its plan; '' where steps need no go-ahead."""
    return next((each.id for each in plan.steps if not each.needs), "") if step_by_step(plan) else ""


def _stands(plan: Plan, state: State, decision: Decision, facts: Facts, now: float) -> Refused | None:
    """What is in the way whoever asks; what was approved can be taken back until it begins."""
    taken_back = decision.verdict == "reject" and state.status == "approved"
    if problem := unlike(plan, state) if taken_back else _open(plan, state, facts, now):
        return problem
    if decision.fingerprint and decision.fingerprint != plan.fingerprint:
        return refused("altered", plan=plan.id)
    if decision.verdict == "reject":
        return None if decision.reason.strip() else refused("reason")
    return allowed(plan, facts)


def _open(plan: Plan, state: State, facts: Facts, now: float) -> Refused | None:
    if state.status == "expired":
        return refused("expired", plan=plan.id, since=facts.rules.closes_at(plan))
    if state.superseded_by:
        return refused("superseded", plan=plan.id, by=state.superseded_by)
    if state.status != "proposed":
        return _decided(plan, state)
    if problem := unlike(plan, state):
        return problem
    if now >= facts.rules.closes_at(plan):
        return refused("expired", plan=plan.id, since=facts.rules.closes_at(plan))
    return None


def _decided(plan: Plan, state: State) -> Refused:
    """That somebody was faster, and who."""
    last = max(state.votes, key=lambda each: each.at, default=None)
    if last is None or not last.person or state.status not in {"approved", "rejected"}:
        return refused("decided", plan=plan.id, status=state.status)
    params = (("plan", plan.id), ("who", last.person))
    return Refused(code="decided", message=Message(key=f"approval.refused.was_{state.status}", params=params))


def unlike(plan: Plan, state: State) -> Refused | None:
    """That it is not the plan that was proposed."""
    return refused("altered", plan=plan.id) if plan.fingerprint != state.fingerprint else None


def allowed(plan: Plan, facts: Facts) -> Refused | None:
    """Why nobody may carry it out now."""
    if plan.risk.forbidden:
        return refused("forbidden", plan=plan.id)
    if problem := ruled_out(plan, facts):
        return problem
    if facts.frozen is not None:
        return Refused(code="frozen", message=facts.frozen)
    if facts.halted is not None:
        return Refused(code="halted", message=facts.halted)
    return None


def ruled_out(plan: Plan, facts: Facts) -> Refused | None:
    """What the rules say now: of what needs a person anyhow, missing autonomy is no objection."""
    now = facts.ruling
    if now.forbidden:
        return Refused(
            code="forbidden", message=next(iter(now.reasons), refused("forbidden", plan=plan.id).message)
        )
    four_eyes = now.four_eyes and votes_needed(plan) < 2
    if four_eyes or now.mode > max(plan.risk.mode, Mode.SEMI_AUTO):
        return refused("stricter", plan=plan.id)
    return None


def _entitled(plan: Plan, state: State, decision: Decision, facts: Facts, now: float) -> str | Refused:
    found = authority_of(plan, decision.by, facts, at=now)
    if isinstance(found, Refused):
        return found
    if decision.verdict == "reject":  # to say no is open to whoever asked for it, too
        return found
    if facts.rules.separation and asked_for(facts, decision.by):
        return refused("requester", who=decision.by.name)
    if any(each.person == decision.by.id for each in state.votes):
        return refused("replayed", who=decision.by.name)
    if any(each.authority == (found or decision.by.id) for each in state.votes):
        return refused("replayed", who=found or decision.by.name)
    return found


def _own_authority(plan: Plan, approver: Approver, facts: Facts) -> Refused | None:
    if not at_least(approver.role, facts.rules.role):
        return refused("role", who=approver.name, role=approver.role, needed=facts.rules.role)
    missing = [each for each in facts.rules.groups_of(plan) if each not in approver.groups]
    return refused("group", who=approver.name, group=missing[0]) if missing else None


def asked_for(facts: Facts, approver: Approver) -> bool:
    """Whether it is this person's own wish."""
    return bool(facts.requester) and approver.id == facts.requester


def vote_of(plan: Plan, decision: Decision, now: float, *, on_behalf_of: str) -> Vote:
    """A decision as a vote; `on_behalf_of` is whose authority it is where that is another's."""
    return Vote(
        verdict=decision.verdict,
        person=decision.by.id,
        fingerprint=plan.fingerprint,
        at=now,
        way=decision.way,
        who=decision.who or decision.by.name,
        token_id=decision.by.token_id,
        on_behalf_of=on_behalf_of,
        reason=decision.reason.strip(),
    )
