"""Whether what was approved may be carried out, as the door says it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sqlalchemy import text
from tests.unit.app.approving.world import (
    ManualClock,
    decide,
    last_entry,
    refused,
    service_of,
    status,
)

from sre_copilot.app.approval_waiting import Waiting
from sre_copilot.app.approving import Answer, Approving
from sre_copilot.app.approving_made import make_approving
from sre_copilot.app.serving import Service
from sre_copilot.decision.approval.admit import Admitted
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Mode
from sre_copilot.settings.document import Settings
from sre_copilot.testing.plans import NOW, a_plan, a_step


def test_an_altered_plan_is_neither_approved_nor_carried_out(door: Approving, service: Service) -> None:
    plan, other = door.plans.propose(a_plan()), door.plans.propose(a_plan())
    decide(door, service, plan)
    with service.database.begin() as connection:
        connection.execute(text("UPDATE plans SET document = replace(document, 'grace', 'haste')"))
    assert refused(decide(door, service, other)) == "altered"
    assert refused(door.admission(plan.id, step_id="s1")) == "altered"
    assert (last_entry(service)["verb"], last_entry(service)["outcome"]) == ("plan.admit", "refused")
    assert door.pending() == ()
    assert Waiting(door).turn() == 0


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


def test_a_frozen_target_holds_it_back(service: Service) -> None:
    frozen: list[Message] = []
    door = make_approving(service, frozen=lambda plan, at: frozen[0] if frozen else None)
    plan = door.plans.propose(a_plan(a_step(1, state="as it was")))
    decide(door, service, plan)
    assert isinstance(door.admission(plan.id, step_id="s1"), Admitted)
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
    assert (Waiting(door).turn(), Waiting(door).turn(), status(door, plan)) == (1, 0, "expired")


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
