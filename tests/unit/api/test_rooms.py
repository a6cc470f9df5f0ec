"""Rooms on the interface: who may join, what is noted, and what is closed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from sre_copilot.api import rooms
from sre_copilot.api.server import create_app
from sre_copilot.app.serving import Service, make_service
from sre_copilot.clock import TurnedClock
from sre_copilot.settings.document import Settings
from sre_copilot.settings.section import Role
from sre_copilot.store.paging import decode, encode
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


def test_an_agent_that_is_called_answers_in_the_room(service: Service, client: TestClient) -> None:
    headers = bearer(service, "responder")
    path = f"/api/v1/rooms/{opened(client, headers)}"
    text = "@log agent please look at service-001"
    posted = client.post(f"{path}/messages", json={"text": text}, headers=headers)
    assert (posted.status_code, posted.json()["agents"]) == (201, ["log"])
    end = time.monotonic() + 20
    while len(items := client.get(f"{path}/messages", headers=headers).json()["items"]) < 2:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert [(row["author"], row["kind"]) for row in items] == [("of a responder", "said"), ("log", "answer")]
    assert "logs" in items[1]["text"]
    assert "answer" in {
        row["kind"] for row in client.get(f"{path}/timeline", headers=headers).json()["items"]
    }


def test_posts_are_limited_as_questions_are(tmp_path: Path) -> None:
    settings = Settings.model_validate({"store": {"folder": tmp_path}, "chat": {"per_minute": 2}})
    made = make_service(settings, sources=[SyntheticSource()], clock=TurnedClock(NOW))
    client = TestClient(create_app(made), raise_server_exceptions=False)
    headers = bearer(made, "responder")
    path = f"/api/v1/rooms/{opened(client, headers)}/messages"
    answers = [client.post(path, json={"text": "hello"}, headers=headers) for _ in range(3)]
    made.close()
    assert [each.status_code for each in answers] == [201, 201, 429]
    assert int(answers[2].headers["retry-after"]) > 0


@pytest.mark.parametrize("place", [1e25, -1.0, 2.0**31])
def test_a_forged_cursor_is_refused(service: Service, client: TestClient, place: float) -> None:
    headers = bearer(service, "responder")
    path = f"/api/v1/rooms/{opened(client, headers)}/messages"
    answer = client.get(path, params={"cursor": encode(place, "1")}, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("cursor:")


def test_rooms_that_one_may_not_join_leave_no_trace_in_pages(service: Service, client: TestClient) -> None:
    owner, other = (bearer(service, role) for role in ("responder", "responder"))
    seen = [opened(client, owner) for _ in range(3)]
    for room in seen:
        service.rooms.admit(room, [], now=NOW)
    hidden = [opened(client, owner, members=["nobody"]) for _ in range(7)]
    found: list[str] = []
    cursor, pages = None, 0
    while pages == 0 or cursor:
        params = {"limit": 1, **({"cursor": cursor} if cursor else {})}
        page = client.get("/api/v1/rooms", params=params, headers=other).json()
        found += [row["id"] for row in page["items"]]
        cursor, pages = page["next"], pages + 1
        assert cursor is None or decode(cursor)[1] not in hidden
    assert (sorted(found), pages) == (sorted(seen), 3)


@pytest.mark.parametrize(
    ("path", "field", "body"),
    [
        ("/rooms", "title", {"title": "a\0b"}),
        ("/rooms", "members", {"title": "a", "members": ["a\0"]}),
        ("/rooms/R-0/messages", "text", {"text": "a\0b"}),
        ("/sessions", "title", {"title": "a\0b"}),
        ("/chat", "ask", {"ask": "a\0b"}),
        (
            "/knowledge/labels",
            "note",
            {"investigation_id": "i", "target": "claim", "target_id": "c", "right": True, "note": "a\0b"},
        ),
        (
            "/knowledge/labels",
            "target_id",
            {"investigation_id": "i", "target": "claim", "target_id": "c\0", "right": True},
        ),
        (
            "/knowledge/labels",
            "correction",
            {
                "investigation_id": "i",
                "target": "claim",
                "target_id": "c",
                "right": True,
                "correction": {"text": "\0"},
            },
        ),
    ],
)
def test_a_zero_character_is_refused_and_its_field_named(
    service: Service, client: TestClient, path: str, field: str, body: dict[str, Any]
) -> None:
    answer = client.post(f"/api/v1{path}", json=body, headers=bearer(service, "responder"))
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == [field]


def test_a_long_room_is_summed_up_from_its_last_messages(
    service: Service, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "MOST_READ", 3)
    headers = bearer(service, "responder")
    key = opened(client, headers)
    said = {"author": "log", "author_kind": "tool", "kind": "answer", "lang": "en", "data": {}}
    for number in range(5):
        note = {"kind": "decision", "about": "", "who": "ada", "state": "", "data": {}}
        service.rooms.post(
            key, {**said, "text": f"answer {number}"}, [{**note, "text": f"choice {number}"}], now=NOW
        )
    line = client.get(f"/api/v1/rooms/{key}/timeline", headers=headers).json()
    assert [row["text"] for row in line["items"] if row["kind"] == "answer"] == [
        f"answer {n}" for n in (2, 3, 4)
    ]
    assert (line["messages"], line["read"]) == (5, 3)
    text = client.get(f"/api/v1/rooms/{key}/summary?lang=en", headers=headers).json()["text"]
    assert "5 messages" in text
    assert "answer 4" in text
    assert "choice 4" in text
    assert "choice 1" not in text
