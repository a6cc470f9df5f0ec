"""Plans that would be approved without a person are asked for again and again: the audit tells each reason once."""

from __future__ import annotations

from pathlib import Path

from tests.unit.app.approving.world import ManualClock, service_of

from sre_copilot.app.approving_made import make_approving
from sre_copilot.app.remedying import standing_of
from sre_copilot.domain.plan import Mode
from sre_copilot.store.audit_chain import AuditChain
from sre_copilot.testing.plans import NOW, a_plan


def test_a_refusal_of_autonomy_is_in_the_audit_once_for_each_plan_and_reason(tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    service = service_of(tmp_path, clock)
    doors = [make_approving(service) for _ in range(2)]
    plans = [doors[0].plans.propose(a_plan(mode=Mode.AUTO)) for _ in range(2)]
    before = AuditChain(service.database).head().count
    for second in range(60):
        clock.set(NOW + second)
        for door in doors:
            assert {door.approve_alone(each.id).code for each in plans} == {"autonomy"}  # type: ignore[union-attr]
    assert AuditChain(service.database).head().count - before == len(plans)


def test_whether_a_plan_may_begin_is_asked_without_an_entry_in_the_audit(tmp_path: Path) -> None:
    service = service_of(tmp_path, ManualClock(NOW))
    door = make_approving(service)
    plan = door.plans.propose(a_plan())
    before = AuditChain(service.database).head().count
    assert standing_of(door, keep=False)(plan.id, "s1", "do") is not None
    assert AuditChain(service.database).head().count == before
    assert standing_of(door)(plan.id, "s1", "do") is not None
    assert AuditChain(service.database).head().count == before + 1
