"""Plans that wait no more though nobody decided: those who were asked are told."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from tests.unit.app.approving.world import ManualClock, decide, refused, status

from sre_copilot.app.approval_waiting import Waiting
from sre_copilot.app.approving import Approving
from sre_copilot.app.serving import Service
from sre_copilot.decision.approval.model import Refused
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import PlanStatus
from sre_copilot.incidents.report.words import say
from sre_copilot.store.audit_chain import AuditChain
from sre_copilot.store.notifications import NotificationStore
from sre_copilot.store.plans import PlanDecided
from sre_copilot.testing.plans import NOW, a_plan


def told_of(service: Service, plan_id: str) -> Sequence[str]:
    """What was said of a plan, the earliest first: the key of the first sentence."""
    rows = reversed(NotificationStore(service.database).page().rows)
    return [
        row["payload"]["content"]["summary"][0]["key"]
        for row in rows
        if row["key"].startswith(f"approval/{plan_id}/")
    ]


def test_a_plan_that_makes_way_says_for_which_and_so_does_the_refusal_of_a_late_approval(
    door: Approving, service: Service
) -> None:
    first = door.plans.propose(a_plan())
    second = door.plans.propose(a_plan(strategy="rollback"), instead=[first.id])
    assert (status(door, first), status(door, second)) == ("cancelled", "proposed")
    assert told_of(service, first.id) == ["approval.request", "approval.superseded"]
    late = decide(door, service, first)
    assert isinstance(late, Refused)
    assert (late.code, dict(late.message.params)["by"]) == ("superseded", second.id)
    assert second.id in say(late.message, "zh")
    assert AuditChain(service.database).verify().broken is None


def test_a_plan_that_was_decided_meanwhile_does_not_make_way_and_nothing_is_kept(
    door: Approving, service: Service
) -> None:
    first = door.plans.propose(a_plan())
    decide(door, service, first)
    with pytest.raises(PlanDecided):
        door.plans.propose(a_plan(strategy="rollback"), instead=[first.id])
    assert door.plans.counts() == {"approved": 1}


def test_a_plan_that_is_taken_back_or_not_used_in_time_is_told(
    door: Approving, service: Service, clock: ManualClock
) -> None:
    withdrawn, unused = door.plans.propose(a_plan()), door.plans.propose(a_plan())
    door.plans.set_status(withdrawn.id, "cancelled", expected="proposed", who="w", at=NOW, reason="over")
    assert told_of(service, withdrawn.id)[-1] == "approval.ended.cancelled"
    decide(door, service, unused)
    clock.set(NOW + 1800)
    assert Waiting(door).turn() == 1
    assert told_of(service, unused.id)[-1] == "approval.ended.expired"


def test_a_late_approval_that_finds_a_request_expired_tells_those_who_were_asked(
    door: Approving, service: Service, clock: ManualClock
) -> None:
    plan = door.plans.propose(a_plan())
    clock.set(NOW + 3600)
    assert refused(decide(door, service, plan)) == "expired"
    assert told_of(service, plan.id)[-1] == "approval.answered.expired"


@pytest.mark.parametrize("end", ["succeeded", "rolled_back", "failed", "cancelled"])
def test_those_who_were_asked_are_told_what_came_of_it(
    door: Approving, service: Service, end: PlanStatus
) -> None:
    plan = door.plans.propose(a_plan())
    decide(door, service, plan)
    door.plans.set_status(plan.id, "running", expected="approved", who="w", at=NOW)
    door.plans.set_status(plan.id, end, expected=("running", "undoing"), who="w", at=NOW)
    assert told_of(service, plan.id)[-1] == f"approval.ended.{end}"
    assert "approval." not in say(Message(key=f"approval.ended.{end}", params=(("plan", "P"), ("reason", "r"))), "zh")  # fmt: skip
