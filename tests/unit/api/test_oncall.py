"""On-call schedules on the interface: who is there, who may take over, and what is refused."""

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

NOW = 1_760_000_040.0  # Thursday 2025-10-09 08:54 UTC
PEOPLE = {
    "persons": {"ann": {"name": "Ann Lee", "phone": "+4915112345678"}, "bob": {}, "carl": {}},
    "schedules": {
        "main": {
            "time_zone": "Europe/Berlin",
            "layers": [{"start": "2025-10-06", "order": ["ann", "bob"]}],
        },
        "later": {"layers": [{"start": "2025-10-20", "order": ["carl"]}]},
    },
}
PATH = "/api/v1/oncall/main/overrides"
SWAP = {"person": "carl", "start": "2025-10-10T00:00:00Z", "end": "2025-10-11T00:00:00Z", "reason": "swap"}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    settings = Settings.model_validate({"store": {"folder": tmp_path}, "alerting": {"people": PEOPLE}})
    made = make_service(settings, sources=[SyntheticSource()], clock=TurnedClock(NOW))
    yield made
    made.close()


@pytest.fixture
def client(service: Service) -> TestClient:
    return TestClient(create_app(service), raise_server_exceptions=False)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, TestClient]]:
    """A service for questions that change nothing."""
    folder = tmp_path_factory.mktemp("shared")
    settings = Settings.model_validate({"store": {"folder": folder}, "alerting": {"people": PEOPLE}})
    made = make_service(settings, sources=[SyntheticSource()], clock=TurnedClock(NOW))
    yield made, TestClient(create_app(made), raise_server_exceptions=False)
    made.close()


def bearer(service: Service, role: Role, name: str = "somebody") -> dict[str, str]:
    _, plain = service.tokens.create(name, role=role, now=NOW)
    return {"Authorization": f"Bearer {plain}"}


def present(client: TestClient, headers: dict[str, str], at: str) -> list[str]:
    items = client.get("/api/v1/oncall", params={"at": at}, headers=headers).json()["items"]
    return [each["person"] for each in items[0]["on_call"]]


def test_who_is_on_call_is_told_by_schedule_and_a_gap_is_said(service: Service, client: TestClient) -> None:
    answer = client.get("/api/v1/oncall", headers=bearer(service, "viewer"))
    main, later = answer.json()["items"]
    assert (main["on_call"][0]["name"], main["gap"]) == ("Ann Lee", False)
    assert main["next_handover_at"] == "2025-10-13T07:00:00Z"
    assert main["sentences"] == ["main: Ann Lee is on call until 2025-10-13 07:00:00 UTC"]
    assert (later["on_call"], later["gap"], later["next_handover_at"]) == ([], True, "2025-10-20T09:00:00Z")
    assert later["sentences"][0].startswith("later: nobody is on call until")
    assert "+49" not in answer.text


def test_sentences_are_said_in_the_language_of_the_reader(service: Service, client: TestClient) -> None:
    answer = client.get("/api/v1/oncall", params={"lang": "zh"}, headers=bearer(service, "viewer"))
    assert "Ann Lee 值班至" in answer.json()["items"][0]["sentences"][0]


def test_shifts_are_listed_with_the_gaps_between_them(service: Service, client: TestClient) -> None:
    headers = bearer(service, "viewer")
    found = client.get("/api/v1/oncall/main/shifts", params={"days": 14}, headers=headers).json()
    assert [each["person"] for each in found["items"]] == ["ann", "bob", "ann"]
    assert found["gaps"] == []
    later = client.get("/api/v1/oncall/later/shifts", params={"days": 20}, headers=headers).json()
    assert later["gaps"] == [{"start": "2025-10-09T08:54:00Z", "end": "2025-10-20T09:00:00Z"}]


def test_an_approver_lets_anybody_take_over_and_removes_it_again(
    service: Service, client: TestClient
) -> None:
    headers = bearer(service, "approver")
    added = client.post(PATH, json=SWAP, headers=headers)
    assert added.status_code == 201, added.text
    assert present(client, headers, "2025-10-10T12:00:00Z") == ["carl"]
    key = added.json()["id"]
    stale = client.delete(f"{PATH}/{key}", headers={**headers, "If-Match": '"9"'})
    assert stale.status_code == 412
    removed = client.delete(f"{PATH}/{key}", headers={**headers, "If-Match": added.headers["etag"]})
    (token,) = service.tokens.all()
    assert (removed.status_code, removed.json()["removed_by"]) == (200, f"somebody (token {token.id})")
    told = client.get("/api/v1/audit", headers=headers).json()["items"]
    assert {(each["verb"], each["who"]) for each in told} == {
        ("oncall.override.add", f"somebody (token {token.id})"),
        ("oncall.override.remove", f"somebody (token {token.id})"),
    }
    assert present(client, headers, "2025-10-10T12:00:00Z") == ["ann"]
    assert client.delete(f"{PATH}/{key}", headers=headers).status_code == 412
    listed = client.get(PATH, headers=headers).json()["items"]
    assert [each["id"] for each in listed] == [key]


def test_a_responder_takes_over_alone_for_themselves(service: Service, client: TestClient) -> None:
    own, other = bearer(service, "responder", "Ann Lee"), bearer(service, "responder", "unknown")
    mine = client.post(PATH, json={**SWAP, "person": "ann"}, headers=own)
    assert mine.status_code == 201
    refused = client.post(PATH, json=SWAP, headers=own)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (403, "person")
    assert client.post(PATH, json={**SWAP, "person": "ann"}, headers=other).status_code == 403
    assert client.delete(f"{PATH}/{mine.json()['id']}", headers=other).status_code == 403
    assert client.post(PATH, json=SWAP, headers=bearer(service, "viewer")).status_code == 403


def test_the_same_key_is_the_same_override_and_another_body_is_refused(
    service: Service, client: TestClient
) -> None:
    headers = {**bearer(service, "approver"), "Idempotency-Key": "k-1"}
    first, second = (client.post(PATH, json=SWAP, headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    other = client.post(PATH, json={**SWAP, "person": "bob"}, headers=headers)
    assert (other.status_code, other.json()["errors"][0]["field"]) == (400, "idempotency-key")


@pytest.mark.parametrize(
    ("changed", "status", "said"),
    [
        ({"person": "dora"}, 400, "person: there is no person 'dora'"),
        ({"replaces": "dora"}, 400, "replaces: there is no person 'dora'"),
        ({"replaces": "carl"}, 400, "replaces: is the person themselves"),
        ({"end": "2025-10-10T00:00:00Z"}, 400, "end: is not after start"),
        ({"start": "2025-10-01T00:00:00Z", "end": "2025-10-02T00:00:00Z"}, 400, "end: has passed"),
        ({"end": "2027-10-10T00:00:00Z"}, 400, "end: is more than 366 days"),
        ({"start": "2025-10-10T00:00:00"}, 422, "start: "),
        ({"start": "0001-01-01T00:00:00+14:00"}, 400, "end: is more than"),
        ({"who": "x"}, 422, "who: "),
        ({"person": "a\0b"}, 422, "zero character"),
    ],
)
def test_what_cannot_be_is_refused_with_its_field(
    shared: tuple[Service, TestClient], changed: dict[str, Any], status: int, said: str
) -> None:
    service, client = shared
    answer = client.post(PATH, json={**SWAP, **changed}, headers=bearer(service, "approver"))
    assert answer.status_code == status, answer.text
    assert said in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/oncall/none/shifts", 404),
        ("/api/v1/oncall/none/overrides", 404),
        ("/api/v1/oncall?at=1960-01-01T00:00:00Z", 400),
        ("/api/v1/oncall?at=9999-12-31T23:59:59Z", 400),
        ("/api/v1/oncall?at=0001-01-01T00:00:00%2B14:00", 400),
        ("/api/v1/oncall?at=2025-10-10", 422),
        ("/api/v1/oncall/main/shifts?start=9999-12-31T00:00:00Z", 400),
        ("/api/v1/oncall/main/shifts?start=2099-12-31T00:00:00Z&days=366", 200),
        ("/api/v1/oncall/main/shifts?start=1970-01-01T00:00:00Z&days=366", 200),
        ("/api/v1/oncall/main/shifts?days=nan", 422),
        ("/api/v1/oncall/main/shifts?days=0", 422),
    ],
)
def test_times_that_cannot_be_are_refused_and_far_ones_are_answered(
    shared: tuple[Service, TestClient], path: str, status: int
) -> None:
    service, client = shared
    answer = client.get(path, headers=bearer(service, "viewer"))
    assert answer.status_code == status, answer.text


def test_an_override_of_another_schedule_is_not_there(service: Service, client: TestClient) -> None:
    headers = bearer(service, "approver")
    key = client.post(PATH, json=SWAP, headers=headers).json()["id"]
    assert client.delete(f"/api/v1/oncall/later/overrides/{key}", headers=headers).status_code == 404


def test_where_nothing_is_configured_the_answer_is_empty(tmp_path: Path) -> None:
    settings = Settings.model_validate({"store": {"folder": tmp_path / "x"}})
    made = make_service(settings, sources=[SyntheticSource()], clock=TurnedClock(NOW))
    answer = TestClient(create_app(made)).get("/api/v1/oncall", headers=bearer(made, "viewer"))
    assert (answer.status_code, answer.json()["items"]) == (200, [])
    made.close()


def test_an_override_that_is_refused_is_in_the_audit_with_who_asked_and_why(
    service: Service, client: TestClient
) -> None:
    carl = bearer(service, "responder", "carl")
    other = {**SWAP, "person": "bob"}
    assert client.post(PATH, json=other, headers=carl).status_code == 403
    assert client.post(PATH, json={**SWAP, "end": SWAP["start"]}, headers=carl).status_code == 400
    assert client.delete(f"{PATH}/O-none", headers=carl).status_code == 404
    rows = client.get("/api/v1/audit", headers=bearer(service, "approver")).json()["items"]
    refused = [each for each in rows if each["outcome"] == "refused"]
    assert [each["verb"] for each in reversed(refused)] == [
        "oncall.override.add",
        "oncall.override.add",
        "oncall.override.remove",
    ]
    assert all(each["who"].startswith("carl (token ") for each in refused)
    first = refused[-1]
    assert first["detail"]["arguments"]["person"] == "bob"
    assert "may only take over themselves" in first["detail"]["problem"]
