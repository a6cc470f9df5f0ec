"""In chat a workflow is offered, and started by whoever says so and may; other ways in are audited, too."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from sre_copilot.api.server import create_app
from sre_copilot.app.serving import Service, make_service
from sre_copilot.app.workflow_chat import command_of
from sre_copilot.app.workflows import make_workflows
from sre_copilot.clock import TurnedClock
from sre_copilot.settings.document import Settings
from sre_copilot.settings.section import Role
from sre_copilot.testing.durable import MemoryDurable
from sre_copilot.testing.synthetic import SyntheticSource

NOW = 1_760_000_040.0
TEXT = """\
workflow:
  id: disk-full
  name: Disk of a host
  triggers:
    - {type: chat, phrases: ['check the disk of {host}', 'check the disk']}
    - {type: webhook, cel: trigger.body.level == 'high', inputs: {host: a}}
  inputs: [{name: host, required: true}]
  steps: [{name: note, provider: {type: set, with: {host: '{{ inputs.host }}'}}}]
"""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    durable = MemoryDurable(TurnedClock(NOW))
    settings = Settings.model_validate({"store": {"folder": tmp_path}})
    made = make_service(settings, sources=[SyntheticSource()], clock=durable.clock)
    flows = made.workflows = make_workflows(made, durable)
    durable.launch()
    flows.collection.apply(TEXT, who="ann")
    yield made
    made.close()


@pytest.fixture
def client(service: Service) -> TestClient:
    return TestClient(create_app(service))


class Person:
    """Somebody with a role, in one session."""

    def __init__(self, client: TestClient, service: Service, role: Role) -> None:
        self.client, self.session = client, ""
        self.headers = {"Authorization": f"Bearer {service.tokens.create(role, role=role, now=NOW)[1]}"}

    def says(self, text: str) -> dict[str, Any]:
        body = {"ask": text, "session_id": self.session}
        answer = self.client.post("/api/v1/chat", json=body, headers=self.headers).json()
        self.session = answer["session_id"]
        return dict(answer)


def runs(service: Service) -> list[Any]:
    return list(service.workflows.runs.store.page().rows)


def audited(service: Service) -> list[tuple[str, str, Any]]:
    rows = service.alerting.records.audit_page().rows
    return [
        (row["verb"], row["outcome"], row["detail"]) for row in rows if row["verb"].startswith("workflow.")
    ]


def test_a_question_that_a_workflow_is_made_for_is_answered_with_the_offer_and_starts_nothing(
    client: TestClient, service: Service
) -> None:
    told = Person(client, service, "responder").says("please check the disk of web-1")
    (offer,) = told["follow_up_actions"]
    assert (offer["id"], offer["prompt"]) == ("workflow/disk-full", "RUN WORKFLOW disk-full host=web-1")
    assert "RUN WORKFLOW disk-full host=web-1" in told["analysis"]
    assert runs(service) == []


def test_a_yes_to_the_offer_starts_it_on_behalf_of_the_asker_and_a_yes_to_nothing_does_not(
    client: TestClient, service: Service
) -> None:
    person = Person(client, service, "responder")
    person.says("yes")
    assert runs(service) == []
    person.says("check the disk of web-1")
    answer = person.says("Yes.")
    (run,) = runs(service)
    assert run["id"] in answer["analysis"]
    assert (run["inputs"], run["requested_by"], run["role"], run["trigger"]["type"]) == ({"host": "web-1"}, "responder", "responder", "chat")  # fmt: skip
    assert [(verb, outcome, detail["run"]) for verb, outcome, detail in audited(service)] == [("workflow.run", "done", run["id"])]  # fmt: skip
    person.says("yes")
    assert len(runs(service)) == 1


def test_whoever_may_not_start_it_is_refused_and_the_refusal_is_audited(
    client: TestClient, service: Service
) -> None:
    person = Person(client, service, "viewer")
    assert "needs the role responder" in person.says("check the disk of web-1")["analysis"]
    assert "needs the role responder" in person.says("yes")["analysis"]
    assert runs(service) == []
    assert [(verb, outcome) for verb, outcome, _ in audited(service)] == [("workflow.run", "refused")]


def test_what_is_missing_is_asked_for_and_given_with_the_command(
    client: TestClient, service: Service
) -> None:
    person = Person(client, service, "responder")
    assert "RUN WORKFLOW disk-full host=…" in person.says("check the disk")["analysis"]
    assert "host" in person.says("yes")["analysis"]
    assert runs(service) == []
    person.says("run workflow disk-full host='web 2'")
    assert [each["inputs"] for each in runs(service)] == [{"host": "web 2"}]
    assert "is not there" in person.says("RUN WORKFLOW none")["analysis"]


@pytest.mark.parametrize("text", ["run workflow", "RUN WORKFLOW a b", "please RUN WORKFLOW a", "RUN WORKFLOW A/B", "run workflow a x='"])  # fmt: skip
def test_what_is_no_whole_command_starts_nothing(text: str) -> None:
    assert command_of(text) is None


def test_a_start_by_another_system_is_audited_whatever_comes_of_it(
    client: TestClient, service: Service
) -> None:
    person = Person(client, service, "responder")
    for level in ("low", "high"):
        client.post("/api/v1/workflows/disk-full/webhook", json={"level": level}, headers=person.headers)
    found = {
        detail["outcome"]: detail["run"] for verb, _, detail in audited(service) if verb == "workflow.webhook"
    }
    assert found == {"not meant": "", "started": runs(service)[0]["id"]}


def test_of_two_who_have_read_the_same_version_one_is_refused(client: TestClient, service: Service) -> None:
    approver = Person(client, service, "approver")
    codes: list[int] = []

    def apply(number: int) -> None:
        headers = {**approver.headers, "If-Match": '"1"'}
        body = {"text": TEXT.replace("Disk of a host", f"Disk {number}")}
        codes.append(client.post("/api/v1/workflows", json=body, headers=headers).status_code)

    threads = [threading.Thread(target=apply, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(codes) == [200, 412, 412, 412]
    assert service.workflows.collection.store.get("disk-full")["version"] == 2
