"""Alerts over REST: what fires, what keeps it from people, why, and who may see its figures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sre_copilot.alerts.intake.anomalies import event_of
from sre_copilot.alerts.intake.reader import IntakeConfig
from sre_copilot.app.serving import SourceRoles
from sre_copilot.domain.alert import AlertEvent
from sre_copilot.testing.alerting_service import Deciding, deciding


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deciding]:
    with deciding(tmp_path_factory.mktemp("alerts")) as found:
        yield found


def listed(there: Deciding, **params: Any) -> list[dict[str, Any]]:
    return list(
        there.client("viewer").get("/api/v1/alerts", params={"limit": 1000, **params}).json()["items"]
    )


def test_alerts_are_found_by_what_they_are(there: Deciding) -> None:
    loud = there.fire("HighErrorRate", service="a", severity="critical")
    quiet = there.fire("HighLatency", service="a", severity="warning")
    there.fire("DiskFull", service="b", severity="warning")
    over = there.fire("DiskFull", service="b", severity="warning", ended=True)
    keys = {each["fingerprint"] for each in listed(there)}
    assert {loud, quiet} <= keys
    assert over not in keys
    assert over in {each["fingerprint"] for each in listed(there, status="resolved")}
    assert {each["fingerprint"] for each in listed(there, service="a", muted="true")} == {quiet}
    assert {each["fingerprint"] for each in listed(there, severity="critical")} >= {loud}
    assert there.client("viewer").get("/api/v1/alerts", params={"severity": "bad"}).status_code == 422
    assert there.client("viewer").get("/api/v1/alerts", params={"cursor": "!"}).status_code == 400


def test_an_inhibited_alert_says_by_what(there: Deciding) -> None:
    loud = there.fire("HighErrorRate", service="c", severity="critical")
    quiet = there.fire("HighLatency", service="c", severity="warning")
    assert there.client().get(f"/api/v1/alerts/{quiet}").json()["inhibited_by"] == [loud]
    for lang, words in (("en", "Inhibited by"), ("zh", "抑制")):
        found = there.client().get(f"/api/v1/alerts/{quiet}/explain?lang={lang}").json()
        said = {each["stage"]: each["sentence"] for each in found["because"]}
        assert words in said["inhibit"]
        assert loud in said["inhibit"]
        assert list(said)[:2] == ["identify", "enrich"]
        assert "team" in said["route"]


def test_acknowledging_the_last_alert_acknowledges_the_incident(tmp_path: Path) -> None:
    with deciding(tmp_path) as there:
        one = there.fire("HighErrorRate", service="d", severity="critical")
        two = there.fire("QueueStuck", service="d", severity="critical")
        found = there.client().post(f"/api/v1/alerts/{one}/ack", json={"note": "on it"}).json()
        assert (found["acknowledged_by"], found["note"]) == ("responder", "on it")
        assert there.incident(one)["status"] == "firing"
        there.client().post(f"/api/v1/alerts/{two}/ack", json={})
        assert there.incident(one)["status"] == "acknowledged"
        assert there.client("viewer").post(f"/api/v1/alerts/{one}/ack", json={}).status_code == 403
        missing = there.client().post("/api/v1/alerts/nonsense/ack", json={})
        assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")


def test_an_anomaly_as_the_watch_tells_it_hides_what_a_source_holds_that_may_not_be_seen(
    there: Deciding,
) -> None:
    there.service.roles = {"vault": SourceRoles(query="admin", see="approver")}
    row = {"id": "an-9", "entity": "ledger", "metric": "errors", "source": "vault", "current": 12.5}
    told = event_of(row, intake=IntakeConfig(name="watch", provider="anomaly"), received_at=there.service.clock.now())  # fmt: skip
    there.service.alerting.tell([told], source="watch").result(10)
    (found,) = there.until(lambda: listed(there, service="ledger"))
    assert found["hidden"] is True
    assert "12.5" not in str(found)
    path = f"/api/v1/alerts/{found['fingerprint']}"
    assert "12.5" in there.client("approver").get(path).text
    shown = there.client("viewer").get("/api/v2/alerts", params={"filter": 'service="ledger"'})
    assert (len(shown.json()), "12.5" in shown.text) == (1, False)


def test_an_anomaly_of_a_source_that_may_not_be_seen_hides_what_it_holds(there: Deciding) -> None:
    there.service.roles = {"vault": SourceRoles(query="admin", see="approver")}
    event = AlertEvent(
        labels={"alertname": "Anomaly", "service": "pay", "metric": "errors", "source": "vault"},
        annotations={"summary": "errors 12.5 instead of 0.1", "current": "12.5"},
        severity="critical",
        starts_at=there.service.clock.now(),
        received_at=there.service.clock.now(),
        source="watch",
        provider="anomaly",
        anomaly_id="an-1",
    )
    there.service.alerting.tell([event], source="watch").result(10)
    (row,) = there.until(lambda: listed(there, service="pay"))
    assert row["hidden"] is True
    assert "12.5" not in str(row)
    for path in ("", "/explain"):
        assert "12.5" not in there.client("viewer").get(f"/api/v1/alerts/{row['fingerprint']}{path}").text
    for path in ("", "/alerts", "/timeline", "/explain"):
        assert "12.5" not in there.client("viewer").get(f"/api/v1/incidents/{row['incident_id']}{path}").text
    assert "12.5" not in there.client("viewer").get(f"/incidents/{row['incident_id']}").text
    assert "12.5" in there.client("approver").get(f"/api/v1/alerts/{row['fingerprint']}").text
