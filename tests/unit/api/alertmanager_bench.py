"""A service behind the interface of Alertmanager, and what is sent to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from sre_copilot.api.server import create_app
from sre_copilot.app.serving import Service, make_service
from sre_copilot.clock import TurnedClock, rfc3339
from sre_copilot.settings.document import Settings
from sre_copilot.settings.section import Role
from sre_copilot.testing.alert_backend import MemoryAlerts
from sre_copilot.testing.synthetic import SyntheticSource

NOW = 1_790_000_000.0
HERE = ("127.0.0.1", 50_000)


def make(folder: Path, **intake: Any) -> Service:
    settings = Settings.model_validate({"store": {"folder": folder}, "alerting": {"intake": intake}})
    return make_service(settings, sources=[SyntheticSource()], clock=TurnedClock(NOW))


def client_of(service: Service, *, base_url: str = "http://127.0.0.1:8000", peer: tuple[str, int] = HERE) -> TestClient:  # fmt: skip
    app = create_app(service)
    app.state.alerting = MemoryAlerts(clock=service.clock, receiver="on-call")
    return TestClient(app, raise_server_exceptions=False, base_url=base_url, client=peer)


def alert(name: str, **labels: str) -> dict[str, Any]:
    return {
        "labels": {"alertname": name, **labels},
        "annotations": {"summary": "x"},
        "generatorURL": "http://p/g",
    }


def silence(**changed: Any) -> dict[str, Any]:
    return {
        "matchers": [{"name": "alertname", "value": "Slow", "isRegex": False}],
        "startsAt": rfc3339(NOW),
        "endsAt": rfc3339(NOW + 3600),
        "createdBy": "me",
        "comment": "work",
        **changed,
    }


def bearer(service: Service, role: Role) -> str:
    return service.tokens.create(f"of a {role}", role=role, now=NOW)[1]


def post(client: TestClient, *alerts: Any) -> Any:
    return client.post("/api/v2/alerts", json=list(alerts))
