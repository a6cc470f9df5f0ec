"""Runs of workflows on the interface: who sees what they read, and what one key starts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from sre_copilot.api.server import create_app
from sre_copilot.app.serving import Service, SourceRoles, make_service
from sre_copilot.app.workflows import make_workflows
from sre_copilot.clock import TurnedClock
from sre_copilot.settings.document import Settings
from sre_copilot.settings.section import Role
from sre_copilot.store.workflow_runs import FORGET_AT_ONCE, RunStore
from sre_copilot.testing.durable import MemoryDurable

NOW = 1_760_000_040.0
READ = "balance 4711"
TEXT = """\
workflow:
  id: secretive
  inputs: [{name: what, default: nothing}]
  triggers: [{type: webhook}]
  steps:
    - {name: read, provider: {type: set, with: {v: "{{ inputs.what }}"}}}
    - {name: ask, timeout: 1h, on_failure: continue, provider: {type: human, with: {title: "{{ inputs.what }}", text: "{{ inputs.what }}", form: [{name: ok, default: "{{ inputs.what }}"}]}}}
    - {name: no, provider: {type: fail, with: {reason: "{{ inputs.what }}"}}}
"""


@pytest.fixture
def durable() -> MemoryDurable:
    return MemoryDurable(TurnedClock(NOW))


@pytest.fixture
def service(tmp_path: Path, durable: MemoryDurable) -> Iterator[Service]:
    made = make_service(
        Settings.model_validate({"store": {"folder": tmp_path}}), sources=(), clock=durable.clock
    )
    made.workflows = make_workflows(made, durable)
    durable.launch()
    made.workflows.collection.apply(TEXT, who="ann")
    made.workflows.collection.apply(TEXT.replace("secretive", "other"), who="ann")
    made.roles = {"vault": SourceRoles(query="admin", see="admin")}
    yield made
    made.close()


@pytest.fixture
def client(service: Service) -> TestClient:
    return TestClient(create_app(service))


def sent(
    client: TestClient, service: Service, role: Role, path: str, body: Any = None, **headers: str
) -> Any:
    word = WORDS.get((id(service), role)) or service.tokens.create(role, role=role, now=NOW)[1]
    WORDS[id(service), role] = word
    told = {"Authorization": f"Bearer {word}", **headers}
    return client.request("GET" if body is None else "POST", f"/api/v1{path}", json=body, headers=told)


WORDS: dict[tuple[int, str], str] = {}


@pytest.fixture
def run(client: TestClient, service: Service, durable: MemoryDurable) -> str:
    started = sent(client, service, "admin", "/workflows/secretive/runs", {"inputs": {"what": READ}}).json()
    durable.run_until(NOW + 1)
    return str(started["run"])


def everything(client: TestClient, service: Service, role: Role, run: str) -> str:
    paths = (f"/workflow-runs/{run}", "/workflow-runs", "/workflow-tasks?status=")
    return "".join(sent(client, service, role, path).text for path in paths)


def test_what_a_run_read_is_hidden_from_those_who_do_not_see_its_sources(
    client: TestClient, service: Service, durable: MemoryDurable, run: str
) -> None:
    for _ in ("while it waits", "when it has failed"):
        assert READ not in everything(client, service, "viewer", run)
        assert everything(client, service, "admin", run).count(READ) >= 5
        durable.run_until_idle()
    found = sent(client, service, "viewer", f"/workflow-runs/{run}").json()
    assert (found["status"], found["hidden"], found["log"]) == ("failed", True, [])
    assert [each["label"] for each in found["steps"]] == ["read", "ask", "no"]
    service.roles = {}
    assert READ in everything(client, service, "viewer", run)


def test_a_run_that_read_with_no_higher_role_is_seen(client: TestClient, service: Service) -> None:
    body = {"inputs": {"what": READ}}
    started = sent(client, service, "responder", "/workflows/secretive/runs", body).json()["run"]
    assert READ in everything(client, service, "responder", started)
    assert READ not in everything(client, service, "viewer", started)


def test_whoever_goes_on_with_a_run_gets_neither_its_role_nor_what_it_read(
    client: TestClient, service: Service, durable: MemoryDurable, run: str
) -> None:
    durable.run_until_idle()
    again = sent(client, service, "responder", f"/workflow-runs/{run}/resume", {}).json()["run"]
    durable.run_until_idle()
    assert sent(client, service, "admin", f"/workflow-runs/{again}").json()["role"] == "responder"
    assert READ not in everything(client, service, "responder", again)


def test_a_key_starts_one_run_of_each_workflow_and_is_refused_with_other_inputs(
    client: TestClient, service: Service
) -> None:
    def start(workflow: str, what: str) -> Any:
        body = {"inputs": {"what": what}}
        return sent(client, service, "responder", f"/workflows/{workflow}/runs", body, **{"Idempotency-Key": "k"})  # fmt: skip

    first = start("secretive", "a").json()
    assert start("secretive", "a").json() == {"run": first["run"], "outcome": "known"}
    other = start("other", "a").json()
    assert (other["outcome"], other["run"] != first["run"]) == ("started", True)
    refused = start("secretive", "b")
    assert refused.status_code == 409
    assert first["run"] in refused.json()["detail"]


def test_a_key_of_another_system_is_refused_with_another_document(
    client: TestClient, service: Service
) -> None:
    answers = [
        sent(
            client, service, "responder", "/workflows/secretive/webhook", {"a": a}, **{"Idempotency-Key": "k"}
        )
        for a in (1, 1, 2)
    ]
    assert [each.status_code for each in answers] == [200, 200, 409]


def test_old_runs_are_forgotten_until_none_is_left(service: Service, durable: MemoryDurable) -> None:
    store, flows = RunStore(service.database), service.workflows
    flows.pump()
    row = {
        "workflow_id": "secretive", "version": 1, "parent": "", "trigger": {}, "inputs": {}, "status": "failed", "requested_by": "", "role": "viewer",
        "incident_id": "", "arguments": {}, "created_at": 1.0, "deadline": 2.0, "finished_at": 2.0, "outputs": {}, "error": "",
    }  # fmt: skip
    for number in range(FORGET_AT_ONCE + 50):
        store.open({**row, "id": f"old-{number}", "cause": f"old {number}"})
    durable.run_until(NOW + 3_700)
    flows.pump()
    assert len(store.page(limit=1000).rows) == 50
    durable.run_until(NOW + 3_702)
    flows.pump()
    assert store.page().rows == ()
