"""`investigate --incident` takes an incident from the store, or from a running server, and looks into it on the live sources."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.unit.incidents.casework.bench import FIRED, alert

from sre_copilot.cli.investigate_live import asked, kept
from sre_copilot.domain.incident import Incident
from sre_copilot.errors import UsageError
from sre_copilot.settings.document import Settings
from sre_copilot.store.alerting import tables
from sre_copilot.store.database import Database, sqlite_url
from sre_copilot.testing.servers.json_server import Request, Response, serving

INCIDENT: dict[str, Any] = {
    "id": "I-7",
    "number": 7,
    "title": "orders are slow",
    "status": "firing",
    "severity": "high",
    "services": ["order"],
    "names": ["SlowOrders"],
    "opened_at": FIRED + 10,
    "resolved_at": None,
}
ALERTS = [alert("SlowOrders", "entry", starts_at=FIRED + 30), alert("SlowOrders", "order")]


def stored(folder: Path) -> Settings:
    database = Database(sqlite_url(folder))
    common = {"severity": "high", "revision": 1, "updated_at": FIRED}
    with database.begin() as connection:
        row = {
            "id": "I-7",
            "number": 7,
            "status": "firing",
            "priority": "P2",
            "woken": True,
            "opened_at": FIRED,
        }
        document = orjson.dumps(INCIDENT).decode()
        connection.execute(tables.incidents.insert().values(**common, **row, document=document))
        for each in ALERTS:
            shown = {"name": "SlowOrders", "service": each["labels"]["service"], "muted": False}
            told = {"id": each["fingerprint"], "status": "firing", "incident_id": "I-7", "starts_at": FIRED}
            text = orjson.dumps(each).decode()
            connection.execute(tables.alerts.insert().values(**common, **shown, **told, document=text))
    database.close()
    return Settings.model_validate({"store": {"folder": folder}})


def is_the_one(incident: Incident) -> bool:
    complaint = incident.complaint
    return (complaint.entity, incident.onset) == ("order", FIRED) and "SlowOrders" in complaint.text


@pytest.mark.parametrize("key", ["I-7", "7"])
def test_an_incident_of_the_store_is_found_by_its_id_or_number(
    tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: FIRED + 600)
    assert is_the_one(kept(stored(tmp_path), key).incident)


def test_one_that_is_not_there_is_said_with_the_way_to_find_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="incident list"):
        kept(stored(tmp_path), "I-8")
    with pytest.raises(UsageError, match="there is no store"):
        kept(Settings.model_validate({"store": {"folder": tmp_path / "elsewhere"}}), "I-7")


def test_an_incident_of_a_running_server_is_read_with_all_its_alerts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: FIRED + 600)
    config = tmp_path / "config.yaml"
    config.write_text(f"store: {{folder: {tmp_path}}}\n", encoding="utf-8")
    times = {"opened_at": "2023-11-14T22:26:10Z"}

    def answer(request: Request) -> Response:
        assert request.headers["authorization"] == "Bearer t"
        if request.path == "/api/v1/incidents/I-7":
            return Response({**INCIDENT, **times})
        shown = [{**each, "starts_at": "2023-11-14T22:26:00Z", "first_received_at": None} for each in ALERTS]
        shown[0]["starts_at"] = "2023-11-14T22:26:30Z"
        first = "cursor" not in request.query
        return Response({"items": shown[:1] if first else shown[1:], "next": "c" if first else None})

    with serving(answer) as url:
        chosen = asked(config, "I-7", url=url, token="t")  # noqa: S106
    found = chosen.incident
    assert {each.service for each in chosen.alerts} == {"entry", "order"}
    assert found.onset is not None
    assert found.complaint.entity in ("entry", "order")
    assert found.onset == pytest.approx(1_700_000_760.0)
