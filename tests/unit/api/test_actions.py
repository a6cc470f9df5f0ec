"""Actions, plans under way and the kill switch on the interface."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from sre_copilot.action.catalogue import Catalogue
from sre_copilot.api.server import create_app
from sre_copilot.app.acting import open_desk
from sre_copilot.app.remedying import make_acting
from sre_copilot.app.serving import Service, make_service
from sre_copilot.clock import TurnedClock
from sre_copilot.incidents.statistics.facts import read
from sre_copilot.settings.document import Settings
from sre_copilot.settings.section import Role
from sre_copilot.store.plans import PlanStore
from sre_copilot.testing.counted_target import CountedExecutor, CountedTarget
from sre_copilot.testing.durable import MemoryDurable
from sre_copilot.testing.synthetic import SyntheticSource

NOW = 1_760_000_040.0


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    settings = Settings.model_validate({"store": {"folder": tmp_path}})
    made = make_service(settings, sources=[SyntheticSource()], clock=TurnedClock(NOW))
    yield made
    made.close()


@pytest.fixture
def target(tmp_path: Path) -> CountedTarget:
    """A system with a thing of value 10."""
    made = CountedTarget(tmp_path / "target.sqlite")
    made.put("a", 10.0)
    return made


@pytest.fixture
def client(service: Service, target: CountedTarget) -> TestClient:
    """The interface, with the counted target as the only system."""
    app = create_app(service)
    desk = open_desk(service.settings, service.database, service.clock)
    desk.catalogue = Catalogue([CountedExecutor(target)])
    app.state.acting = desk
    return TestClient(app)


def sent(client: TestClient, service: Service, role: Role, method: str, path: str, **body: Any) -> Any:
    """A request of somebody of a role."""
    token = service.tokens.create(role, role=role, now=NOW)[1]
    headers = {"Authorization": f"Bearer {token}"}
    return client.request(method, f"/api/v1{path}", json=body or None, headers=headers)


def test_a_preview_changes_nothing_and_a_plan_waits_for_an_approver(
    client: TestClient, service: Service, target: CountedTarget
) -> None:
    shown = sent(client, service, "responder", "POST", "/actions/counted.add/preview", target="thing/a")
    assert shown.json()["difference"] == ["value: 10.0 -> 11.0"]
    judged = shown.json()["judgement"]
    assert (judged["mode"], judged["forbidden"], judged["limits"]) == ("MANUAL", False, [])
    made = sent(client, service, "responder", "POST", "/actions/counted.add/plans", target="thing/a")
    assert made.status_code == 201
    kept = PlanStore(service.database).get(made.json()["plan_id"])
    assert kept is not None
    assert kept.status == "proposed"
    assert target.counts() == {}


def test_the_same_asked_twice_names_the_plan_that_waits(
    client: TestClient, service: Service, target: CountedTarget
) -> None:
    first = sent(client, service, "responder", "POST", "/actions/counted.add/plans", target="thing/a")
    again = sent(client, service, "admin", "POST", "/actions/counted.add/plans", target="thing/a")
    assert (first.status_code, first.json()["already"]) == (201, False)
    assert (again.status_code, again.json()["already"]) == (200, True)
    assert (again.json()["plan_id"], again.json()["requester"]) == (
        first.json()["plan_id"],
        first.json()["requester"],
    )
    other = sent(
        client,
        service,
        "responder",
        "POST",
        "/actions/counted.add/plans",
        target="thing/a",
        parameters={"by": 2},
    )
    assert other.json()["plan_id"] != first.json()["plan_id"]


def test_what_was_changed_by_hand_after_the_proposal_is_not_overruled(
    client: TestClient, service: Service, target: CountedTarget
) -> None:
    durable = MemoryDurable(service.clock)  # type: ignore[arg-type]
    acting = make_acting(service, durable, catalogue=Catalogue([CountedExecutor(target)]))
    durable.launch()
    plan = sent(client, service, "responder", "POST", "/actions/counted.add/plans", target="thing/a").json()
    target.put("a", 12.0)
    shown = sent(client, service, "responder", "GET", f"/plans/{plan['plan_id']}/diff").json()
    assert [each["changed"] for each in shown["steps"]] == [True]
    answer = sent(
        client, service, "approver", "POST", f"/approvals/{plan['plan_id']}/approve", comment="yes", step="s1"
    )
    assert answer.status_code == 200, answer.text
    acting.turn()
    durable.run_until_idle()
    assert target.counts() == {}
    (repair,) = read(service.database, since=0.0, until=2 * NOW).repairs
    assert (repair.state, repair.acted) == ("failed", False)
    begun = sent(client, service, "viewer", "GET", f"/remediations/{plan['plan_id']}?lang=en").json()
    assert "Somebody has changed the target" in begun["reason_words"]
    found = sent(client, service, "viewer", "GET", f"/plans/{plan['plan_id']}?lang=en").json()
    assert "Somebody has changed the target" in found["reason"]
    assert [each["state"] for each in found["steps"]] == ["failed"]
    assert "Somebody has changed the target" in found["steps"][0]["reason"]
    (vote,) = found["votes"]
    assert (vote["verdict"], vote["reason"], vote["way"]) == ("approve", "yes", "rest")
    assert found["ended_at"]
    assert found["requester"].startswith("responder")
    assert found["risk"]["words"].endswith("the action can be undone")


def test_the_catalogue_says_what_is_known_beforehand(client: TestClient, service: Service) -> None:
    items = sent(client, service, "viewer", "GET", "/actions").json()["items"]
    assert [(each["name"], each["exactly_once"]) for each in items] == [
        ("counted.add", True),
        ("counted.send", False),
        ("counted.set", True),
    ]


@pytest.mark.parametrize("name", ["counted.ad", "nothing.at_all"])
def test_an_action_that_is_not_there_is_named(client: TestClient, service: Service, name: str) -> None:
    found = sent(client, service, "responder", "POST", f"/actions/{name}/preview", target="thing/a")
    assert found.status_code == 400
    assert name in found.json()["detail"]


def test_whoever_may_respond_may_stop_and_an_approver_lets_it_go_on(
    client: TestClient, service: Service
) -> None:
    assert sent(client, service, "viewer", "POST", "/killswitch/on", reason="x").status_code == 403
    assert sent(client, service, "responder", "POST", "/killswitch/on", reason="x").json()["thrown"]
    assert sent(client, service, "viewer", "GET", "/killswitch").json()["reason"] == "x"
    assert sent(client, service, "responder", "POST", "/killswitch/off", reason="y").status_code == 403
    assert not sent(client, service, "approver", "POST", "/killswitch/off", reason="y").json()["thrown"]


def test_a_plan_that_was_never_begun_is_not_found(client: TestClient, service: Service) -> None:
    assert sent(client, service, "viewer", "GET", "/remediations/PLAN-1").status_code == 404
    assert sent(client, service, "responder", "POST", "/remediations/PLAN-1/cancel").status_code == 404


def test_a_plan_of_one_action_is_carried_out_once_a_person_has_approved_it(
    client: TestClient, service: Service, target: CountedTarget
) -> None:
    durable = MemoryDurable(service.clock)  # type: ignore[arg-type]
    acting = make_acting(service, durable, catalogue=Catalogue([CountedExecutor(target)]))
    durable.launch()
    plan = sent(client, service, "responder", "POST", "/actions/counted.add/plans", target="thing/a").json()
    acting.turn()
    durable.run_until_idle()
    assert target.counts() == {}
    answer = sent(
        client, service, "approver", "POST", f"/approvals/{plan['plan_id']}/approve", comment="yes", step="s1"
    )
    assert answer.status_code == 200, answer.text
    acting.turn()
    durable.run_until_idle()
    assert target.counts() == {f"{plan['plan_id']}/s1/do": 1}
    assert [each.acted for each in read(service.database, since=0.0, until=2 * NOW).repairs] == [True]
    shown = sent(client, service, "viewer", "GET", f"/remediations/{plan['plan_id']}").json()
    assert (shown["state"], shown["steps"][0]["state"]) == ("succeeded", "done")
