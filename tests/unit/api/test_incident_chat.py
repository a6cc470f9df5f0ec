"""In chat the report of an incident, and a workflow made of it, come from the records, for whoever asks for that alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pytest

from sre_copilot.app.incident_chat import IncidentWish, wish_of
from sre_copilot.domain.evidence import Check, Query
from sre_copilot.domain.signals import Window
from sre_copilot.settings.section import Role
from sre_copilot.store.plans import PlanStore
from sre_copilot.testing.alerting_service import Deciding, deciding
from sre_copilot.workflows.reading import read

CHECK = Check(
    query=Query(source="metrics", measure="value", where=(("service", "cart"), ("metric", "memory")), window=Window(1_760_000_000.0, 1_760_000_600.0)),
    aggregate="max", relation=">", bound=0.9,
)  # fmt: skip


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deciding]:
    with deciding(tmp_path_factory.mktemp("incident_chat")) as found:
        yield found


@pytest.fixture(scope="module")
def incident(there: Deciding) -> str:
    """An incident whose investigation found a fault."""
    key = str(there.incident(there.fire("MemoryHigh", service="cart", severity="critical"))["id"])
    evidence = [{"kind": "metric.saturation", "entity": "cart", "weight": 3.0, "cited": True, "checks": [{"check": asdict(CHECK), "observed": 0.95}]}]  # fmt: skip
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


def says(there: Deciding, text: str, role: Role = "responder") -> dict[str, Any]:
    answer = there.client(role).post("/api/v1/chat", json={"ask": text})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.mark.parametrize(
    ("text", "thing"),
    [
        ("write the report of INC-7", "report"),
        ("Please give me the postmortem for incident inc-7.", "report"),
        ("写 INC-7 的故障报告", "report"),
        ("请生成INC-7的复盘", "report"),
        ("make a workflow of INC-7", "workflow"),
        ("generate a repair workflow from incident INC-7", "workflow"),
        ("为 INC-7 生成修复工作流", "workflow"),
    ],
)
def test_a_message_that_asks_for_this_alone_is_understood(text: str, thing: Any) -> None:
    assert wish_of(text) == IncidentWish(thing=thing, incident_id="INC-7")


@pytest.mark.parametrize(
    "text",
    [
        "why is INC-7 not in the report?",
        "write the report of INC-7 and INC-8",
        "write the report of INC-7 and restart cart",
        "do not make a workflow of INC-7",
        "不要生成 INC-7 的工作流",
        "make a workflow",
        "RUN WORKFLOW report INC-7",
        "report of INC-7",
    ],
)
def test_anything_else_is_left_to_the_team(text: str) -> None:
    assert wish_of(text) is None


def test_a_workflow_is_kept_as_a_draft_that_reads_well_and_nothing_runs(
    there: Deciding, incident: str
) -> None:
    told = says(there, f"make a workflow of {incident}")["answer"]
    (draft,) = there.client().get("/api/v1/workflows/drafts").json()["items"]
    assert told["kind"] == "code"
    assert f"workflow apply --draft {draft['id']}" in told["headline"]
    assert read(told["body"]).workflow.id == read(draft["text"]).workflow.id
    assert draft["origin"] == f"incident {incident}"
    assert there.client().get("/api/v1/workflows").json()["items"] == []
    assert not PlanStore(there.service.database).page().rows
    audited = [
        row for row in there.service.alerting.records.audit_page().rows if row["verb"] == "workflow.generate"
    ]
    assert [(row["outcome"], row["detail"]["arguments"]["way"]) for row in audited] == [("done", "chat")]


def test_a_viewer_gets_no_draft_and_is_told_which_role_is_needed(there: Deciding, incident: str) -> None:
    told = says(there, f"为 {incident} 生成工作流", "viewer")["answer"]
    assert (told["kind"], told["headline"]) == (
        "declined",
        "生成工作流需要 responder 角色，而您的角色是 viewer。",
    )


def test_an_incident_without_a_diagnosis_says_why_there_is_no_workflow(there: Deciding) -> None:
    other = str(there.incident(there.fire("DiskFull", service="store", severity="warning"))["id"])
    told = says(there, f"make a workflow of {other}")["answer"]
    assert told["kind"] == "declined"
    assert "no fault" in told["headline"]


def test_the_report_is_told_in_chat_with_the_way_to_the_whole_one(there: Deciding, incident: str) -> None:
    told = says(there, f"write the report of {incident}", "viewer")
    assert incident in told["answer"]["headline"]
    assert f"sre-copilot report show {incident}" in told["answer"]["body"]
    assert "MemoryHigh" in told["analysis"]
    chinese = says(there, f"写 {incident} 的故障报告", "viewer")["answer"]
    assert "完整报告" in chinese["body"]


def test_an_incident_that_is_not_there_is_said_to_be_none(there: Deciding) -> None:
    assert (
        says(there, "write the report of INC-4711")["answer"]["headline"] == "There is no incident INC-4711."
    )
