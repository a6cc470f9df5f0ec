"""Workflows are made of what the store has of an incident, by rules and by a model; they are tried on its past."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from sre_copilot.app.workflow_making import Making
from sre_copilot.app.workflow_trying import Trial
from sre_copilot.domain.evidence import Check, Query
from sre_copilot.domain.knowledge import Card
from sre_copilot.domain.signals import Window
from sre_copilot.errors import UsageError
from sre_copilot.knowledge.keeping import Experience
from sre_copilot.llm.factory import make_speaker
from sre_copilot.settings.llm import Llm
from sre_copilot.store.plans import PlanStore
from sre_copilot.testing.alerting_service import Deciding, deciding
from sre_copilot.testing.models import Answer, ScriptedModel
from sre_copilot.testing.plans import a_plan, a_step
from sre_copilot.testing.servers.openai import called, openai_server
from sre_copilot.testing.workflows import FakeChecks, FakeTools
from sre_copilot.workflows.ports import Ports
from sre_copilot.workflows.reading import read
from sre_copilot.workflows.spec import Workflow

CHECK = Check(
    query=Query(source="metrics", measure="value", where=(("service", "cart"), ("metric", "memory")), window=Window(1_760_000_000.0, 1_760_000_600.0)),
    aggregate="max", relation=">", bound=0.9,
)  # fmt: skip
PROPOSED = {
    "steps": [
        {"name": "sure", "title": "Is memory still rising", "kind": "ask"},
        {
            "name": "restart",
            "title": "Restart it",
            "kind": "do",
            "only_if": [{"step": "sure", "answer": "yes"}],
        },
    ]
}


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deciding]:
    with deciding(tmp_path_factory.mktemp("making")) as found:
        yield found


@pytest.fixture(scope="module")
def incident(there: Deciding) -> str:
    """An incident whose investigation found a fault."""
    key = str(there.incident(there.fire("MemoryHigh", service="cart", severity="critical"))["id"])
    evidence = [
        {"kind": "metric.saturation", "entity": "cart", "weight": 3.0, "cited": True, "checks": [{"check": asdict(CHECK), "observed": 0.95}]},
        {"kind": "metric.shift", "entity": "shop", "weight": 5.0, "cited": False, "checks": []},
    ]  # fmt: skip
    row = {
        "id": "I-1", "started_at": 1.0, "finished_at": 2.0, "anomaly_ids": [], "outcome": "fault", "cause": "cart",
        "fault_type": "resource/memory", "confidence": 0.9, "report": {"evidence": {}, "document": {"evidence": evidence}},
    }  # fmt: skip
    there.service.investigations.save([row])
    told = {"incident_id": key, "outcome": "fault", "cause": "cart", "fault_type": "resource/memory", "confidence": 0.9, "investigation_id": "I-1",
            "evidence": [], "headline": {"en": "cart", "zh": "cart"}, "rows": 5, "round": 1, "unseen": 0, "problem": ""}  # fmt: skip
    there.service.alerting.commands.post("incident.diagnosis", told, who="test", key="d1")
    there.until(lambda: there.client().get(f"/api/v1/incidents/{key}").json()["diagnosis"])
    return key


def making(there: Deciding, speaker: Any = None) -> Making:
    service = there.service
    return Making(service.settings, service.database, service.clock, speaker)


def made_of(there: Deciding, incident: str) -> Workflow:
    made = making(there).from_incident(incident)
    assert [str(each) for each in made.repaired.remarks if each.weight == "error"] == []
    return read(made.text).workflow


def test_a_workflow_of_an_incident_asks_its_statements_again_and_is_bound_to_its_alert(
    there: Deciding, incident: str
) -> None:
    workflow = made_of(there, incident)
    assert workflow.id == "confirm-resource-memory-cart"
    alert = next(each for each in workflow.triggers if each.type == "alert")
    assert {each.key: each.value for each in alert.filters} == {"alertname": "MemoryHigh", "service": "cart"}
    check = workflow.steps[0].provider
    assert check.with_.where == {"service": "cart", "metric": "memory"}  # type: ignore[union-attr]
    assert (check.with_.window, check.with_.bound) == (600.0, 0.9)  # type: ignore[union-attr]
    assert [(step.name, step.kind) for step in workflow.actions] == [("decide", "human")]


def test_it_is_kept_as_a_draft_and_shown_against_the_present_version(there: Deciding, incident: str) -> None:
    client = there.client("responder")
    assert (
        there.client("viewer").post("/api/v1/workflows/generate", json={"incident_id": incident}).status_code
        == 403
    )
    found = client.post("/api/v1/workflows/generate", json={"incident_id": incident, "model": False}).json()
    assert (found["id"], found["kept"], found["made_by"]) == ("confirm-resource-memory-cart", True, "rules")
    applied = there.client("approver").post(
        "/api/v1/workflows", json={"text": found["text"].replace("4h", "2h")}
    )
    assert applied.json()["version"] == 1
    again = client.post("/api/v1/workflows/generate", json={"incident_id": incident, "model": False}).json()
    assert "-    timeout: 2h\n+    timeout: 4h" in again["difference"]
    assert client.get("/api/v1/workflows/confirm-resource-memory-cart").json()["version"] == 1


def test_what_people_wrote_down_is_done_and_a_plan_goes_before_it(there: Deciding, incident: str) -> None:
    card = Card(
        id="card-1", title="Leak", root_cause="a leak", manifestation="memory rises", measure="Restart the pod and watch for 10 minutes that memory stays low",
        fault_type="resource/memory", standing="accepted",
    )  # fmt: skip
    Experience(there.service.database, there.service.clock).save(card, by="ann")
    assert "Restart the pod" in made_of(there, incident).actions[0].title
    plan = replace(a_plan(a_step(), now=there.service.clock.now(), id=""), incident_id=incident)
    kept = PlanStore(there.service.database).propose(plan)
    made = making(there).from_incident(incident)
    assert f"as in {kept.id}" in made.text or "is a task for a person" in made.repaired.repairs[0]
    assert "is not in the catalogue" in made.repaired.repairs[0]
    PlanStore(there.service.database).set_status(kept.id, "cancelled", expected="proposed", who="ann", at=1.0)


def test_a_model_proposes_the_steps_and_the_statements_stay_before_them(
    there: Deciding, incident: str
) -> None:
    speaker = make_speaker(Llm(), models={"strong": ScriptedModel([Answer(PROPOSED)])})
    made = making(there, speaker).from_incident(incident)
    assert made.by != "rules", made.why_rules
    workflow = read(made.text).workflow
    assert [step.kind for step in workflow.steps] == ["check", "set"] or workflow.steps[0].kind == "check"
    assert [step.name for step in workflow.actions] == ["sure", "restart"]
    assert (workflow.actions[1].condition or "").startswith("steps.verdict.output.held > 0 && (")


def test_a_procedure_is_made_by_a_model_over_its_protocol_and_by_rules_where_it_fails(
    there: Deciding,
) -> None:
    text = (Path(__file__).parents[3] / "examples/workflows/procedures/memory-leak.md").read_text(
        encoding="utf-8"
    )
    with openai_server(lambda _: called("answer", PROPOSED)) as server:
        settings = Llm.model_validate({"models": {"one": {"model": "openai/any", "url": server.url}}})
        by_model = making(there, make_speaker(settings)).from_procedure(text, name="memory-leak.md")
        assert "memory" in json.dumps(server.asked)
        server.misbehave("broken")
        by_rules = making(there, make_speaker(settings)).from_procedure(text, name="memory-leak.md")
    assert (by_model.by, [step.name for step in read(by_model.text).workflow.steps]) == (
        "one",
        ["sure", "restart"],
    )
    assert by_rules.by == "rules"
    assert by_rules.why_rules
    assert len(read(by_rules.text).workflow.steps) > 2


def test_of_what_is_not_there_or_was_no_fault_nothing_is_made(there: Deciding) -> None:
    other = there.incident(there.fire("Slow", service="shop", severity="critical"))["id"]
    with pytest.raises(UsageError, match="found no fault"):
        making(there).from_incident(other)
    with pytest.raises(UsageError, match="is not there"):
        making(there).from_incident("INC-none")


TRIED = """\
workflow:
  id: tried
  triggers: [{type: alert, filters: [{key: alertname, value: MemoryHigh}], inputs: {service: '{{ trigger.alert.labels.service }}'}}]
  inputs: [{name: service, required: true}]
  steps:
    - {name: look, provider: {type: tool.rows, with: {service: '{{ inputs.service }}'}}}
    - {name: tell, provider: {type: notify, with: {receivers: [team], title: 'about {{ inputs.service }}'}}}
"""


def trial(there: Deciding, tools: FakeTools, text: str = TRIED) -> Trial:
    @contextmanager
    def ports(at: float) -> Iterator[Ports]:
        yield Ports(tools=tools, checks=FakeChecks())

    records = there.service.alerting.records
    return Trial(text=text, records=records, open_ports=ports, role="viewer", inputs={}, answers={})


def test_a_workflow_is_tried_on_an_incident_as_its_trigger_would_have_started_it(
    there: Deciding, incident: str
) -> None:
    tools = FakeTools({"rows": {"count": 3}})
    found = trial(there, tools).on_incident(incident)
    assert (found.started_by, found.incident_id) == ("alert", incident)
    assert found.found is not None
    assert found.found.status == "succeeded"
    assert tools.asked == [("rows", {"service": "cart"})]
    assert [each.text for each in found.found.would] == ["about cart"]


def test_of_the_last_days_each_time_that_it_would_have_started_is_tried_once(
    there: Deciding, incident: str
) -> None:
    found = trial(there, FakeTools({"rows": {"count": 3}})).on_incidents(since=0.0)
    assert [each.incident_id for each in found] == [incident]
    with pytest.raises(UsageError, match="nothing of the past starts it"):
        trial(there, FakeTools(), TRIED.replace("type: alert, filters: [{key: alertname, value: MemoryHigh}], ", "type: interval, value: 1h, ")).on_incidents(since=0.0)  # fmt: skip


def test_by_rest_a_text_is_tried_with_the_role_of_the_token(there: Deciding, incident: str) -> None:
    body = {"text": TRIED.replace("tool.rows", "tool.query_metrics"), "incident_id": incident}
    answer = there.client("responder").post("/api/v1/workflows/simulate", json=body)
    assert answer.status_code == 200, answer.text
    (found,) = answer.json()["items"]
    assert (found["started_by"], found["simulation"]["path"][0]["step"]) == (
        "alert",
        "look",
    )
    assert there.client("viewer").post("/api/v1/workflows/simulate", json=body).status_code == 403
    both = there.client("responder").post("/api/v1/workflows/simulate", json={**body, "days": 1})
    assert both.status_code == 422
