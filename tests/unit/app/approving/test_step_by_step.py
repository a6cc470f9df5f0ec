"""Plans whose risk is high: each step waits for a person, and the same door lets it go."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.app.approving.world import decide, last_entry, refused, status

from sre_copilot.app.acting_gauges import tell_acting
from sre_copilot.app.approving import Approving
from sre_copilot.app.serving import Service
from sre_copilot.decision.approval.admit import Admitted
from sre_copilot.decision.approval.model import Refused
from sre_copilot.domain.plan import Mode, Plan, RiskLevel
from sre_copilot.incidents.report.words import say
from sre_copilot.store import remediation
from sre_copilot.testing.plans import NOW, a_plan, a_step


def standing_still(door: Approving, **changes: Any) -> Plan:
    """A plan that was begun and waits before its first step, as a worker leaves it."""
    steps = (a_step(1), replace(a_step(2, name="bank"), needs=("s1",)))
    plan = door.plans.propose(a_plan(*steps, mode=Mode.MANUAL, **changes))
    row = {"id": plan.id, "incident_id": "", "state": "paused", "fingerprint": plan.fingerprint,
           "who": "sre-copilot", "autonomous": False, "attempt": 1, "worker": "w"}  # fmt: skip
    rows = [{"step_id": each.id, "action": each.action.name, "target": "t"} for each in plan.steps]
    with door.database.write() as connection:
        remediation.begin(connection, row, rows, now=NOW)
    return plan


@pytest.fixture
def plan(door: Approving, service: Service) -> Plan:
    made = standing_still(door)
    decide(door, service, made)
    for before, after in (("approved", "running"), ("running", "paused")):
        door.plans.set_status(made.id, after, expected=before, who="w", at=NOW)  # type: ignore[arg-type]
    return made


def goes_on(door: Approving, plan: Plan) -> None:
    door.plans.set_status(plan.id, "running", expected="paused", who="w", at=NOW)


def test_a_step_is_refused_until_somebody_agrees_to_this_very_step(
    door: Approving, service: Service, plan: Plan
) -> None:
    assert [each.waits_for for each in door.pending()] == ["s1"]
    answer = decide(door, service, plan, name="bob", step="s1")
    assert (answer.step, status(door, plan)) == ("s1", "paused")
    assert (last_entry(service)["verb"], last_entry(service)["detail"]["step"]) == ("plan.go_ahead", "s1")
    assert door.pending() == ()
    goes_on(door, plan)
    assert isinstance(door.admission(plan.id, step_id="s1"), Admitted)
    assert refused(door.admission(plan.id, step_id="s2")) == "go_ahead"


def test_only_the_step_that_waits_can_be_let_go_once_and_by_those_who_may(
    door: Approving, service: Service, plan: Plan
) -> None:
    cases = [
        (decide(door, service, plan, step="s2"), "not_waiting"),
        (decide(door, service, plan, step="s9"), "not_waiting"),
        (decide(door, service, plan), "decided"),
        (decide(door, service, plan, role="viewer", step="s1"), "role"),
        (decide(door, service, plan, fingerprint="0" * 64, step="s1"), "altered"),
        (decide(door, service, plan, verdict="reject", step="s1"), "reason"),
        (decide(door, service, plan, verdict="reject", reason="r", role="viewer"), "role"),
    ]
    assert [refused(found) for found, _ in cases] == [code for _, code in cases]
    assert not isinstance(decide(door, service, plan, step="s1"), Refused)
    assert refused(decide(door, service, plan, name="bob", step="s1")) == "not_waiting"
    goes_on(door, plan)
    assert refused(decide(door, service, plan, name="bob", step="s2")) == "not_waiting"


def test_a_go_ahead_counts_no_more_when_its_giver_has_lost_the_authority(
    door: Approving, service: Service, plan: Plan
) -> None:
    decide(door, service, plan, name="bob", step="s1")
    goes_on(door, plan)
    for token in service.tokens.all():
        if token.name == "bob":
            service.tokens.revoke(token.id, now=NOW)
    service.settings.decision.approval.chat_approvers.clear()
    assert refused(door.admission(plan.id, step_id="s1")) == "authority"


def test_a_fresh_go_ahead_takes_the_place_of_one_whose_giver_lost_the_authority(
    door: Approving, service: Service, plan: Plan
) -> None:
    decide(door, service, plan, name="bob", step="s1")
    assert door.pending() == ()
    for token in service.tokens.all():
        if token.name == "bob":
            service.tokens.revoke(token.id, now=NOW)
    service.settings.decision.approval.chat_approvers.clear()
    assert [each.waits_for for each in door.pending()] == ["s1"]
    assert decide(door, service, plan, name="carl", step="s1").step == "s1"
    goes_on(door, plan)
    assert isinstance(door.admission(plan.id, step_id="s1"), Admitted)


def test_of_two_who_must_agree_the_first_may_let_the_first_step_go(door: Approving, service: Service) -> None:
    plan = standing_still(door, level=RiskLevel.CRITICAL)
    first, second = decide(door, service, plan, step="s1"), decide(door, service, plan, name="bob")
    assert (first.status, first.missing, first.step, second.status) == ("proposed", 1, "s1", "approved")
    door.plans.set_status(plan.id, "running", expected="approved", who="w", at=NOW)
    assert isinstance(door.admission(plan.id, step_id="s1"), Admitted)


def test_a_plan_that_waits_with_a_step_can_be_called_off(
    door: Approving, service: Service, plan: Plan
) -> None:
    answer = decide(door, service, plan, name="bob", verdict="reject", reason="it is well again")
    assert (answer.status, answer.step) == ("paused", "")
    assert remediation.Remediations(service.database).asked(plan.id) == "cancel"
    entry = last_entry(service)
    assert (entry["verb"], entry["outcome"], entry["detail"]["reason"]) == (
        "plan.reject",
        "done",
        "it is well again",
    )
    assert door.pending() == ()
    assert refused(decide(door, service, plan, step="s1")) == "not_waiting"


def test_the_first_step_can_be_let_go_along_with_the_plan_and_no_other(
    door: Approving, service: Service
) -> None:
    plan = standing_still(door)
    assert refused(decide(door, service, plan, step="s2")) == "not_waiting"
    assert decide(door, service, plan, step="s1").step == "s1"
    door.plans.set_status(plan.id, "running", expected="approved", who="w", at=NOW)
    assert isinstance(door.admission(plan.id, step_id="s1"), Admitted)


def test_what_a_lower_risk_needs_no_go_ahead(door: Approving, service: Service) -> None:
    plan = door.plans.propose(a_plan())
    assert refused(decide(door, service, plan, step="s1")) == "not_waiting"
    decide(door, service, plan)
    door.plans.set_status(plan.id, "running", expected="approved", who="w", at=NOW)
    assert isinstance(door.admission(plan.id, step_id="s1"), Admitted)


def test_people_are_asked_for_the_step_in_both_languages(door: Approving, plan: Plan) -> None:
    (asked,) = door.messages.go_ahead(plan, "s2")
    assert (asked.receiver, asked.state) == ("team", "approval")
    assert plan.id in asked.content["summary"][0]["params"]["plan"]
    for key in ("go_ahead", "step_by_step", "superseded", "ended.cancelled", "refused.not_waiting"):
        for lang in ("en", "zh"):
            message = replace(plan.title, key=f"approval.{key}", params=tuple({"plan": "P", "step": "s2", "by": "Q", "reason": "r"}.items()))  # fmt: skip
            assert "approval." not in say(message, lang)


def test_the_gauges_tell_how_plans_and_the_switch_stand(
    door: Approving, service: Service, plan: Plan
) -> None:
    door.plans.propose(a_plan())
    tell_acting(service, door)
    told = service.own.exposition().decode()
    assert 'sre_copilot_plans{status="proposed"} 1.0' in told
    assert 'sre_copilot_plans{status="paused"} 1.0' in told
    assert "sre_copilot_approvals_pending 2.0" in told
    assert 'sre_copilot_kill_switch{state="thrown"} 0.0' in told
