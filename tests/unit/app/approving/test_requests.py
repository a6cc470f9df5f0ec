"""What people are told of requests, and who is told when nobody answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from structlog.testing import capture_logs
from tests.unit.app.approving.world import (
    ManualClock,
    decide,
    last_entry,
    refused,
    service_of,
    status,
)

from sre_copilot.app.approval_waiting import Waiting
from sre_copilot.app.approving import Approving
from sre_copilot.app.approving_made import Turning, make_approving
from sre_copilot.app.serving import Service
from sre_copilot.decision.approval.model import Refused
from sre_copilot.incidents.delivery.wording import message
from sre_copilot.store.audit_chain import AuditChain
from sre_copilot.store.notifications import NotificationStore
from sre_copilot.testing.plans import NOW, a_plan


def test_the_request_tells_all_that_an_approver_needs_in_their_language(
    door: Approving, service: Service
) -> None:
    plan = door.plans.propose(a_plan())
    (row,) = NotificationStore(service.database).page().rows
    assert (row["receiver"], row["state"]) == ("team", "approval")
    told = message(row, key="k", language="en", external_url="https://sre.example.org")
    fields = dict(told.fields)
    assert fields["Plan ID"] == plan.id
    assert (fields["Severity"], fields["Service"], fields["Metric"]) == ("warning", "cart", "error_rate")
    assert (fields["Current Value"], fields["Expected Value"], fields["Deviation"]) == (
        "0.2",
        "< 0.01",
        "0.19",
    )
    assert (fields["Estimated Time"], fields["Success Rate"]) == ("5 minutes", "95 %, from 20 similar cases")
    assert "Recommended Action" in fields
    assert f"plan approve {plan.id}" in told.text
    assert "APPROVE" not in told.text  # nothing receives what people reply
    (heard,) = replace(door.messages, chat={"team": ("slack",)}).request(plan)
    assert "approval.reply" in {each["key"] for each in heard.content["summary"]}
    assert heard.content["reply"] == ["slack"]
    (other,) = replace(door.messages, chat={"lead": ("slack",)}).request(plan)
    assert "approval.reply" not in {each["key"] for each in other.content["summary"]}
    (alone,) = replace(door.messages, external_url="", chat={}).request(plan)
    assert "approval.answer.unlinked" in {each["key"] for each in alone.content["summary"]}
    assert told.links[0][0].startswith(f"https://sre.example.org/approvals/{plan.id}?proof=")
    chinese = message(row, key="k", language="zh")
    assert dict(chinese.fields)["成功率"] == "95%，依据 20 个相似案例"
    assert "待审批" in chinese.title


def test_a_link_opens_the_plan_and_nothing_else(
    door: Approving, service: Service, clock: ManualClock
) -> None:
    plan = door.plans.propose(a_plan())
    (row,) = NotificationStore(service.database).page().rows
    proof = row["payload"]["content"]["links"][0][0].partition("proof=")[2]
    before = AuditChain(service.database).head()
    assert not isinstance(door.by_link(plan.id, proof), Refused)
    assert refused(door.by_link(plan.id, proof + "x")) == "link"
    other = door.plans.propose(a_plan())
    assert refused(door.by_link(other.id, proof)) == "link"
    clock.set(NOW + 3600)
    assert refused(door.by_link(plan.id, proof)) == "expired"
    assert AuditChain(service.database).head().count == before.count + 1  # the other plan


def test_a_request_that_nobody_answers_goes_on_to_others_once_and_ends(
    door: Approving, service: Service, clock: ManualClock
) -> None:
    plan = door.plans.propose(a_plan())
    assert Waiting(door).turn() == 0
    clock.set(NOW + 600)
    assert (Waiting(door).turn(), Waiting(door).turn()) == (1, 0)
    latest = NotificationStore(service.database).page(limit=1).rows[0]
    assert (latest["receiver"], latest["state"]) == ("lead", "approval")
    assert last_entry(service)["verb"] == "plan.escalate"
    clock.set(NOW + 3600)
    assert (Waiting(door).turn(), status(door, plan)) == (1, "expired")
    assert (last_entry(service)["verb"], Waiting(door).turn()) == ("plan.expired", 0)


def test_groups_are_told_instead_and_must_agree(tmp_path: Path, clock: ManualClock) -> None:
    groups = {"payments": {"people": ["bob"], "receivers": ["payments"]}}
    service = service_of(tmp_path, clock, groups=groups, rules=[{"group": "payments", "services": ["cart"]}])
    door = make_approving(service)
    plan = door.plans.propose(a_plan())
    assert NotificationStore(service.database).page().rows[0]["receiver"] == "payments"
    assert refused(decide(door, service, plan, role="admin")) == "group"
    assert decide(door, service, plan, name="Bob").status == "approved"
    service.close()


def test_the_head_of_the_audit_is_written_to_the_log_once(door: Approving, service: Service) -> None:
    door.plans.propose(a_plan())
    chain = AuditChain(service.database)
    with capture_logs() as lines:
        turning = Turning(door, chain)
        turning.pump()
        turning.pump()
    assert [line["head"] for line in lines if line["event"] == "head of the audit"] == [str(chain.head())]
