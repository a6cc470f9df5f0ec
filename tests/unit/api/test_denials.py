"""What a role does not allow is refused and stands in the audit, once a minute for each route."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from sre_copilot.api.server import create_app
from sre_copilot.app.serving import Service, make_service
from sre_copilot.clock import TurnedClock
from sre_copilot.settings.document import Settings
from sre_copilot.settings.section import Role
from sre_copilot.store.audit_chain import AuditChain

NOW = 1_760_000_040.0


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock(NOW)


@pytest.fixture
def service(tmp_path: Path, clock: TurnedClock) -> Iterator[Service]:
    made = make_service(Settings.model_validate({"store": {"folder": tmp_path}}), sources=[], clock=clock)
    yield made
    made.close()


@pytest.fixture
def client(service: Service) -> TestClient:
    return TestClient(create_app(service))


def headers(service: Service, role: Role) -> dict[str, str]:
    return {"Authorization": f"Bearer {service.tokens.create(role, role=role, now=NOW)[1]}"}


def denied(service: Service) -> list[tuple[str, str, str]]:
    rows = service.alerting.records.audit_page().rows
    return [
        (row["who"].split()[0], row["subject"], row["detail"]["needed"])
        for row in rows
        if (row["verb"], row["outcome"]) == ("access.denied", "refused")
    ]


def test_what_a_role_does_not_allow_stands_in_the_audit(client: TestClient, service: Service) -> None:
    responder = headers(service, "responder")
    assert client.post("/api/v1/killswitch/off", json={"reason": "x"}, headers=responder).status_code == 403
    assert denied(service) == [("responder", "POST /api/v1/killswitch/off", "approver")]
    assert AuditChain(service.database).verify().broken is None


def test_what_is_allowed_or_of_no_known_token_is_no_entry(client: TestClient, service: Service) -> None:
    assert client.get("/api/v1/killswitch", headers=headers(service, "viewer")).status_code == 200
    assert client.post("/api/v1/killswitch/off", json={"reason": "x"}).status_code == 401
    assert denied(service) == []


def test_trying_again_within_a_minute_fills_no_audit_whatever_id_is_tried(
    client: TestClient, service: Service, clock: TurnedClock
) -> None:
    viewer = headers(service, "viewer")
    for number in range(5):
        path = f"/api/v1/remediations/PLAN-2026020614302{number}/cancel"
        assert client.post(path, headers=viewer).status_code == 403
    assert len(denied(service)) == 1
    clock.wait(61, threading.Event())
    client.post("/api/v1/remediations/PLAN-20260206143029/cancel", headers=viewer)
    assert len(denied(service)) == 2
