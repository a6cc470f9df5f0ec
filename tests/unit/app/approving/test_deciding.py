"""Decisions on plans: who may, what counts, and what is kept of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
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
from sre_copilot.app.serving import Service
from sre_copilot.decision.approval.admit import Admitted
from sre_copilot.domain.plan import RiskLevel
from sre_copilot.errors import SettingsError
from sre_copilot.store.alerting.audit import actor
from sre_copilot.store.audit_chain import AuditChain
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


def test_of_an_approval_and_a_rejection_the_first_one_counts(door: Approving, service: Service) -> None:
    for number, first in enumerate(("approve", "reject")):
        plan = door.plans.propose(a_plan(id=f"PLAN-2026020614302{number}"))
        second = "reject" if first == "approve" else "approve"
        assert isinstance(decide(door, service, plan, verdict=first, reason="r"), Answer)
        assert refused(decide(door, service, plan, name="bob", verdict=second, reason="r")) == "decided"
        assert status(door, plan) == ("approved" if first == "approve" else "rejected")
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
