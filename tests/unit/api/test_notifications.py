"""The delivery log over REST."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from sre_copilot.api.server import create_app
from sre_copilot.app.serving import Service, make_service
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.notification import Notification
from sre_copilot.settings.document import Settings
from sre_copilot.store.notifications import NotificationStore
from sre_copilot.testing.synthetic import SyntheticSource

NOW = 1_760_000_040.0


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    settings = Settings.model_validate({"store": {"folder": tmp_path}})
    made = make_service(settings, sources=[SyntheticSource()], clock=TurnedClock(NOW))
    yield made
    made.close()


def test_a_viewer_reads_the_log_page_by_page(service: Service) -> None:
    with service.database.begin() as connection:
        told = [
            Notification(
                key=f"k{i}",
                group=f"INC-{i % 2}",
                receiver="team",
                state="firing",
                sequence=i,
                created_at=NOW - i,
                content={"title": f"T{i}"},
            )
            for i in reversed(range(6))
        ]
        NotificationStore(service.database).insert(connection, told)
    _, token = service.tokens.create("test", role="viewer", now=NOW, by="test")
    client = TestClient(create_app(service), raise_server_exceptions=False)
    headers = {"Authorization": f"Bearer {token}"}
    assert client.get("/api/v1/notifications").status_code == 401
    first = client.get("/api/v1/notifications", params={"limit": 4}, headers=headers).json()
    rest = client.get(
        "/api/v1/notifications", params={"limit": 4, "cursor": first["next"]}, headers=headers
    ).json()
    assert [each["key"] for each in first["items"] + rest["items"]] == [f"k{i}" for i in range(6)]
    assert rest["next"] is None
    assert first["items"][0]["created_at"] == "2025-10-09T08:54:00Z"
    mine = client.get("/api/v1/notifications", params={"incident": "INC-1"}, headers=headers).json()
    assert {each["group"] for each in mine["items"]} == {"INC-1"}
    assert client.get(
        "/api/v1/notifications", params={"status": "nonsense"}, headers=headers
    ).status_code in (400, 422)
    assert client.get("/api/v1/notifications", params={"cursor": "!"}, headers=headers).status_code == 400
