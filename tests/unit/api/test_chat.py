"""Asking the team by REST: answers, events, sessions that belong to their owner, limits."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from sre_copilot.api.server import create_app
from sre_copilot.app.serving import Service, make_service
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.series import SeriesKey
from sre_copilot.settings.document import Settings
from sre_copilot.settings.section import Role
from sre_copilot.testing.synthetic import SyntheticSource

NOW = 1_760_000_040.0
STREAM = {"Accept": "text/event-stream"}
QUESTION = "what was the latency of service-001 in the last 20 minutes?"


@pytest.fixture
def source() -> SyntheticSource:
    made = SyntheticSource()
    made.disturb(SeriesKey("service-001", "latency"), start=NOW - 900, end=NOW, add=40.0)
    return made


@pytest.fixture
def service(tmp_path: Path, source: SyntheticSource) -> Iterator[Service]:
    settings = Settings.model_validate(
        {"store": {"folder": tmp_path}, "chat": {"per_minute": 5, "max_turns": 2}}
    )
    made = make_service(settings, sources=[source], clock=TurnedClock(NOW))
    yield made
    made.close()


@pytest.fixture
def client(service: Service) -> TestClient:
    return TestClient(create_app(service), raise_server_exceptions=False)


def bearer(service: Service, role: Role, name: str = "") -> dict[str, str]:
    _, plain = service.tokens.create(name or f"of a {role}", role=role, now=NOW)
    return {"Authorization": f"Bearer {plain}"}


def events(text: str) -> list[tuple[str, Any]]:
    found = []
    for block in text.split("\n\n"):
        lines = dict(
            line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(":")
        )
        if lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


def test_a_question_is_answered_with_claims_whose_findings_and_checks_are_told(
    service: Service, client: TestClient
) -> None:
    answer = client.post("/api/v1/chat", json={"ask": QUESTION}, headers=bearer(service, "viewer"))
    assert answer.status_code == 200, answer.text
    told = answer.json()
    document = told["answer"]
    assert document["kind"] == "measured"
    assert document["services"] == ["service-001"]
    known = {each["id"] for each in document["findings"]}
    assert document["claims"]
    for claim in document["claims"]:
        assert claim["findings"]
        assert set(claim["findings"]) <= known
    for finding in document["findings"]:
        for check in finding["checks"]:
            assert check["text"]
            assert check["observed"] is not None
    assert document["headline"] in told["analysis"].replace("\\", "")
    assert [call["tool_name"] for call in told["tool_calls"]]


def test_the_events_of_a_question_come_in_order_and_end_with_the_answer(
    service: Service, client: TestClient
) -> None:
    answer = client.post("/api/v1/chat", json={"ask": QUESTION}, headers=bearer(service, "viewer") | STREAM)
    assert answer.headers["content-type"].startswith("text/event-stream")
    told = events(answer.text)
    names = [name for name, _ in told]
    assert names[0] == "intent"
    assert names[-1] == "ai_answer_end"
    assert names.index("start_tool_calling") < names.index("tool_calling_result")
    assert told[-1][1]["session_id"].startswith("S-")
    claims = told[-1][1]["answer"]["claims"]
    assert claims
    assert [each["text"] for name, each in told if name == "claim"] == [each["text"] for each in claims]


def test_a_failure_in_the_middle_ends_the_stream_with_an_error(
    service: Service, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("secret words of the inside")

    monkeypatch.setattr(client.app.state.desk, "ask_in", fails)  # type: ignore[attr-defined]
    answer = client.post("/api/v1/chat", json={"ask": QUESTION}, headers=bearer(service, "viewer") | STREAM)
    told = events(answer.text)
    assert [name for name, _ in told] == ["error"]
    assert "secret" not in answer.text
    assert client.app.state.desk.limits.at_work == 0  # type: ignore[attr-defined]


def test_a_follow_up_goes_on_from_the_question_before_in_its_session(
    service: Service, client: TestClient
) -> None:
    viewer = bearer(service, "viewer")
    first = client.post("/api/v1/chat", json={"ask": QUESTION}, headers=viewer).json()
    key = first["session_id"]
    second = client.post(
        "/api/v1/chat", json={"ask": "and of service-002?", "session_id": key}, headers=viewer
    ).json()
    assert second["answer"]["intent"] == first["answer"]["intent"]
    assert second["answer"]["services"] == ["service-002"]
    turns = client.get(f"/api/v1/sessions/{key}", headers=viewer).json()["turns"]["items"]
    assert [turn["question"] for turn in turns] == [QUESTION, "and of service-002?"]
    full = client.post("/api/v1/chat", json={"ask": "and?", "session_id": key}, headers=viewer)
    assert full.status_code == 409


def test_a_session_is_there_for_its_owner_alone(service: Service, client: TestClient) -> None:
    owner, other, admin = (
        bearer(service, "viewer"),
        bearer(service, "viewer", "other"),
        bearer(service, "admin"),
    )
    key = client.post("/api/v1/sessions", json={"title": "mine"}, headers=owner).json()["id"]
    for stranger in (other, admin):
        assert client.get(f"/api/v1/sessions/{key}", headers=stranger).status_code == 404
        assert client.delete(f"/api/v1/sessions/{key}", headers=stranger).status_code == 404
        asked = client.post("/api/v1/chat", json={"ask": "why?", "session_id": key}, headers=stranger)
        assert asked.status_code == 404
        assert client.get("/api/v1/sessions", headers=stranger).json()["items"] == []
    assert [each["id"] for each in client.get("/api/v1/sessions", headers=owner).json()["items"]] == [key]
    assert client.delete(f"/api/v1/sessions/{key}", headers=owner).status_code == 200
    assert client.get(f"/api/v1/sessions/{key}", headers=owner).status_code == 404


def test_who_asks_too_often_is_told_when_to_ask_again(service: Service, client: TestClient) -> None:
    viewer = bearer(service, "viewer")
    codes = [client.post("/api/v1/chat", json={"ask": "hello"}, headers=viewer).status_code for _ in range(6)]
    assert codes == [200] * 5 + [429]
    refused = client.post("/api/v1/chat", json={"ask": "hello"}, headers=viewer)
    assert refused.headers["content-type"] == "application/problem+json"
    assert int(refused.headers["retry-after"]) >= 1
    assert "chat.per_minute" in refused.json()["detail"]
    assert (
        client.post("/api/v1/chat", json={"ask": "hello"}, headers=bearer(service, "viewer", "b")).status_code
        == 200
    )
    service.clock.wait(61, threading.Event())
    assert client.post("/api/v1/chat", json={"ask": "hello"}, headers=viewer).status_code == 200


def test_a_question_that_is_too_long_is_refused_by_its_field(service: Service, client: TestClient) -> None:
    answer = client.post("/api/v1/chat", json={"ask": "x" * 9000}, headers=bearer(service, "viewer"))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "ask"


def test_an_alert_is_investigated_by_the_team_and_kept(service: Service, client: TestClient) -> None:
    matter = {
        "source": "prometheus",
        "title": "HighLatency",
        "description": "latency above limit",
        "subject": {"service": "service-001"},
        "context": {"startsAt": "2025-10-09T08:39:00Z"},
    }
    assert (
        client.post("/api/v1/investigate", json=matter, headers=bearer(service, "viewer")).status_code == 403
    )
    answer = client.post("/api/v1/investigate", json=matter, headers=bearer(service, "responder"))
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert set(told) >= {"analysis", "sections", "tool_calls", "instructions", "answer", "report"}
    assert told["report"]["header"]["entity"] == "service-001"
    kept = client.get(
        f"/api/v1/investigations/{told['investigation_id']}", headers=bearer(service, "viewer", "c")
    )
    assert kept.json()["outcome"] == told["answer"]["diagnosis"]["outcome"]


def test_agents_tools_and_models_are_told_and_a_tool_can_be_asked_alone(
    service: Service, client: TestClient
) -> None:
    viewer = bearer(service, "viewer")
    assert "root_cause" in {
        each["name"] for each in client.get("/api/v1/agents", headers=viewer).json()["items"]
    }
    tools = {each["name"]: each for each in client.get("/api/v1/tools", headers=viewer).json()["items"]}
    assert "service" in tools["query_metrics"]["parameters"]["properties"]
    arguments = {"service": "service-001", "start": "2025-10-09T08:40:00Z", "end": "2025-10-09T08:50:00Z"}
    used = client.post("/api/v1/tools/query_metrics", json={"arguments": arguments}, headers=viewer).json()
    assert used["outcome"] == "success"
    assert all(check["observed"] is not None for each in used["findings"] for check in each["checks"])
    wrong = client.post(
        "/api/v1/tools/query_metrics", json={"arguments": {"host": "x"}}, headers=viewer
    ).json()
    assert wrong["outcome"] == "error"
    assert "host" in wrong["problem"]
    assert client.post("/api/v1/tools/nothing", json={}, headers=viewer).status_code == 404
    model = client.get("/api/v1/model", headers=viewer).json()
    assert (model["available"], model["model_name"]) == (False, [])


def test_a_source_that_asks_for_more_than_the_askers_role_is_not_shown(
    service: Service, client: TestClient, source: SyntheticSource
) -> None:
    from sre_copilot.perception.source import SourceSettings

    source.settings = SourceSettings(see_role="admin")  # type: ignore[attr-defined]
    arguments = {"service": "service-001"}
    hidden = client.post(
        "/api/v1/tools/query_metrics", json={"arguments": arguments}, headers=bearer(service, "viewer")
    ).json()
    assert hidden["outcome"] != "success"
    shown = client.post(
        "/api/v1/tools/query_metrics", json={"arguments": arguments}, headers=bearer(service, "admin")
    ).json()
    assert shown["outcome"] == "success"
