"""Decisions on plans: who may, what counts, and what is kept of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.unit.app.approving.world import (
    ManualClock,
    decide,
    events,
    last_entry,
    refused,
    service_of,
    status,
)

from sre_copilot.app.approving import Answer, Approving
from sre_copilot.app.approving_made import make_approving
from sre_copilot.app.callers import at_the_command_line
from sre_copilot.app.serving import Service
from sre_copilot.decision.approval.admit import Admitted
from sre_copilot.domain.plan import Mode, RiskLevel
from sre_copilot.errors import SettingsError
from sre_copilot.store.alerting.audit import actor
from sre_copilot.store.audit_chain import AuditChain
from sre_copilot.store.notifications import notifications
from sre_copilot.testing.plans import NOW, a_plan


def test_an_approval_is_kept_with_its_vote_its_event_and_its_entry(door: Approving, service: Service) -> None:
    plan = door.plans.propose(a_plan())
    found = decide(door, service, plan, reason="go")
    assert isinstance(found, Answer)
    assert (found.status, found.missing, status(door, plan)) == ("approved", 0, "approved")
    entry = last_entry(service)
    assert (entry["verb"], entry["outcome"], entry["detail"]["fingerprint"]) == (
        "plan.approve",
        "done",
        plan.fingerprint,
    )
    assert entry["who"].startswith("ann (token ")
    assert events(service) == ["proposed", "approved"]
    assert isinstance(door.admission(plan.id, step_id="s1"), Admitted)


def test_every_refusal_and_every_denied_permission_is_audited_and_changes_nothing(
    door: Approving, service: Service
) -> None:
    plan = door.plans.propose(a_plan())
    cases = [
        (decide(door, service, plan, role="viewer"), "role"),
        (decide(door, service, plan, named="bob"), "caller"),
        (decide(door, service, plan, verdict="reject"), "reason"),
        (decide(door, service, plan, fingerprint="0" * 64), "altered"),
        (decide(door, service, replace(plan, id="PLAN-20200101000000")), "unknown"),
    ]
    for found, code in cases:
        assert refused(found) == code
    entries = AuditChain(service.database).page().rows[: len(cases)]
    assert [row["detail"]["code"] for row in reversed(entries)] == [code for _, code in cases]
    assert {row["outcome"] for row in entries} == {"refused"}
    assert (status(door, plan), events(service)) == ("proposed", ["proposed"])
    assert AuditChain(service.database).verify().broken is None


def test_of_two_approvers_at_once_one_counts_and_the_other_is_told(door: Approving, service: Service) -> None:
    plan = door.plans.propose(a_plan())
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda n: decide(door, service, plan, name=f"person {n}"), range(6)))
    answers = [each for each in found if isinstance(each, Answer)]
    assert len(answers) == 1
    assert {refused(each) for each in found if not isinstance(each, Answer)} == {"decided"}
    assert events(service) == ["proposed", "approved"]


def test_what_was_rejected_is_not_approved_any_more(door: Approving, service: Service) -> None:
    plan = door.plans.propose(a_plan())
    assert isinstance(decide(door, service, plan, verdict="reject", reason="r"), Answer)
    assert refused(decide(door, service, plan, name="bob", reason="r")) == "decided"
    assert status(door, plan) == "rejected"
    assert refused(door.admission(plan.id, step_id="s1")) == "decided"


def test_a_key_operation_needs_two_people_two_tokens_of_one_are_one(
    door: Approving, service: Service
) -> None:
    plan = door.plans.propose(a_plan(level=RiskLevel.CRITICAL))
    first = decide(door, service, plan, name="ann")
    assert (first.status, first.missing) == ("proposed", 1)
    assert refused(decide(door, service, plan, name="Ann Lee")) == "replayed"
    assert refused(door.admission(plan.id, step_id="s1")) == "decided"
    assert decide(door, service, plan, name="bob").status == "approved"
    assert isinstance(door.admission(plan.id, step_id="s1"), Admitted)


def test_who_asked_for_a_plan_does_not_approve_it_by_any_token(door: Approving, service: Service) -> None:
    token, _ = service.tokens.create("ann", role="responder", now=NOW)
    plan = door.plans.propose(a_plan(requester=actor(token)))
    assert refused(decide(door, service, plan, name="ANN LEE")) == "requester"
    assert decide(door, service, plan, name="bob").status == "approved"


def test_who_asked_at_the_command_line_is_the_same_person(door: Approving, service: Service) -> None:
    plan = door.plans.propose(a_plan(requester=at_the_command_line("ann")))
    assert refused(decide(door, service, plan)) == "requester"
    assert decide(door, service, plan, "bob").status == "approved"


def test_what_was_approved_is_taken_back_until_it_begins(door: Approving, service: Service) -> None:
    plan, begun = door.plans.propose(a_plan()), door.plans.propose(a_plan())
    for each in (plan, begun):
        decide(door, service, each)
    door.plans.set_status(begun.id, "running", expected="approved", who="w", at=NOW)
    cases = [
        (decide(door, service, plan, "bob", verdict="reject"), "reason"),
        (decide(door, service, plan, "bob", role="viewer", verdict="reject", reason="r"), "role"),
        (decide(door, service, plan, "bob", verdict="reject", reason="r", fingerprint="0" * 64), "altered"),
        (decide(door, service, begun, "bob", verdict="reject", reason="r"), "decided"),
    ]
    assert [refused(found) for found, _ in cases] == [code for _, code in cases]
    found = decide(door, service, plan, "bob", verdict="reject", reason="it is well again")
    assert (found.status, status(door, plan)) == ("cancelled", "cancelled")
    assert (last_entry(service)["verb"], last_entry(service)["detail"]["status"]) == (
        "plan.reject",
        "cancelled",
    )
    assert events(service)[-1] == "rejected"
    with service.database.begin() as connection:
        told = connection.execute(
            select(notifications.c.key).where(notifications.c.key.startswith(f"approval/{plan.id}/"))
        ).scalars()
        assert {key.split("/")[2] for key in told} == {"1", "900", "902"}
    assert refused(door.admission(plan.id, step_id="s1")) == "decided"
    assert refused(decide(door, service, plan, "bob", verdict="reject", reason="again")) == "decided"


def test_to_ask_whether_a_plan_may_begin_alone_keeps_nothing(door: Approving, service: Service) -> None:
    plan = door.plans.propose(a_plan(mode=Mode.AUTO))
    before = AuditChain(service.database).head()
    found = door.alone(plan.id)
    assert found is not None
    assert found.code == "autonomy"
    assert AuditChain(service.database).head() == before


def test_an_expired_request_is_refused_and_is_expired_from_then_on(
    door: Approving, service: Service, clock: ManualClock
) -> None:
    plan = door.plans.propose(a_plan())
    clock.set(NOW + 3600)
    assert not door.pending()
    assert refused(decide(door, service, plan)) == "expired"
    assert status(door, plan) == "expired"


def test_a_receiver_that_is_not_there_is_named(tmp_path: Path, clock: ManualClock) -> None:
    service = service_of(tmp_path, clock, receivers=["nobody"])
    with pytest.raises(SettingsError, match=r"decision\.approval\.receivers: there is no receiver 'nobody'"):
        make_approving(service)
    service.close()
