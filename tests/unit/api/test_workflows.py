"""Workflows on the interface: applied once, started, answered, cancelled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from sre_copilot.api.server import create_app
from sre_copilot.app.serving import Service, make_service
from sre_copilot.app.workflows import make_workflows
from sre_copilot.clock import TurnedClock
from sre_copilot.settings.document import Settings
from sre_copilot.settings.section import Role
from sre_copilot.testing.durable import MemoryDurable
from sre_copilot.testing.synthetic import SyntheticSource

NOW = 1_760_000_040.0
TEXT = """\
workflow:
  id: ask
  triggers:
    - {type: webhook, cel: trigger.body.level == 'high'}
  steps:
    - {name: ask, timeout: 1h, provider: {type: human, with: {title: Sure, form: [{name: sure, type: boolean}]}}}
"""


@pytest.fixture
def durable() -> MemoryDurable:
    return MemoryDurable(TurnedClock(NOW))


@pytest.fixture
def service(tmp_path: Path, durable: MemoryDurable) -> Iterator[Service]:
    made = make_service(
        Settings.model_validate({"store": {"folder": tmp_path}}), sources=[SyntheticSource()], clock=durable.clock
    )  # fmt: skip
    made.workflows = make_workflows(made, durable)
    durable.launch()
    yield made
    made.close()


@pytest.fixture
def client(service: Service) -> TestClient:
    return TestClient(create_app(service))


def sent(
    client: TestClient, service: Service, role: Role, path: str, body: Any = None, **headers: str
) -> Any:
    token = service.tokens.create(role, role=role, now=NOW)[1]
    told = {"Authorization": f"Bearer {token}", **headers}
    method = "GET" if body is None else "POST"
    return client.request(method, f"/api/v1{path}", json=body, headers=told)


def test_a_text_is_applied_by_an_approver_and_not_over_anothers_change(
    client: TestClient, service: Service
) -> None:
    assert sent(client, service, "responder", "/workflows", {"text": TEXT}).status_code == 403
    assert sent(client, service, "approver", "/workflows", {"text": TEXT}).headers["etag"] == '"1"'
    other = {"text": TEXT.replace("Sure", "Really")}
    assert sent(client, service, "approver", "/workflows", other, **{"If-Match": '"7"'}).status_code == 412
    assert (
        sent(client, service, "approver", "/workflows", other, **{"If-Match": '"1"'}).json()["version"] == 2
    )
    assert sent(client, service, "viewer", "/workflows/ask").json()["text"] == other["text"]
    difference = sent(client, service, "viewer", "/workflows/ask/difference?old=1&new=2").json()["difference"]
    assert "Really" in difference


def test_a_text_that_lint_refuses_is_not_kept(client: TestClient, service: Service) -> None:
    wrong = {"text": TEXT.replace("with: {title: Sure", "with: {receivers: [nobody], title: Sure")}
    answer = sent(client, service, "approver", "/workflows", wrong)
    assert answer.status_code == 400
    assert "line 6" in answer.json()["detail"]
    assert sent(client, service, "viewer", "/workflows/lint", wrong).json()["items"][0]["line"] == 6
    assert sent(client, service, "viewer", "/workflows").json()["items"] == []


def test_a_run_waits_for_a_person_and_goes_on_with_the_answer(
    client: TestClient, service: Service, durable: MemoryDurable
) -> None:
    sent(client, service, "approver", "/workflows", {"text": TEXT})
    run = sent(client, service, "responder", "/workflows/ask/runs", {}).json()["run"]
    durable.run_until(NOW + 1)
    task = sent(client, service, "viewer", "/workflow-tasks").json()["items"][0]["id"]
    assert sent(client, service, "responder", f"/workflow-tasks/{task}/answer", {"answer": {"sure": True}}).status_code == 200  # fmt: skip
    durable.run_until(NOW + 2)
    found = sent(client, service, "viewer", f"/workflow-runs/{run}").json()
    assert found["status"] == "succeeded"
    assert found["steps"][0]["output"]["answer"] == {"sure": True}
    assert sent(client, service, "responder", f"/workflow-runs/{run}/cancel", {}).status_code == 409


def test_another_system_starts_it_where_its_condition_is_true(client: TestClient, service: Service) -> None:
    sent(client, service, "approver", "/workflows", {"text": TEXT})
    assert sent(client, service, "viewer", "/workflows/ask/webhook", {"level": "high"}).status_code == 403
    low = sent(client, service, "responder", "/workflows/ask/webhook", {"level": "low"}).json()
    assert low["outcome"] == "not meant"
    high = sent(client, service, "responder", "/workflows/ask/webhook", {"level": "high"}).json()
    assert high["outcome"] == "started"
    assert sent(client, service, "viewer", "/workflow-runs").json()["items"][0]["id"] == high["run"]


def test_what_is_not_there_is_404_and_without_a_worker_no_run_begins(
    client: TestClient, service: Service
) -> None:
    assert sent(client, service, "viewer", "/workflows/none").status_code == 404
    assert sent(client, service, "responder", "/workflows/none/runs", {}).status_code == 404
    assert sent(client, service, "viewer", "/workflow-runs/none").status_code == 404
    service.workflows = None
    assert sent(client, service, "viewer", "/workflow-runs").json()["items"] == []
    assert (
        sent(client, service, "responder", "/workflows/asked", {"text": "check the shop"}).status_code == 503
    )
