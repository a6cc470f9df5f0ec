"""Rules that changed after a plan was made: what they say now counts at each decision and before each step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.unit.app.approving.world import PEOPLE, RECEIVERS, ManualClock, decide, refused

from sre_copilot.action.catalogue import Catalogue
from sre_copilot.app.acting import open_desk
from sre_copilot.app.approving import Answer, Approving
from sre_copilot.app.authority import approving_of
from sre_copilot.app.serving import Service, make_service
from sre_copilot.decision.approval.admit import Admitted
from sre_copilot.domain.plan import Mode
from sre_copilot.settings.document import Settings
from sre_copilot.testing.plans import a_plan
from sre_copilot.testing.stated_executor import StatedExecutor, spec
from sre_copilot.testing.synthetic import SyntheticSource

RESTART = "kubernetes.rollout_restart"
POLICY = """policies:
  - name: owners
    when: {services: [cart]}
    effect: EFFECT
    because: its owners decide
tests:
  - name: it fits
    given: {action: a.b, service: cart}
    expect: {policies: [owners]}
"""
TRUSTED: dict[str, Any] = {"autonomy": {"actions": [{"action": RESTART, "minimum_cases": 0}]}}


def opened(folder: Path, clock: ManualClock, **decision: Any) -> tuple[Service, Approving]:
    """The door as it is after a start with these rules."""
    keys = {
        "store": {"folder": folder},
        "risk": {"auto_remediation_enabled": True},
        "decision": decision,
        "alerting": {"people": PEOPLE, "routing": {"route": {"receiver": "team"}}, "notify": {"receivers": RECEIVERS}},
    }  # fmt: skip
    settings = Settings.model_validate(keys)
    service = make_service(settings, sources=[SyntheticSource(services=1, metrics=1)], clock=clock)
    desk = open_desk(settings, service.database, clock)
    desk.catalogue = Catalogue([StatedExecutor("kubernetes", specs=[spec(RESTART)])])
    return service, approving_of(service, desk)


def policies(folder: Path, effect: str) -> dict[str, Any]:
    file = folder / "policies.yaml"
    file.write_text(POLICY.replace("EFFECT", effect), encoding="utf-8")
    return {"policies": [str(file)]}


def after(folder: Path, clock: ManualClock, **decision: Any) -> tuple[str, str]:
    """What becomes of a plan that waits, and of one that was approved, once the rules are these."""
    service, door = opened(folder, clock)
    waiting, agreed = door.plans.propose(a_plan()), door.plans.propose(a_plan())
    assert decide(door, service, agreed).status == "approved"
    assert isinstance(door.admission(agreed.id, step_id="s1"), Admitted)
    service.close()
    service, door = opened(folder, clock, **decision)
    found = refused(decide(door, service, waiting, "bob")), refused(door.admission(agreed.id, step_id="s1"))
    assert decide(door, service, waiting, "bob", verdict="reject", reason="no").status == "rejected"
    service.close()
    return found


def test_what_was_black_listed_since_is_neither_approved_nor_carried_out(
    tmp_path: Path, clock: ManualClock
) -> None:
    listed = {"black_list": [{"targets": ["kubernetes/*"], "because": "it is being moved"}]}
    assert after(tmp_path, clock, **listed) == ("forbidden", "forbidden")


def test_a_policy_that_forbids_since_counts(tmp_path: Path, clock: ManualClock) -> None:
    assert after(tmp_path, clock, **policies(tmp_path, "forbid")) == ("forbidden", "forbidden")


def test_two_people_who_must_agree_since_need_a_plan_that_says_so(tmp_path: Path, clock: ManualClock) -> None:
    assert after(tmp_path, clock, **policies(tmp_path, "four_eyes")) == ("stricter", "stricter")


def test_autonomy_that_was_taken_from_the_action_holds_back_what_began_with_it(
    tmp_path: Path, clock: ManualClock
) -> None:
    service, door = opened(tmp_path, clock, **TRUSTED)
    plan, waiting = (door.plans.propose(a_plan(mode=Mode.AUTO)) for _ in range(2))
    assert isinstance(door.approve_alone(plan.id), Answer)
    assert isinstance(door.admission(plan.id, step_id="s1"), Admitted)
    service.close()
    service, door = opened(tmp_path, clock)
    assert refused(door.admission(plan.id, step_id="s1")) == "autonomy"
    assert refused(door.approve_alone(waiting.id)) == "autonomy"
    assert decide(door, service, waiting).status == "approved"  # a person still may
    service.close()
