"""Rooms on the interface: who may join, what is noted, and what is closed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from sre_copilot.api.server import create_app
from sre_copilot.app.serving import Service, make_service
from sre_copilot.clock import TurnedClock
from sre_copilot.settings.document import Settings
from sre_copilot.settings.section import Role
from sre_copilot.testing.synthetic import SyntheticSource

NOW = 1_760_000_040.0


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    settings = Settings.model_validate({"store": {"folder": tmp_path}, "aliases": {"支付": "payment"}})
    made = make_service(settings, sources=[SyntheticSource()], clock=TurnedClock(NOW))
    row = {
        "id": "C-1",
        "ts": NOW,
        "service": "payment",
        "kind": "deploy",
        "text": "v42",
        "detail": {},
        "received_at": NOW,
    }
    made.changes.save([row])
    yield made
    made.close()


@pytest.fixture
def client(service: Service) -> TestClient:
    return TestClient(create_app(service), raise_server_exceptions=False)


def bearer(service: Service, role: Role) -> dict[str, str]:
    _, plain = service.tokens.create(f"of a {role}", role=role, now=NOW)
    return {"Authorization": f"Bearer {plain}"}


def opened(client: TestClient, headers: dict[str, str], **fields: Any) -> str:
    answer = client.post("/api/v1/rooms", json={"title": "Payment is slow", **fields}, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_what_is_said_is_kept_and_noted(service: Service, client: TestClient) -> None:
    headers = bearer(service, "responder")
    path = f"/api/v1/rooms/{opened(client, headers)}"
    text = "支付从14:00开始超时 <img src=x>。@日志 查一下支付"
    answer = client.post(f"{path}/messages", json={"text": text}, headers=headers).json()
    assert "<" not in answer["text"]
    assert answer["author"] == "of a responder"
    assert answer["agents"] == ["log"]
    client.post(f"{path}/messages", json={"text": "决定回滚支付"}, headers=headers)
    assert client.get(f"{path}/facts", headers=headers).json()["items"][0]["text"] == "payment"
    task = client.get(f"{path}/tasks", headers=headers).json()["items"][0]
    assert (task["who"], task["state"]) == ("log", "open")
    done = client.post(f"{path}/tasks/{task['id']}", json={"state": "done"}, headers=headers)
    assert done.json()["state"] == "done"
    assert [row["text"] for row in client.get(f"{path}/decisions", headers=headers).json()["items"]] == [
        "回滚支付"
    ]
    kinds = [row["kind"] for row in client.get(f"{path}/timeline", headers=headers).json()["items"]]
    assert {"opened", "symptom", "agent", "decision"} <= set(kinds)
    assert "涉及服务：payment" in client.get(f"{path}/summary?lang=zh", headers=headers).json()["text"]


def test_messages_are_paged_with_a_cursor(service: Service, client: TestClient) -> None:
    headers = bearer(service, "responder")
    path = f"/api/v1/rooms/{opened(client, headers)}/messages"
    for number in range(3):
        client.post(path, json={"text": str(number)}, headers=headers)
    first = client.get(path, params={"limit": 2}, headers=headers).json()
    second = client.get(path, params={"limit": 2, "cursor": first["next"]}, headers=headers).json()
    assert [row["text"] for row in (*first["items"], *second["items"])] == ["0", "1", "2"]
    assert second["next"] is None


def test_a_room_is_not_there_for_whoever_may_not_join(service: Service, client: TestClient) -> None:
    owner, other, viewer = (bearer(service, role) for role in ("responder", "responder", "viewer"))
    listed = opened(client, owner, members=["nobody"])
    assert client.get(f"/api/v1/rooms/{listed}", headers=owner).status_code == 200
    for path in ("", "/messages", "/facts", "/tasks", "/decisions", "/timeline", "/summary"):
        assert client.get(f"/api/v1/rooms/{listed}{path}", headers=other).status_code == 404
    assert (
        client.post(f"/api/v1/rooms/{listed}/messages", json={"text": "x"}, headers=other).status_code == 404
    )
    assert client.get("/api/v1/rooms", headers=other).json()["items"] == []
    assert client.post("/api/v1/rooms", json={"title": "x"}, headers=viewer).status_code == 403
    opened_to_all = opened(client, owner)
    assert client.get(f"/api/v1/rooms/{opened_to_all}", headers=viewer).status_code == 200
    assert client.post(f"/api/v1/rooms/{opened_to_all}/close", headers=other).status_code == 403


def test_only_the_owner_and_administrators_admit_and_close(service: Service, client: TestClient) -> None:
    owner, other, admin = (bearer(service, role) for role in ("responder", "responder", "admin"))
    path = f"/api/v1/rooms/{opened(client, owner)}"
    assert client.post(f"{path}/members", json={"members": ["t"]}, headers=owner).json()["members"] == ["t"]
    assert client.post(f"{path}/members", json={"members": []}, headers=other).status_code == 404
    assert client.post(f"{path}/close", headers=admin).json()["closed_at"] is not None
    late = client.post(f"{path}/messages", json={"text": "late"}, headers=owner)
    assert (late.status_code, "closed" in late.json()["detail"]) == (409, True)


def test_a_room_of_no_investigation_and_an_empty_message_are_refused(
    service: Service, client: TestClient
) -> None:
    headers = bearer(service, "responder")
    assert (
        client.post(
            "/api/v1/rooms", json={"title": "x", "investigation_id": "I-0"}, headers=headers
        ).status_code
        == 404
    )
    path = f"/api/v1/rooms/{opened(client, headers)}/messages"
    assert client.post(path, json={"text": "  "}, headers=headers).status_code in (400, 422)
