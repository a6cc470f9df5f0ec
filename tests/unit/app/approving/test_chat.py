"""Decisions written in chat."""

from __future__ import annotations

from typing import Any

from tests.unit.app.approving.world import (
    last_entry,
    refused,
    status,
)

from sre_copilot.app.approving import Approving
from sre_copilot.app.serving import Service
from sre_copilot.domain.plan import Plan
from sre_copilot.store.audit_chain import AuditChain
from sre_copilot.testing.plans import NOW, a_plan


def by_text(
    door: Approving, plan: Plan, *, sender: str = "U2", verified: bool = True, words: str = "APPROVE {}"
) -> Any:
    return door.decide_by_text(sender=sender, platform="slack", verified=verified, text=words.format(plan.id))


def test_a_sender_who_may_approves_in_chat(door: Approving, service: Service) -> None:
    plan = door.plans.propose(a_plan())
    assert by_text(door, plan).status == "approved"
    assert (last_entry(service)["who"], last_entry(service)["detail"]["way"]) == ("Bob by slack", "chat")


def test_an_unverified_request_and_a_sender_who_is_nobody_are_refused_and_audited(
    door: Approving, service: Service
) -> None:
    plan = door.plans.propose(a_plan())
    cases = ((by_text(door, plan, verified=False), "unverified"), (by_text(door, plan, sender="U9"), "sender"),
             (by_text(door, plan, sender="U3"), "sender"), (by_text(door, plan, sender=""), "sender"))  # fmt: skip
    for found, code in cases:
        assert refused(found) == code
    entries = AuditChain(service.database).page().rows[: len(cases)]
    assert [row["detail"]["code"] for row in reversed(entries)] == [code for _, code in cases]
    assert status(door, plan) == "proposed"


def test_a_person_with_a_weak_token_approves_nothing_in_chat_and_with_a_strong_one_does(
    door: Approving, service: Service
) -> None:
    plan = door.plans.propose(a_plan())
    service.tokens.create("carl", role="responder", now=NOW)
    assert refused(by_text(door, plan, sender="U3")) == "role"
    service.tokens.create("carl", role="approver", now=NOW)
    assert by_text(door, plan, sender="U3").status == "approved"


def test_chat_rejects_with_a_reason_and_takes_no_other_words(door: Approving) -> None:
    plan = door.plans.propose(a_plan())
    assert refused(by_text(door, plan, words="APPROVE {} later")) == "unclear"
    assert refused(by_text(door, plan, words="REJECT {}")) == "reason"
    assert by_text(door, plan, words="REJECT {} the sale is on").status == "rejected"
