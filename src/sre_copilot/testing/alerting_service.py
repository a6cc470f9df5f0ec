"""A whole service that decides on alerts, in this process: with clients of every role, and if you like at an address of its own.

with deciding(folder) as there:
    there.fire("HighErrorRate", service="checkout", severity="critical")
    there.client("viewer").get("/api/v1/incidents")
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn
import yaml
from fastapi import FastAPI
from fastapi.testclient import TestClient

from sre_copilot.api.server import create_app
from sre_copilot.app.alerting import make_runner
from sre_copilot.app.serving import Service, make_service
from sre_copilot.perception.source import Source
from sre_copilot.settings.document import Settings
from sre_copilot.settings.section import Role
from sre_copilot.store.notifications import NotificationStore
from sre_copilot.testing.alerting import ONE_RECEIVER
from sre_copilot.testing.synthetic import SyntheticSource

QUICK: Mapping[str, Any] = {
    **ONE_RECEIVER,
    "routing": {
        "route": {"receiver": "team", "group_by": ["alertname", "service"], "group_wait": "0s"},
        "inhibit_rules": [
            {
                "source_matchers": ['severity="critical"'],
                "target_matchers": ['severity="warning"'],
                "equal": ["service"],
            }
        ],
    },
    "correlation": {"settle_seconds": 0},
}
"""One receiver that is told at once, and critical alerts that inhibit the warnings of their service."""
PATIENCE_S = 20.0


@dataclass
class Deciding:
    """The service, its application, and how to speak to it."""

    service: Service
    application: FastAPI
    folder: Path
    clients: dict[str, TestClient] = field(default_factory=dict)

    def token(self, role: Role) -> str:
        """A new token of a role; its name is that of the role."""
        return self.service.tokens.create(role, role=role, now=self.service.clock.now())[1]

    def client(self, role: Role = "responder") -> TestClient:
        """A client with a token of a role."""
        if role not in self.clients:
            headers = {"Authorization": f"Bearer {self.token(role)}"}
            self.clients[role] = TestClient(self.application, headers=headers, raise_server_exceptions=False)
        return self.clients[role]

    def fire(self, name: str, *, minutes: float = 1, ended: bool = False, **labels: str) -> str:
        """Let an alert come in as Prometheus sends it, and wait until it was decided on; return its fingerprint."""
        now = datetime.now(UTC)
        told: dict[str, Any] = {
            "labels": {"alertname": name, **labels},
            "annotations": {"summary": f"{name} at {labels.get('service', 'nowhere')}"},
            "startsAt": (now - timedelta(minutes=minutes)).isoformat(),
        }
        if ended:
            told["endsAt"] = now.isoformat()
        before = self._last()
        self.client().post("/api/v2/alerts", json=[told]).raise_for_status()
        found = self.until(lambda: [each for each in self._events(before) if _same(each, told["labels"])])
        return str(found[-1]["data"]["fingerprint"])

    def until(self, what: Callable[[], Any]) -> Any:
        """Wait until something is true."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if found := what():
                return found
            time.sleep(0.01)
        raise AssertionError("it never came to be")

    def incident(self, fingerprint: str) -> dict[str, Any]:
        """The incident of an alert."""
        alert = self.client().get(f"/api/v1/alerts/{fingerprint}").json()
        return dict(self.client().get(f"/api/v1/incidents/{alert['incident_id']}").json())

    def _last(self) -> int:
        return self.service.alerting.records.last_event()

    def _events(self, after: int) -> Sequence[Mapping[str, Any]]:
        return self.service.alerting.records.changes_since(after)


def _same(event: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    return bool(event["data"].get("labels") == labels)


@contextmanager
def deciding(folder: Path, *, sources: Sequence[Source] = (), **alerting: Any) -> Iterator[Deciding]:
    """A service whose engine turns in a thread; alerting is as `QUICK` says, but for the keys that are given. Nothing is delivered."""
    keys = {"store": {"folder": folder}, "alerting": {**QUICK, **alerting}}
    service = make_service(
        Settings.model_validate(keys), sources=sources or [SyntheticSource(services=2, metrics=2)]
    )
    told = NotificationStore(service.database).insert
    runner = make_runner(service.alerting, service.database, tell=told, pumps=(), own=service.own)
    service.alerting.runner = runner
    found = Deciding(service, create_app(service), folder)
    runner.start()
    try:
        found.until(lambda: runner.leads)
        yield found
    finally:
        service.close()


@contextmanager
def listening(there: Deciding, *, role: Role = "admin") -> Iterator[Path]:
    """Let it answer on a free port; the configuration of a command that speaks to it, with a token of a role."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(there.application, log_config=None, lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        there.until(lambda: server.started)
        (there.folder / "token").write_text(there.token(role), encoding="utf-8")
        path = there.folder / "config.yaml"
        keys = {
            "store": {"folder": str(there.folder)},
            "server": {"port": listener.getsockname()[1]},
            "alerting": dict(QUICK),
        }
        path.write_text(yaml.safe_dump(keys), encoding="utf-8")
        yield path
        server.should_exit = True
        there.service.stop.set()
        thread.join(5)
