"""Requests for approval over REST, and the page behind their links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from sre_copilot.app.approving import Approving
from sre_copilot.clock import rfc3339
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Mode, Plan, RiskPart
from sre_copilot.incidents.report.words import say
from sre_copilot.store import remediation
from sre_copilot.store.approvals import go_aheads_of
from sre_copilot.store.audit_chain import AuditChain
from sre_copilot.testing.alerting_service import Deciding, deciding
from sre_copilot.testing.plans import a_plan, a_step

FORM = re.compile(r'name="(form|fingerprint)" value="([^"]+)"')


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deciding]:
    with deciding(tmp_path_factory.mktemp("approvals")) as found:
        yield found


def door(there: Deciding) -> Approving:
    found: Approving = there.application.state.approving
    return found


@pytest.fixture
def plan(there: Deciding) -> Plan:
    return door(there).plans.propose(a_plan(now=there.service.clock.now(), id=""))


def post(
    there: Deciding,
    plan: Plan,
    verb: str,
    body: dict[str, Any],
    *,
    role: Any = "approver",
    prefix: str = "/api",
) -> Any:
    return there.client(role).post(f"{prefix}/approvals/{plan.id}/{verb}", json=body)


def last(there: Deciding) -> dict[str, Any]:
    return AuditChain(there.service.database).page(limit=1).rows[0]


def test_in_chat_whoever_is_signed_in_decides_and_everything_is_audited(there: Deciding, plan: Plan) -> None:
    def says(role: Any, text: str) -> str:
        answer = there.client(role).post("/api/v1/chat", json={"ask": text, "lang": "en"})
        assert answer.status_code == 200, answer.text
        analysis: str = answer.json()["analysis"]
        return analysis

    says("approver", f"APPROVE {plan.id} but not yet")
    assert door(there).plans.get(plan.id).status == "proposed"  # type: ignore[union-attr]
    assert "needs" in says("viewer", f"APPROVE {plan.id}")
    assert (last(there)["verb"], last(there)["outcome"]) == ("plan.approve", "refused")
    assert f"{plan.id} was approved by" in says("approver", f"approve {plan.id}")
    assert door(there).plans.get(plan.id).status == "approved"  # type: ignore[union-attr]
    assert "already" in says("approver", f"批准 {plan.id}")


def test_what_waits_is_listed_with_the_fields_of_its_message(there: Deciding, plan: Plan) -> None:
    for prefix in ("/api", "/api/v1"):
        items = there.client("viewer").get(f"{prefix}/approvals/pending").json()["items"]
        found = next(each for each in items if each["plan_id"] == plan.id)
        assert (found["service"], found["metric"], found["current_value"]) == ("cart", "error_rate", 0.2)
        assert (found["estimated_minutes"], found["success_rate"], found["similar_cases"]) == (5, 0.95, 20)
        assert found["fingerprint"] == plan.fingerprint
        assert found["approvals_needed"] == 1


def test_the_approver_is_the_caller_and_another_name_is_refused(there: Deciding, plan: Plan) -> None:
    refused = post(there, plan, "approve", {"approver": "somebody.else"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (403, "approver")
    assert (last(there)["outcome"], last(there)["detail"]["code"]) == ("refused", "caller")
    done = post(there, plan, "approve", {"approver": "Approver"})
    assert (done.status_code, done.json()["status"]) == (200, "approved")
    assert done.json()["approver"].startswith("approver (token ")


def test_the_same_again_is_refused_because_it_was_decided(there: Deciding, plan: Plan) -> None:
    assert post(there, plan, "approve", {}, prefix="/api/v1").status_code == 200
    again = post(there, plan, "approve", {}, role="admin")
    assert again.status_code == 409
    assert "approved already" in again.json()["detail"]
    assert post(there, plan, "reject", {"reason": "no"}).json()["status"] == "cancelled"  # it had not begun
    assert post(there, plan, "reject", {"reason": "no"}).status_code == 409


@pytest.mark.parametrize("role", ["viewer", "responder"])
def test_a_lower_role_decides_nothing_and_that_is_audited(there: Deciding, plan: Plan, role: str) -> None:
    assert post(there, plan, "approve", {}, role=role).status_code == 403
    assert (last(there)["verb"], last(there)["outcome"], last(there)["subject"]) == (
        "plan.approve",
        "refused",
        plan.id,
    )
    assert post(there, plan, "reject", {"reason": "no"}, role=role).status_code == 403
    assert TestClient(there.application).post(f"/api/approvals/{plan.id}/approve", json={}).status_code == 401


def test_a_rejection_takes_its_reason(there: Deciding, plan: Plan) -> None:
    assert post(there, plan, "reject", {"approver": "approver"}).status_code == 422
    empty = post(there, plan, "reject", {"reason": " "})
    assert (empty.status_code, empty.json()["errors"][0]["field"]) == (422, "reason")
    done = post(there, plan, "reject", {"approver": "approver", "reason": "the sale is on"})
    assert done.json()["status"] == "rejected"
    assert "the sale is on" in done.json()["sentence"]


def test_what_is_not_there_or_no_id_is_said(there: Deciding) -> None:
    client = there.client("approver")
    assert client.post("/api/approvals/PLAN-20200101000000/approve", json={}).status_code == 404
    assert client.post("/api/approvals/PLAN-1/approve", json={}).status_code == 422
    assert client.post("/api/approvals/PLAN-20200101000000/approve", json={"plan": "x"}).status_code == 422


def test_a_delegation_is_made_used_and_ended(there: Deciding, plan: Plan) -> None:
    there.client("viewer")
    made = there.client("approver").post(
        "/api/approvals/delegations", json={"taker": "viewer", "end": "2099-01-01T00:00:00Z"}
    )
    assert made.status_code == 400
    assert "366 days" in made.json()["detail"]
    given = {"taker": "viewer", "end": _later(there), "reason": "away"}
    made = there.client("approver").post("/api/approvals/delegations", json=given)
    assert (made.status_code, made.json()["giver"], made.json()["taker"]) == (201, "approver", "viewer")
    stolen = there.client("responder").post("/api/approvals/delegations", json={**given, "giver": "admin"})
    assert stolen.status_code == 403
    assert post(there, plan, "approve", {}, role="viewer").json()["on_behalf_of"] == "approver"
    path = f"/api/approvals/delegations/{made.json()['id']}"
    assert there.client("responder").delete(path).status_code == 403
    assert there.client("approver").delete(path).status_code == 200
    assert there.client("approver").delete(path).status_code == 404
    assert there.client("viewer").get("/api/approvals/delegations").json()["items"] == []


def _later(there: Deciding) -> str:
    return rfc3339(there.service.clock.now() + 3600) or ""


# -- the page -------------------------------------------------------------------------------------------------------


def browser(there: Deciding, role: Any = "approver") -> TestClient:
    """A browser of somebody who has signed in."""
    client = TestClient(there.application, headers={"Accept": "text/html"}, follow_redirects=False)
    assert client.post("/open", data={"token": there.token(role)}).status_code == 200
    return client


def form_of(client: TestClient, plan: Plan, **more: str) -> dict[str, str]:
    shown = client.get(f"/approvals/{plan.id}?again=1")
    assert shown.status_code == 200
    return {**dict(FORM.findall(shown.text)), **more}


def status(there: Deciding, plan: Plan) -> str:
    kept = door(there).plans.get(plan.id)
    assert kept is not None
    return kept.status


def test_opening_the_page_changes_nothing_and_its_form_decides(there: Deciding, plan: Plan) -> None:
    client, before = browser(there), AuditChain(there.service.database).head()
    form = form_of(client, plan, verdict="approve")
    assert (status(there, plan), AuditChain(there.service.database).head()) == ("proposed", before)
    done = client.post(f"/approvals/{plan.id}", data=form)
    assert (done.status_code, done.headers["location"].partition("?")[0]) == (303, f"/approvals/{plan.id}")
    assert status(there, plan) == "approved"
    assert last(there)["detail"]["way"] == "page"
    again = client.post(f"/approvals/{plan.id}", data=form)
    assert again.status_code == 409


def test_who_is_not_signed_in_is_asked_to_after_the_page_has_opened_itself_once_more(
    there: Deciding, plan: Plan
) -> None:
    client = TestClient(there.application, headers={"Accept": "text/html"})
    first = client.get(f"/approvals/{plan.id}?proof=1.2.3")
    assert (first.status_code, "again=1" in first.text, "proof=1.2.3" in first.text) == (401, True, True)
    assert 'action="/open"' in client.get(f"/approvals/{plan.id}?again=1").text
    assert client.post(f"/approvals/{plan.id}", data={"verdict": "approve"}).status_code == 401
    assert status(there, plan) == "proposed"


def test_a_form_of_another_site_session_or_plan_decides_nothing(there: Deciding, plan: Plan) -> None:
    client, other = browser(there), door(there).plans.propose(a_plan(now=there.service.clock.now(), id=""))
    form, path = form_of(client, plan, verdict="approve"), f"/approvals/{plan.id}"
    cases = [
        client.post(path, data={"verdict": "approve"}),
        client.post(path, data={**form, "form": form["form"][:-1] + "x"}),
        client.post(path, data={**form, "fingerprint": "0" * 64}),
        client.post(path, data=form_of(client, other, verdict="approve")),
        client.post(path, data=form_of(browser(there), plan, verdict="approve")),
        client.post(path, data=form, headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}),
        client.post(path, data=form, headers={"Origin": "https://evil.example.org"}),
    ]
    assert [each.status_code for each in cases] == [403] * len(cases)
    assert status(there, plan) == "proposed"


@pytest.mark.parametrize(
    "header", [{"Authorization": "Basic dTpw"}, {"X-Api-Key": ""}, {"Authorization": "Bearer"}]
)
@pytest.mark.parametrize("site", ["same-site", "cross-site"])
def test_a_header_that_holds_no_token_does_not_stand_for_the_form(
    there: Deciding, plan: Plan, header: dict[str, str], site: str
) -> None:
    foreign = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Origin": "https://other.example.org"}
    answer = browser(there).post(
        f"/approvals/{plan.id}", data={"verdict": "approve"}, headers={**header, **foreign}
    )
    assert (answer.status_code, status(there, plan)) == (403, "proposed")


def test_a_token_in_the_header_needs_no_form(there: Deciding, plan: Plan) -> None:
    client = TestClient(there.application, follow_redirects=False)
    given = {"Authorization": f"Bearer {there.token('approver')}"}
    assert client.post(f"/approvals/{plan.id}", data={"verdict": "approve"}, headers=given).status_code == 303
    assert status(there, plan) == "approved"


@pytest.mark.parametrize("body", ["&".join(f"a{n}=1" for n in range(30)), b"token=" + b"a" * 30_000, b"\xff"])
def test_a_form_that_no_page_makes_is_refused_as_it_is(there: Deciding, plan: Plan, body: Any) -> None:
    assert browser(there).post(f"/approvals/{plan.id}", content=body).status_code == 400
    assert TestClient(there.application).post("/open", content=body).status_code == 400


def test_the_page_lets_the_first_step_go_along_and_takes_an_approval_back(there: Deciding) -> None:
    plan = door(there).plans.propose(a_plan(now=there.service.clock.now(), id="", mode=Mode.MANUAL))
    client, path = browser(there), f"/approvals/{plan.id}"
    form = form_of(client, plan, verdict="approve_along")
    assert client.post(path, data={**form, "along": "s1"}).status_code == 303
    with there.service.database.begin() as connection:
        assert set(go_aheads_of(connection, plan.id)) == {"s1"}
    shown = client.get(f"{path}?again=1").text
    assert ('value="reject"' in shown, 'value="approve"' in shown) == (True, False)
    assert client.post(path, data=form_of(client, plan, verdict="reject", reason="late")).status_code == 303
    assert status(there, plan) == "cancelled"


def test_the_page_says_where_it_acts_and_what_the_risk_consists_of(there: Deciding) -> None:
    made = a_plan(now=there.service.clock.now(), id="")
    part = RiskPart(name="time", value=0.3, weight=0.5, reason=Message(key="risk.time.usual"))
    why = Message(key="decision.level.critical", params=(("action", "stated.scale"),))
    plan = door(there).plans.propose(replace(made, risk=replace(made.risk, parts=(part,), reasons=(why,))))
    text = browser(there).get(f"/approvals/{plan.id}").text
    said = (plan.steps[0].action.target.environment, say(part.reason, "en"), say(why, "en"), "30 %", f"plan diff {plan.id}")  # fmt: skip
    assert [each for each in said if each not in text] == []


def test_the_page_of_a_plan_that_waits_shows_what_was_done_and_can_call_it_off(there: Deciding) -> None:
    steps = (a_step(1), replace(a_step(2, name="bank"), needs=("s1",)))
    now = there.service.clock.now()
    plan = door(there).plans.propose(a_plan(*steps, now=now, id="", mode=Mode.MANUAL))
    row = {"id": plan.id, "incident_id": "", "state": "paused", "fingerprint": plan.fingerprint,
           "who": "sre-copilot", "autonomous": False, "attempt": 1, "worker": "w"}  # fmt: skip
    rows = [{"step_id": each.id, "action": each.action.name, "target": "t"} for each in plan.steps]
    with there.service.database.write() as connection:
        remediation.begin(connection, row, rows, now=now)
        remediation.change_step(connection, plan.id, "s1", state="done", ended_at=now)
    door(there).plans.set_status(plan.id, "paused", expected="proposed", who="w", at=now)
    client = browser(there)
    shown = client.get(f"/approvals/{plan.id}?again=1").text
    assert "<strong>done</strong>" in shown
    assert 'name="step" value="s2"' in shown
    form = form_of(client, plan, verdict="reject", reason="enough", step="s2")
    assert client.post(f"/approvals/{plan.id}", data=form).status_code == 303
    assert remediation.Remediations(there.service.database).asked(plan.id) == "cancel"


def test_another_site_signs_nobody_in(there: Deciding) -> None:
    foreign = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    answer = TestClient(there.application).post(
        "/open", data={"token": there.token("viewer")}, headers=foreign
    )
    assert (answer.status_code, "set-cookie" in answer.headers) == (401, False)


def test_a_signed_in_viewer_sees_the_page_and_decides_nothing(there: Deciding, plan: Plan) -> None:
    client = browser(there, "viewer")
    refused = client.post(f"/approvals/{plan.id}", data=form_of(client, plan, verdict="approve"))
    assert refused.status_code == 403
    assert 'role="alert"' in refused.text
    assert (status(there, plan), last(there)["outcome"]) == ("proposed", "refused")


def test_a_changed_link_is_refused(there: Deciding, plan: Plan) -> None:
    client = browser(there)
    assert client.get(f"/approvals/{plan.id}?again=1&proof=9999999999..AAAA").status_code == 403
    assert client.get("/approvals/PLAN-20200101000000?again=1").status_code == 404
    assert "审批" in client.get(f"/approvals/{plan.id}?again=1&lang=zh").text
