"""What a vote does to a plan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sre_copilot.decision.approval.decide import Approved, Rejected, Waiting, Withdrawn, decide, decide_alone
from sre_copilot.decision.approval.model import (
    Approver,
    Decision,
    Delegation,
    Facts,
    Refused,
    Rule,
    Rules,
    Scope,
    State,
    Vote,
)
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Mode, Plan, RiskLevel
from sre_copilot.testing.plans import NOW, a_plan, a_step

ANN = Approver(id="ann", name="Ann", role="approver")
BOB = Approver(id="bob", name="Bob", role="approver")
EVE = Approver(id="eve", name="Eve", role="viewer")
PEOPLE = {each.id: each for each in (ANN, BOB, EVE)}
PLAN = a_plan()
KEY_PLAN = a_plan(level=RiskLevel.CRITICAL)
PAYMENTS = Rules(rules=(Rule(group="payments", scope=Scope(entities=("cart",))),))


def state(plan: Plan = PLAN, **changes: Any) -> State:
    return replace(State(status="proposed", fingerprint=plan.fingerprint), **changes)


def approve(by: Approver = ANN, **changes: Any) -> Decision:
    return replace(Decision(verdict="approve", by=by, way="rest"), **changes)


def facts(**changes: Any) -> Facts:
    return replace(Facts(people=PEOPLE), **changes)


def code(
    plan: Plan = PLAN,
    decision: Decision | None = None,
    *,
    now: float = NOW + 60,
    at: State | None = None,
    **given: Any,
) -> str:
    found = decide(plan, at or state(plan), decision or approve(), now=now, facts=facts(**given))
    assert isinstance(found, Refused), found
    assert found.message.key.startswith("approval.refused.") or found.code in ("frozen", "halted")
    return found.code


def vote(by: Approver, plan: Plan = KEY_PLAN, **changes: Any) -> Vote:
    made = Vote(
        verdict="approve", person=by.id, fingerprint=plan.fingerprint, at=NOW + 1, way="rest", who=by.name
    )
    return replace(made, **changes)


def test_an_approver_approves() -> None:
    found = decide(PLAN, state(), approve(), now=NOW + 60, facts=facts())
    assert isinstance(found, Approved)
    assert (found.vote.person, found.vote.fingerprint, found.vote.at) == ("ann", PLAN.fingerprint, NOW + 60)


def test_a_viewer_and_a_responder_may_not() -> None:
    assert code(decision=approve(EVE)) == "role"
    assert code(decision=approve(replace(EVE, role="responder"))) == "role"


def test_whoever_is_not_of_the_group_may_not_be_the_role_as_high_as_it_likes() -> None:
    assert code(decision=approve(replace(ANN, role="admin")), rules=PAYMENTS) == "group"
    member = replace(ANN, groups=frozenset({"payments"}))
    assert isinstance(decide(PLAN, state(), approve(member), now=NOW, facts=facts(rules=PAYMENTS)), Approved)


def test_a_plan_of_two_kinds_of_steps_needs_an_approver_of_both_groups() -> None:
    rules = Rules(
        rules=(
            Rule(group="staging", scope=Scope(environments=("staging",))),
            Rule(group="live", scope=Scope()),
        )
    )
    plan = a_plan(a_step(1, environment="staging"), a_step(2))
    half = replace(ANN, groups=frozenset({"staging"}))
    assert rules.groups_of(plan) == ("staging", "live")
    assert code(plan, approve(half), rules=rules) == "group"


def test_a_target_without_an_environment_counts_as_production() -> None:
    rules = Rules(rules=(Rule(group="live", scope=Scope(environments=("production",))),))
    assert rules.groups_of(a_plan(a_step(environment=""))) == ("live",)


def test_rules_and_delegations_by_service_mean_what_a_step_is_done_to() -> None:
    other = a_plan(replace(a_step(), service="payment-db"))
    scope = Scope(entities=("payment*",))
    rules = Rules(rules=(Rule(group="payments", scope=scope),))
    assert rules.groups_of(other) == ("payments",)
    assert scope.covers(other)
    assert not scope.covers(a_plan(replace(a_step(), service="payment-db"), a_step(2)))
    assert rules.groups_of(a_plan()) == ()  # a plan of before: its step is of the service of the plan


def test_an_expired_request_is_refused_at_the_earlier_of_its_two_ends() -> None:
    assert code(now=NOW + 3600) == "expired"
    assert code(a_plan(expires_at=NOW + 60), now=NOW + 60) == "expired"
    assert code(now=NOW + 60, rules=Rules(ttl_s=60)) == "expired"
    assert code(at=state(status="expired")) == "expired"


@pytest.mark.parametrize("status", ["approved", "rejected", "running", "succeeded", "cancelled"])
def test_what_was_decided_is_decided(status: Any) -> None:
    assert code(at=state(status=status)) == "decided"
    late = approve(verdict="reject", reason="late")
    if status == "approved":  # it has not begun: what was agreed to can be taken back
        assert isinstance(decide(PLAN, state(status=status), late, now=NOW + 60, facts=facts()), Withdrawn)
    else:
        assert code(decision=late, at=state(status=status)) == "decided"


def test_an_altered_plan_is_refused_whether_in_the_store_or_before_the_eyes_of_the_approver() -> None:
    assert code(at=state(fingerprint="0" * 64)) == "altered"
    assert code(decision=approve(fingerprint="0" * 64)) == "altered"


def test_a_forbidden_plan_and_a_frozen_target_are_refused_but_may_be_rejected() -> None:
    forbidden = a_plan(risk=replace(PLAN.risk, forbidden=True))
    freeze = Message(key="decision.frozen", params=(("name", "sale"),))
    assert code(forbidden) == "forbidden"
    assert code(frozen=freeze) == "frozen"
    no = approve(verdict="reject", reason="not during the sale")
    assert isinstance(decide(PLAN, state(), no, now=NOW, facts=facts(frozen=freeze)), Rejected)


def test_a_rejection_needs_a_reason_and_an_approver() -> None:
    assert code(decision=approve(verdict="reject", reason="  ")) == "reason"
    assert code(decision=approve(EVE, verdict="reject", reason="no")) == "role"


def test_who_asked_for_a_plan_may_not_approve_it_but_may_reject_it() -> None:
    assert code(requester="ann") == "requester"
    no = approve(verdict="reject", reason="a mistake")
    assert isinstance(decide(PLAN, state(), no, now=NOW, facts=facts(requester="ann")), Rejected)
    alone = facts(requester="ann", rules=Rules(separation=False))
    assert isinstance(decide(PLAN, state(), approve(), now=NOW, facts=alone), Approved)


def test_a_key_operation_needs_two_people_and_one_cannot_be_both() -> None:
    first = decide(KEY_PLAN, state(KEY_PLAN), approve(), now=NOW + 1, facts=facts())
    assert isinstance(first, Waiting)
    assert first.missing == 1
    waiting = state(KEY_PLAN, votes=(first.vote,))
    assert code(KEY_PLAN, approve(), at=waiting) == "replayed"
    assert isinstance(decide(KEY_PLAN, waiting, approve(BOB), now=NOW + 2, facts=facts()), Approved)


def test_one_authority_is_not_two_by_being_lent() -> None:
    lent = Delegation(id="D", giver="ann", taker="eve", scope=Scope(), starts_at=NOW, ends_at=NOW + 900)
    by_eve = decide(KEY_PLAN, state(KEY_PLAN), approve(EVE), now=NOW + 1, facts=facts(delegations=(lent,)))
    assert isinstance(by_eve, Waiting)
    assert (by_eve.vote.person, by_eve.vote.on_behalf_of) == ("eve", "ann")
    waiting = state(KEY_PLAN, votes=(by_eve.vote,))
    assert code(KEY_PLAN, approve(ANN), at=waiting, delegations=(lent,)) == "replayed"
    assert isinstance(decide(KEY_PLAN, waiting, approve(BOB), now=NOW + 2, facts=facts()), Approved)


def test_a_delegation_holds_for_its_time_its_scope_and_while_it_is_not_revoked() -> None:
    lent = Delegation(id="D", giver="ann", taker="eve", scope=Scope(), starts_at=NOW, ends_at=NOW + 900)
    eve = approve(EVE)
    assert isinstance(decide(PLAN, state(), eve, now=NOW + 1, facts=facts(delegations=(lent,))), Approved)
    assert code(decision=eve, now=NOW + 900, delegations=(lent,)) == "role"
    assert code(decision=eve, delegations=(replace(lent, revoked_at=NOW + 1),)) == "role"
    assert code(decision=eve, delegations=(replace(lent, scope=Scope(actions=("sql.*",))),)) == "role"
    assert code(decision=eve, delegations=(replace(lent, scope=Scope(at_most=RiskLevel.LOW)),)) == "role"


def test_nobody_lends_what_they_do_not_have_or_may_not_use() -> None:
    lent = Delegation(id="D", giver="ann", taker="eve", scope=Scope(), starts_at=NOW, ends_at=NOW + 900)
    weak = {**PEOPLE, "ann": replace(ANN, role="responder")}
    assert code(decision=approve(EVE), delegations=(lent,), people=weak) == "role"
    assert code(decision=approve(EVE), delegations=(lent,), people={}) == "role"
    assert code(decision=approve(EVE), delegations=(lent,), requester="ann") == "requester"


def test_a_delegate_of_whoever_asked_for_it_is_told_so_and_not_that_a_role_is_missing() -> None:
    lent = Delegation(id="D", giver="ann", taker="eve", scope=Scope(), starts_at=NOW, ends_at=NOW + 900)
    from_bob = replace(lent, id="E", giver="bob")
    found = decide(
        PLAN, state(), approve(EVE), now=NOW + 1, facts=facts(delegations=(lent,), requester="ann")
    )
    assert isinstance(found, Refused)
    assert found.message == Message(
        key="approval.refused.for_requester", params=(("who", "Eve"), ("giver", "Ann"))
    )
    both = decide(
        PLAN, state(), approve(EVE), now=NOW + 1, facts=facts(delegations=(lent, from_bob), requester="ann")
    )
    assert isinstance(both, Approved)
    assert both.vote.on_behalf_of == "bob"


@pytest.mark.parametrize("status", ["approved", "rejected"])
def test_who_comes_late_is_told_who_was_faster_by_name(status: Any) -> None:
    vote = Vote(verdict="approve", person="ann", fingerprint=PLAN.fingerprint, at=NOW, way="rest", who="ann (token ee22f4e4)")  # fmt: skip
    found = decide(PLAN, state(status=status, votes=(vote,)), approve(BOB), now=NOW + 1, facts=facts())
    assert isinstance(found, Refused)
    assert found.message == Message(
        key=f"approval.refused.was_{status}", params=(("plan", PLAN.id), ("who", "ann"))
    )


def test_without_a_person_only_where_that_is_allowed_now() -> None:
    auto = a_plan(mode=Mode.AUTO)
    assert isinstance(decide_alone(auto, state(auto), now=NOW, facts=facts(autonomy=True)), Approved)
    for plan, allowed in (
        (auto, False),
        (PLAN, True),
        (a_plan(mode=Mode.AUTO, level=RiskLevel.CRITICAL), True),
    ):
        found = decide_alone(plan, state(plan), now=NOW, facts=facts(autonomy=allowed))
        assert isinstance(found, Refused)
        assert found.code == "autonomy"
    frozen = decide_alone(auto, state(auto), now=NOW, facts=facts(autonomy=True, frozen=Message(key="f")))
    assert isinstance(frozen, Refused)
    assert frozen.code == "frozen"
