"""Whether what was approved may be carried out now."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sre_copilot.decision.approval.admit import Admitted, admit
from sre_copilot.decision.approval.model import (
    Approver,
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
PLAN = a_plan(a_step(1, state="as it was"), a_step(2, name="db", state="full"))
FACTS = Facts(people={"ann": ANN})


def vote(person: str = "ann", plan: Plan = PLAN, **changes: Any) -> Vote:
    made = Vote(
        verdict="approve", person=person, fingerprint=plan.fingerprint, at=NOW, way="rest", who=person
    )
    return replace(made, **changes)


def approved(plan: Plan = PLAN, **changes: Any) -> State:
    made = State(status="approved", fingerprint=plan.fingerprint, votes=(vote(plan=plan),))
    return replace(made, **changes)


def code(
    plan: Plan = PLAN, state: State | None = None, *, now: float = NOW + 60, step: str = "s1", **given: Any
) -> str:
    direction = given.pop("direction", "do")
    found = admit(
        plan, state or approved(plan), replace(FACTS, **given), now, step_id=step, direction=direction
    )
    assert isinstance(found, Refused), found
    return found.code


def test_what_was_approved_is_replayed_exactly() -> None:
    found = admit(PLAN, approved(), FACTS, NOW + 60, step_id="s2")
    assert found == Admitted(plan=PLAN, step=PLAN.steps[1], begins=True)


@pytest.mark.parametrize(
    "status", ["proposed", "rejected", "expired", "paused", "succeeded", "failed", "cancelled"]
)
def test_a_plan_that_was_not_approved_or_is_over_does_nothing(status: Any) -> None:
    assert code(state=approved(status=status)) == "decided"


def test_an_altered_plan_does_nothing() -> None:
    other = a_plan(a_step(1), a_step(2))
    assert code(other, approved(PLAN)) == "altered"
    assert code(state=approved(votes=(vote(fingerprint="0" * 64),))) == "altered"


def test_an_approval_that_was_not_used_in_time_has_expired_and_what_has_begun_goes_on() -> None:
    assert code(now=NOW + 1800) == "expired"
    assert code(now=NOW + 60, rules=Rules(valid_s=60)) == "expired"
    running = approved(status="running")
    assert isinstance(admit(PLAN, running, replace(FACTS, acted=True), NOW + 9000, step_id="s2"), Admitted)
    found = admit(PLAN, running, FACTS, NOW + 9000, step_id="s1")
    assert isinstance(found, Refused), "it was begun, and nothing was done yet"
    assert found.code == "expired"


def test_a_go_ahead_grows_old_as_an_approval_does_and_the_latest_word_counts() -> None:
    by_step = replace(PLAN, risk=replace(PLAN.risk, mode=Mode.MANUAL))
    state = approved(status="running", plan=by_step)
    word = replace(state.votes[0], at=NOW + 9000)
    given = replace(state, go_aheads={"s1": word})
    for acted in (False, True):
        facts = replace(FACTS, acted=acted)
        assert isinstance(admit(by_step, given, facts, NOW + 9100, step_id="s1"), Admitted)
        found = admit(by_step, given, facts, NOW + 9000 + FACTS.rules.valid_s, step_id="s1")
        assert isinstance(found, Refused)
        assert found.code == "expired"


def test_no_votes_a_rejection_or_one_vote_for_a_key_operation_are_no_agreement() -> None:
    key = a_plan(level=RiskLevel.CRITICAL)
    assert code(state=approved(votes=())) == "votes"
    assert code(state=approved(votes=(vote(), vote("bob", verdict="reject")))) == "votes"
    assert code(key) == "votes"
    assert code(key, approved(key, votes=(vote(plan=key), vote("eve", key, on_behalf_of="ann")))) == "votes"


@pytest.mark.parametrize(
    "people",
    [{}, {"ann": replace(ANN, role="responder")}, {"ann": replace(ANN, role="viewer")}],
    ids=["the token was revoked", "a lower role", "the lowest"],
)
def test_who_approved_and_lost_the_authority_does_not_count(people: Any) -> None:
    assert code(people=people) == "authority"


def test_a_delegation_that_was_revoked_takes_its_votes_along_and_one_that_ended_later_does_not() -> None:
    lent = Delegation(id="D", giver="ann", taker="eve", scope=Scope(), starts_at=NOW - 9, ends_at=NOW + 30)
    people = {"ann": ANN, "eve": Approver(id="eve", name="Eve", role="viewer")}
    state = approved(votes=(vote("eve", on_behalf_of="ann"),))
    given = replace(FACTS, people=people, delegations=(lent,))
    assert isinstance(admit(PLAN, state, given, NOW + 60, step_id="s1"), Admitted)
    revoked = (replace(lent, revoked_at=NOW + 20),)
    assert code(state=state, people=people, delegations=revoked) == "authority"


def test_a_freeze_and_a_halt_hold_back_every_step_of_a_plan_that_has_begun_too() -> None:
    for status in ("approved", "running"):
        assert code(state=approved(status=status), frozen=Message(key="f")) == "frozen"
        assert code(state=approved(status=status), halted=Message(key="h")) == "halted"
    assert code(a_plan(risk=replace(PLAN.risk, forbidden=True))) == "forbidden"


def test_a_step_that_the_plan_does_not_have_is_none() -> None:
    assert code(step="s9") == "step"


def test_to_undo_needs_what_was_begun_and_no_more() -> None:
    worst: Any = {"people": {}, "frozen": Message(key="f"), "halted": Message(key="h")}
    for status in ("running", "paused", "undoing"):
        found = admit(
            PLAN, approved(status=status), replace(FACTS, **worst), NOW + 9000, step_id="s1", direction="undo"
        )
        assert isinstance(found, Admitted)
    assert code(state=approved(status="approved"), direction="undo") == "decided"
    assert code(state=approved(status="succeeded"), direction="undo") == "decided"
    assert code(state=approved(status="running", fingerprint="0" * 64), direction="undo") == "altered"


def test_without_a_person_only_while_that_is_allowed() -> None:
    auto = a_plan(mode=Mode.AUTO)
    alone = approved(auto, votes=(vote("", auto, way="auto"),))
    assert isinstance(admit(auto, alone, replace(FACTS, autonomy=True), NOW, step_id="s1"), Admitted)
    assert code(auto, alone) == "autonomy"
    semi = approved(votes=(vote("", way="auto"),))
    assert code(state=semi, autonomy=True) == "autonomy"


def test_each_step_of_a_manual_plan_needs_a_go_ahead_for_it_that_still_counts() -> None:
    plan = a_plan(a_step(1), a_step(2, name="db"), mode=Mode.MANUAL)
    given = {"s1": vote(plan=plan), "s2": vote("gone", plan=plan)}
    running = approved(plan, status="running")
    assert isinstance(admit(plan, approved(plan), FACTS, NOW + 60, step_id="s1"), Admitted)  # it may begin
    assert code(plan, running) == "go_ahead"
    assert code(plan, replace(running, go_aheads={"s1": vote(plan=PLAN)})) == "altered"
    assert code(plan, replace(running, go_aheads={"s1": vote(plan=plan, way="auto")})) == "go_ahead"
    let = replace(running, go_aheads=given)
    assert isinstance(admit(plan, let, FACTS, NOW + 60, step_id="s1"), Admitted)
    assert code(plan, let, step="s2") == "authority"
    assert isinstance(admit(plan, running, FACTS, NOW + 60, step_id="s1", direction="undo"), Admitted)


@pytest.mark.parametrize(
    ("environment", "meant"),
    [("prod", True), ("live-eu", True), ("", True), ("nobody-knows", True), ("Production", True), ("staging", False), ("lab", False)],
)  # fmt: skip
def test_production_in_a_rule_and_in_a_delegation_means_what_it_is_not_what_it_is_called(
    environment: str, meant: bool
) -> None:
    plan = a_plan(a_step(1, environment=environment))
    scope = Scope(environments=("production",))
    known: Any = {"live-*": "production"}
    rules = Rules(rules=(Rule(group="owners", scope=scope),), environments=known)
    assert rules.groups_of(plan) == (("owners",) if meant else ())
    assert scope.covers(plan, known) is meant
