"""Plans over REST: listed, shown with what was weighed, held against the present state, and simulated."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sre_copilot.action.catalogue import Catalogue
from sre_copilot.app.acting import open_desk
from sre_copilot.domain.knowledge import PastFault
from sre_copilot.domain.plan import Plan
from sre_copilot.knowledge.keeping import Experience
from sre_copilot.testing.alerting_service import Deciding, deciding
from sre_copilot.testing.plans import a_plan, a_step
from sre_copilot.testing.stated_executor import StatedExecutor, spec


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deciding]:
    with deciding(tmp_path_factory.mktemp("plans")) as found:
        service = found.service
        desk = open_desk(service.settings, service.database, service.clock)
        restart = spec("kubernetes.rollout_restart", kinds=("Deployment",), properties={"grace": {}})
        desk.__dict__["catalogue"] = Catalogue(
            [StatedExecutor("kubernetes", specs=[restart], states={"cart": {"replicas": 2}})]
        )
        found.application.state.acting = desk
        yield found


@pytest.fixture(scope="module")
def plan(there: Deciding) -> Plan:
    plans = there.application.state.approving.plans
    made: Plan = plans.propose(a_plan(a_step(state="another"), now=there.service.clock.now(), id=""))
    return made


def test_plans_are_listed_by_how_they_stand(there: Deciding, plan: Plan) -> None:
    client = there.client("viewer")
    for prefix in ("/api/v1", "/api"):
        (row,) = client.get(f"{prefix}/plans", params={"status": "proposed"}).json()["items"]
        assert (row["id"], row["service"], row["altered"]) == (plan.id, "cart", False)
    assert client.get("/api/v1/plans", params={"status": "running"}).json()["items"] == []
    assert client.get("/api/v1/plans", params={"status": "lost"}).status_code == 422


def test_a_plan_is_shown_with_its_steps_its_signals_and_its_record(there: Deciding, plan: Plan) -> None:
    found = there.client("viewer").get(f"/api/v1/plans/{plan.id}").json()
    assert (found["fingerprint"], found["record"]["success_rate"]) == (plan.fingerprint, 0.95)
    assert found["steps"][0]["target"]["name"] == "cart"
    assert found["steps"][0]["checks"][0]["measure"] == "error_rate"


def test_the_difference_says_that_the_target_is_not_as_it_was(there: Deciding, plan: Plan) -> None:
    assert there.client("viewer").get(f"/api/v1/plans/{plan.id}/diff").status_code == 403
    (step,) = there.client("responder").get(f"/api/v1/plans/{plan.id}/diff").json()["steps"]
    assert (step["changed"], step["problem"], step["difference"]) == (True, "", ["grace: None -> 30"])


def test_what_is_not_there_is_said(there: Deciding) -> None:
    client = there.client("responder")
    assert client.get("/api/v1/plans/PLAN-20200101000000").status_code == 404
    assert client.get("/api/v1/plans/PLAN-20200101000000/diff").status_code == 404
    assert client.get("/api/v1/plans/x").status_code == 422


def test_the_faults_of_the_past_are_simulated_and_counted(there: Deciding) -> None:
    shelf = Experience(there.service.database, there.service.clock)
    at = there.service.clock.now() - 3600
    for number, did in enumerate(("Restarted it", "Called the owner")):
        fault = PastFault(id=f"p{number}", at=at, service="cart", fault_type="process/hung", summary="s", measure=did, standing="accepted")  # fmt: skip
        shelf.save_past(fault, by="test")
    found = there.client("responder").get("/api/v1/plans/simulation", params={"days": 1}).json()
    assert (found["cases"], found["comparable"], found["fits"]) == (2, 1, 0)
    assert {each["verdict"] for each in found["items"]} == {"none", "unknown"}
    assert found["items"][0]["reason"], "nothing is configured: the reason is said"
    assert (
        there.client("responder").get("/api/v1/plans/simulation", params={"days": 0.01}).json()["cases"] == 0
    )
