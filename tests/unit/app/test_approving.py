"""The one door for decisions on plans."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select, text
from structlog.testing import capture_logs

from sre_copilot.app.approving import Answer, Approving
from sre_copilot.app.approving_made import Turning, make_approving, make_delegating
from sre_copilot.app.delegating import NotYours
from sre_copilot.app.serving import Service, make_service
from sre_copilot.bus.schemas import event_type, normal_form
from sre_copilot.clock import TurnedClock
from sre_copilot.decision.approval.admit import Admitted
from sre_copilot.decision.approval.model import Refused, Scope
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Mode, Plan, RiskLevel
from sre_copilot.errors import SettingsError, UsageError
from sre_copilot.incidents.delivery.wording import message
from sre_copilot.settings.document import Settings
from sre_copilot.settings.section import Role
from sre_copilot.store.alerting.audit import actor
from sre_copilot.store.alerting.tables import outbox
from sre_copilot.store.audit_chain import AuditChain
from sre_copilot.store.notifications import NotificationStore
from sre_copilot.testing.plans import NOW, a_plan, a_step
from sre_copilot.testing.synthetic import SyntheticSource


class ManualClock(TurnedClock):
    """A clock that is set by hand."""

    def set(self, at: float) -> None:
        self._now = at


RECEIVERS: list[dict[str, Any]] = [{"name": name, "notifiers": []} for name in ("team", "payments", "lead")]
PEOPLE = {
    "persons": {
        "ann": {"name": "Ann Lee", "slack": "U1"},
        "bob": {"name": "Bob", "slack": "U2"},
        "carl": {"slack": "U3"},
    }
}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


def service_of(folder: Path, clock: ManualClock, **approval: Any) -> Service:
    keys = {
        "store": {"folder": folder},
        "decision": {"approval": approval},
        "alerting": {
            "people": PEOPLE,
            "routing": {"route": {"receiver": "team"}},
            "notify": {"receivers": RECEIVERS, "external_url": "https://sre.example.org"},
        },
    }
    return make_service(
        Settings.model_validate(keys), sources=[SyntheticSource(services=1, metrics=1)], clock=clock
    )


@pytest.fixture
def service(tmp_path: Path, clock: ManualClock) -> Iterator[Service]:
    unanswered = [{"after_minutes": 10, "receivers": ["lead"]}]
    made = service_of(tmp_path, clock, unanswered=unanswered, chat_approvers=["bob"])
    yield made
    made.close()


@pytest.fixture
def door(service: Service) -> Approving:
    return make_approving(service)


def decide(
    door: Approving, service: Service, plan: Plan, name: str = "ann", role: Role = "approver", **more: Any
) -> Any:
    """Decide with a new token of a name."""
    token, _ = service.tokens.create(name, role=role, now=NOW)
    verdict = more.pop("verdict", "approve")
    return door.decide(plan.id, verdict, by=door.people.of_token(token), who=actor(token), way="rest", **more)


def refused(found: Any) -> str:
    assert isinstance(found, Refused), found
    return found.code


def status(door: Approving, plan: Plan) -> str:
    kept = door.plans.get(plan.id)
    assert kept is not None
    return kept.status


def last_entry(service: Service) -> dict[str, Any]:
    return AuditChain(service.database).page(limit=1).rows[0]


def events(service: Service) -> list[str]:
    with service.database.begin() as connection:
        rows = connection.execute(select(outbox).order_by(outbox.c.id)).mappings().all()
    for row in rows:
        normal_form(event_type(row["type"]), orjson.loads(row["data"]))
    return [row["type"].split(".")[2] for row in rows]


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


def test_an_altered_plan_is_neither_approved_nor_carried_out(door: Approving, service: Service) -> None:
    plan, other = door.plans.propose(a_plan()), door.plans.propose(a_plan())
    decide(door, service, plan)
    with service.database.begin() as connection:
        connection.execute(text("UPDATE plans SET document = replace(document, 'grace', 'haste')"))
    assert refused(decide(door, service, other)) == "altered"
    assert refused(door.admission(plan.id, step_id="s1")) == "altered"
    assert (last_entry(service)["verb"], last_entry(service)["outcome"]) == ("plan.admit", "refused")
    assert door.pending() == ()
    assert door.turn() == 0


def test_a_plan_altered_with_its_fingerprint_still_lacks_votes_on_it(
    door: Approving, service: Service
) -> None:
    plan = door.plans.propose(a_plan())
    decide(door, service, plan)
    forged = replace(plan, steps=(a_step(1, name="bank"),))
    from sre_copilot.store.plans import text_of

    with service.database.begin() as connection:
        connection.execute(
            text("UPDATE plans SET document = :d, fingerprint = :f"),
            {"d": text_of(forged), "f": forged.fingerprint},
        )
    assert refused(door.admission(plan.id, step_id="s1")) == "altered"


def test_authority_that_is_lost_after_the_approval_holds_it_back(door: Approving, service: Service) -> None:
    plan = door.plans.propose(a_plan())
    decide(door, service, plan)
    token = next(each for each in service.tokens.all() if each.name == "ann")
    service.tokens.revoke(token.id, now=NOW)
    assert refused(door.admission(plan.id, step_id="s1")) == "authority"


def test_a_frozen_or_a_changed_target_holds_it_back(service: Service) -> None:
    frozen: list[Message] = []
    door = make_approving(service, frozen=lambda plan, at: frozen[0] if frozen else None)
    plan = door.plans.propose(a_plan(a_step(1, state="as it was")))
    decide(door, service, plan)
    assert refused(door.admission(plan.id, step_id="s1", states={"s1": "another"})) == "state"
    assert isinstance(door.admission(plan.id, step_id="s1", states={"s1": "as it was"}), Admitted)
    frozen.append(Message(key="approval.refused.frozen"))
    assert refused(door.admission(plan.id, step_id="s1")) == "frozen"
    assert last_entry(service)["detail"]["code"] == "frozen"


def test_a_freeze_of_the_configuration_refuses_the_approval_and_the_step(
    tmp_path: Path, clock: ManualClock
) -> None:
    service = service_of(tmp_path, clock)
    window = {"name": "sale", "starts_at": "2026-02-06T15:00:00Z", "ends_at": "2026-02-06T16:00:00Z"}
    decision = Settings.model_validate({"decision": {"freezes": [window]}}).decision
    service.settings = service.settings.model_copy(update={"decision": decision})
    door = make_approving(service)
    plan, other = door.plans.propose(a_plan()), door.plans.propose(a_plan())
    assert decide(door, service, plan).status == "approved"
    clock.set(NOW + 1780)  # 15:00:02
    assert refused(door.admission(plan.id, step_id="s1")) == "frozen"
    assert refused(decide(door, service, other)) == "frozen"
    service.close()


def test_an_approval_that_is_not_used_expires_by_itself(
    door: Approving, service: Service, clock: ManualClock
) -> None:
    plan = door.plans.propose(a_plan())
    decide(door, service, plan)
    clock.set(NOW + 1800)
    assert refused(door.admission(plan.id, step_id="s1")) == "expired"
    assert (door.turn(), door.turn(), status(door, plan)) == (1, 0, "expired")


def test_autonomy_is_off_and_needs_more_than_the_mode_of_the_plan(service: Service) -> None:
    allowed: list[bool] = []
    door = make_approving(service, autonomy=lambda plan, at: bool(allowed))
    plan = door.plans.propose(a_plan(mode=Mode.AUTO))
    assert refused(door.approve_alone(plan.id)) == "autonomy"
    allowed.append(True)
    assert isinstance(door.approve_alone(plan.id), Answer)
    assert isinstance(door.admission(plan.id, step_id="s1"), Admitted)
    allowed.clear()
    assert refused(door.admission(plan.id, step_id="s1")) == "autonomy"


# -- chat -----------------------------------------------------------------------------------------------------------


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


# -- messages, escalation, delegation -------------------------------------------------------------------------------


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
    assert f"APPROVE {plan.id}" in told.text
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
    assert door.turn() == 0
    clock.set(NOW + 600)
    assert (door.turn(), door.turn()) == (1, 0)
    latest = NotificationStore(service.database).page(limit=1).rows[0]
    assert (latest["receiver"], latest["state"]) == ("lead", "approval")
    assert last_entry(service)["verb"] == "plan.escalate"
    clock.set(NOW + 3600)
    assert (door.turn(), status(door, plan)) == (1, "expired")
    assert (last_entry(service)["verb"], door.turn()) == ("plan.expired", 0)


def test_groups_are_told_instead_and_must_agree(tmp_path: Path, clock: ManualClock) -> None:
    groups = {"payments": {"people": ["bob"], "receivers": ["payments"]}}
    service = service_of(tmp_path, clock, groups=groups, rules=[{"group": "payments", "services": ["cart"]}])
    door = make_approving(service)
    plan = door.plans.propose(a_plan())
    assert NotificationStore(service.database).page().rows[0]["receiver"] == "payments"
    assert refused(decide(door, service, plan, role="admin")) == "group"
    assert decide(door, service, plan, name="Bob").status == "approved"
    service.close()


def test_a_receiver_that_is_not_there_is_named(tmp_path: Path, clock: ManualClock) -> None:
    service = service_of(tmp_path, clock, receivers=["nobody"])
    with pytest.raises(SettingsError, match=r"decision\.approval\.receivers: there is no receiver 'nobody'"):
        make_approving(service)
    service.close()


def test_who_is_away_lets_another_vote_and_ends_it_at_once(
    door: Approving, service: Service, clock: ManualClock
) -> None:
    delegating = make_delegating(service)
    service.tokens.create("ann", role="approver", now=NOW)
    ann = door.people.now()["ann"]
    given: Any = {
        "who": "ann",
        "giver": "",
        "scope": Scope(),
        "starts_at": NOW,
        "ends_at": NOW + 900,
        "reason": "away",
    }
    made = delegating.add(by=ann, taker="carl", **given)
    plan = door.plans.propose(a_plan())
    found = decide(door, service, plan, name="carl", role="viewer")
    assert (found.status, found.vote.on_behalf_of) == ("approved", "ann")
    assert delegating.revoke(made["id"], by=ann, who="ann")
    assert refused(door.admission(plan.id, step_id="s1")) == "authority"
    assert delegating.living() == ()
    with pytest.raises(NotYours):
        delegating.add(by=door.people.now()["carl"], taker="bob", **{**given, "giver": "ann"})
    with pytest.raises(UsageError, match="taker: 'nobody' is nobody"):
        delegating.add(by=ann, taker="nobody", **given)
    with pytest.raises(UsageError, match="ends_at"):
        delegating.add(by=ann, taker="bob", **{**given, "ends_at": NOW - 1})
    assert last_entry(service)["outcome"] == "refused"


def test_the_head_of_the_audit_is_written_to_the_log_once(door: Approving, service: Service) -> None:
    door.plans.propose(a_plan())
    chain = AuditChain(service.database)
    with capture_logs() as lines:
        turning = Turning(door, chain)
        turning.pump()
        turning.pump()
    assert [line["head"] for line in lines if line["event"] == "head of the audit"] == [str(chain.head())]
