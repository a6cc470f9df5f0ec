"""What `/openapi.json` declares of plans, approvals, actions and the kill switch is what their answers look like, field by field."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.unit.api.test_shapes import Answers

from sre_copilot.action.catalogue import Catalogue
from sre_copilot.api.server import create_app
from sre_copilot.app.acting import open_desk
from sre_copilot.app.serving import Service, make_service
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Mode, Option, RiskPart
from sre_copilot.settings.document import Settings
from sre_copilot.settings.section import Role
from sre_copilot.store import remediation
from sre_copilot.testing.plans import NOW, a_plan, a_step
from sre_copilot.testing.stated_executor import StatedExecutor
from sre_copilot.testing.synthetic import SyntheticSource

DECLARED = ("/plans", "/approvals", "/actions", "/remediations", "/killswitch")


class There:
    """A server whose only system is one of stated states."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.app = create_app(service)
        desk = open_desk(service.settings, service.database, service.clock)
        desk.catalogue = Catalogue([StatedExecutor(states={"cart": {"state": "up"}})])
        self.app.state.acting = desk
        self.tokens = {
            role: service.tokens.create(role, role=role, now=NOW)[1] for role in ("admin", "viewer")
        }

    def client(self, role: Role) -> TestClient:
        """Somebody of a role."""
        return TestClient(self.app, headers={"Authorization": f"Bearer {self.tokens[role]}"})


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[There]:
    folder: Path = tmp_path_factory.mktemp("acting")
    settings = Settings.model_validate({"store": {"folder": folder}})
    service = make_service(settings, sources=[SyntheticSource(services=1, metrics=1)], clock=TurnedClock(NOW))
    yield There(service)
    service.close()


@pytest.fixture(scope="module")
def answers(there: There) -> Answers:
    return Answers(there)  # type: ignore[arg-type]


def whole_plan(**changes: Any) -> Any:
    """A plan with something of everything."""
    plan = a_plan(a_step(1), replace(a_step(2, name="bank"), needs=("s1",)))
    part = RiskPart(name="kind", value=0.3, weight=0.5, reason=Message(key="risk.kind.medium"))
    risk = replace(plan.risk, parts=(part,), reasons=(Message(key="decision.inconclusive"),))
    option = Option(
        strategy="nothing", title=plan.title, score=0.0, success=None, reason=plan.title, steps=plan.steps
    )
    return replace(plan, risk=risk, options=(option,), **changes)


def test_plans_and_approvals_are_as_declared(there: There, answers: Answers) -> None:
    door = there.app.state.approving
    first, second = door.plans.propose(whole_plan()), door.plans.propose(whole_plan())
    assert answers.ask("GET", "/api/v1/plans")["items"]
    answers.ask("GET", "/api/v1/plans/{plan_id}", plan_id=first.id)
    answers.ask("GET", "/api/v1/plans/{plan_id}/diff", plan_id=first.id)
    assert len(answers.ask("GET", "/api/v1/approvals/pending")["items"]) == 2
    approved = answers.ask("POST", "/api/v1/approvals/{plan_id}/approve", plan_id=first.id, body={"comment": "go"})  # fmt: skip
    assert (approved["status"], approved["missing"], approved["step"]) == ("approved", 0, "")
    rejected = answers.ask("POST", "/api/v1/approvals/{plan_id}/reject", plan_id=second.id, body={"reason": "no"})  # fmt: skip
    assert rejected["status"] == "rejected"
    assert answers.ask("GET", "/api/v1/plans/{plan_id}", plan_id=first.id)["decided_at"]


def test_a_step_that_waits_is_as_declared_and_can_be_let_go(there: There, answers: Answers) -> None:
    door = there.app.state.approving
    made = whole_plan()
    plan = door.plans.propose(replace(made, risk=replace(made.risk, mode=Mode.MANUAL)))
    row = {"id": plan.id, "incident_id": "", "state": "paused", "fingerprint": plan.fingerprint,
           "who": "sre-copilot", "autonomous": False, "attempt": 1, "worker": "w"}  # fmt: skip
    steps = [{"step_id": each.id, "action": each.action.name, "target": "t"} for each in plan.steps]
    with door.database.write() as connection:
        remediation.begin(connection, row, steps, now=NOW)
    answers.ask("POST", "/api/v1/approvals/{plan_id}/approve", plan_id=plan.id, body={})
    for before, after in (("approved", "running"), ("running", "paused")):
        door.plans.set_status(plan.id, after, expected=before, who="w", at=NOW)
    waiting = answers.ask("GET", "/api/v1/approvals/pending")["items"]
    assert [each["waits_for"] for each in waiting if each["plan_id"] == plan.id] == ["s1"]
    page = there.client("admin").get(f"/approvals/{plan.id}").text
    assert 'name="step" value="s1"' in page
    let = answers.ask("POST", "/api/v1/approvals/{plan_id}/approve", plan_id=plan.id, body={"step": "s1"})
    assert (let["step"], let["status"]) == ("s1", "paused")
    assert "s1" in let["sentence"]
    assert answers.ask("GET", "/api/v1/remediations")["items"]
    assert answers.ask("GET", "/api/v1/remediations/{plan_id}", plan_id=plan.id)["steps"]
    answers.ask("POST", "/api/v1/remediations/{plan_id}/{wish}", plan_id=plan.id, wish="pause")


def test_actions_and_the_switch_are_as_declared(there: There, answers: Answers) -> None:
    assert answers.ask("GET", "/api/v1/actions")["items"]
    answers.ask("GET", "/api/v1/actions/records")
    wish = {"target": "process/cart"}
    answers.ask("POST", "/api/v1/actions/{name}/preview", name="stated.restart", body=wish)
    answers.ask("POST", "/api/v1/actions/{name}/plans", name="stated.restart", body=wish)
    answers.ask("GET", "/api/v1/killswitch")
    assert answers.ask("POST", "/api/v1/killswitch/on", body={"reason": "test"})["thrown"]
    assert not answers.ask("POST", "/api/v1/killswitch/off", body={"reason": "test"})["thrown"]


def test_delegations_are_as_declared(there: There, answers: Answers) -> None:
    there.service.tokens.create("bob", role="approver", now=NOW)
    body = {"taker": "bob", "end": "2026-02-07T00:00:00Z"}
    made = answers.ask("POST", "/api/v1/approvals/delegations", body=body)
    assert answers.ask("GET", "/api/v1/approvals/delegations")["items"]
    answers.ask("DELETE", "/api/v1/approvals/delegations/{key}", key=made["id"])


def test_a_simulation_is_as_declared(answers: Answers) -> None:
    assert answers.ask("GET", "/api/v1/plans/simulation")["cases"] == 0


def test_every_answer_is_declared(there: There) -> None:
    document = there.client("admin").get("/openapi.json").json()
    plain = [
        f"{method} {path}"
        for path, methods in document["paths"].items()
        if path.startswith(tuple(f"/api/v1{each}" for each in DECLARED))
        for method, operation in methods.items()
        for status, answer in operation["responses"].items()
        if status.startswith("2")
        for said in answer.get("content", {}).values()
        if "$ref" not in said.get("schema", {})
    ]
    assert plain == []
