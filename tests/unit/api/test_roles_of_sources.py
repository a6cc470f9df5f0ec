"""Who may see what a source holds, and who may have it queried."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from sre_copilot.api.server import create_app
from sre_copilot.app.serving import Service, SourceRoles, make_service
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.anomaly import Breach
from sre_copilot.domain.signals import Change
from sre_copilot.incidents.watch.journal import breach_row, change_row
from sre_copilot.settings.document import Settings
from sre_copilot.settings.section import Role
from sre_copilot.testing.store_contract import row
from sre_copilot.testing.synthetic import SyntheticSource

NOW = 1_760_000_040.0


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    settings = Settings.model_validate({"store": {"folder": tmp_path}})
    made = make_service(settings, sources=[SyntheticSource()], clock=TurnedClock(NOW))
    made.roles = {"synthetic": SourceRoles(query="admin", see="responder")}
    made.watch.request_learning(wait=True)
    made.watch.tick()
    made.anomalies.save([row(1, opened_at=NOW, instance="orders-1")])
    breach = Breach(
        entity="orders", metric="disk", instance="orders-1", made_at=NOW, horizon_hours=6, limit=5.0,
        direction="above", at=NOW + 60, earliest=NOW, latest=None, probability=0.9, hit_rate=None, method="x",
    )  # fmt: skip
    made.breaches.save([breach_row(breach, at=NOW, source="synthetic")])
    made.changes.save([change_row(Change(NOW, "orders", "x", "who knows"), at=NOW, source="synthetic")])
    made.investigations.save([investigation()])
    yield made
    made.close()


def investigation() -> dict[str, Any]:
    return {
        "id": "I-1", "started_at": NOW, "finished_at": NOW, "anomaly_ids": [], "outcome": "found", "cause": "orders",
        "fault_type": "", "confidence": 0.9, "report": {"evidence": {"en": ["it is slow"]}, "document": {"x": 1}},
    }  # fmt: skip


def asked(service: Service, role: Role, path: str, method: str = "GET") -> Any:
    _, plain = service.tokens.create(role, role=role, now=NOW)
    client = TestClient(create_app(service), raise_server_exceptions=False)
    return client.request(method, path, headers={"Authorization": f"Bearer {plain}"})


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/api/anomalies", "current"),
        ("/api/anomalies", "instance"),
        ("/api/predictions", "limit"),
        ("/api/predictions", "instance"),
        ("/api/changes", "text"),
        ("/api/baseline/metrics", "expected"),
        ("/api/baseline/metrics", "recommended_threshold"),
        ("/api/investigations", "evidence"),
    ],
)
def test_who_may_not_see_a_source_learns_that_there_is_something_and_not_what(
    service: Service, path: str, field: str
) -> None:
    seen = asked(service, "responder", path).json()["items"][0]
    hidden = asked(service, "viewer", path).json()["items"][0]
    assert (seen["hidden"], hidden["hidden"]) == (False, True)
    assert seen[field]
    assert not hidden[field]


def test_a_forecast_and_a_report_are_for_those_who_may_see(service: Service) -> None:
    key = service.watch.baselines()[0].key
    path = f"/api/forecast?entity={key.service}&metric={key.metric}"
    assert asked(service, "responder", path).status_code == 200
    refused = asked(service, "viewer", path)
    assert (refused.status_code, "responder" in refused.json()["detail"]) == (403, True)
    assert asked(service, "responder", "/api/investigations/I-1").json()["report"] == {"x": 1}
    assert asked(service, "viewer", "/api/investigations/I-1").json()["report"] is None


def test_learning_asks_every_source_and_needs_the_right_to_ask_all(service: Service) -> None:
    refused = asked(service, "responder", "/api/baseline/learn", "POST")
    assert (refused.status_code, "admin" in refused.json()["detail"]) == (403, True)
    assert asked(service, "admin", "/api/baseline/learn", "POST").status_code == 202
