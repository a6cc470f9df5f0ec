"""Silences and maintenance windows over REST."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sre_copilot.testing.alerting_service import Deciding, deciding


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deciding]:
    with deciding(tmp_path_factory.mktemp("muting")) as found:
        yield found


def later(**length: float) -> str:
    return (datetime.now(UTC) + timedelta(**length)).isoformat()


def silence(service: str, **more: Any) -> dict[str, Any]:
    matchers = [{"name": "service", "value": service}]
    return {"matchers": matchers, "ends_at": later(hours=1), "comment": "known", **more}


def test_a_silence_mutes_until_it_is_ended(there: Deciding) -> None:
    client = there.client()
    key = there.fire("HighLatency", service="a", severity="warning")
    made = client.post("/api/v1/silences", json=silence("a"))
    assert (made.status_code, made.json()["state"], made.json()["created_by"]) == (201, "active", "responder")
    assert client.get(f"/api/v1/alerts/{key}").json()["silenced_by"] == [made.json()["id"]]
    over = client.delete(f"/api/v1/silences/{made.json()['id']}").json()
    assert over["state"] == "expired"
    assert client.get(f"/api/v1/alerts/{key}").json()["silenced_by"] == []
    assert client.delete("/api/v1/silences/nonsense").status_code == 404
    states = {each["state"] for each in client.get("/api/v1/silences?state=expired").json()["items"]}
    assert states == {"expired"}


def test_a_silence_that_was_changed_meanwhile_is_not_changed(there: Deciding) -> None:
    client = there.client()
    made = client.post("/api/v1/silences", json=silence("b"))
    tag, wanted = made.headers["ETag"], silence("b", id=made.json()["id"], ends_at=later(hours=2))
    wanted["starts_at"] = made.json()["starts_at"]
    first = client.post("/api/v1/silences", json=wanted, headers={"If-Match": tag})
    assert (first.status_code, first.json()["id"]) == (201, made.json()["id"])
    again = client.post("/api/v1/silences", json={**wanted, "comment": "mine"}, headers={"If-Match": tag})
    assert again.status_code == 412
    assert client.get(f"/api/v1/silences/{made.json()['id']}").json()["comment"] == "known"


def test_the_same_idempotency_key_makes_one_silence(there: Deciding) -> None:
    client = there.client()
    wanted, once = silence("c"), {"Idempotency-Key": "one"}
    made = {client.post("/api/v1/silences", json=wanted, headers=once).json()["id"] for _ in range(3)}
    assert len(made) == 1
    other = client.post("/api/v1/silences", json={**wanted, "comment": "another"}, headers=once)
    assert (other.status_code, other.json()["errors"][0]["field"]) == (409, "idempotency-key")


def test_what_cannot_be_a_silence_is_refused_by_field(there: Deciding) -> None:
    for body, field in (
        (silence("d", ends_at="2020-01-01T00:00:00Z"), "ends_at"),
        (silence("d", matchers=[]), "matchers"),
        (silence("d", matchers=[{"name": "service", "value": "(", "isRegex": True}]), "matchers"),
        (silence("d", comment=" "), "comment"),
    ):
        answer = there.client().post("/api/v1/silences", json=body)
        assert answer.status_code == 422, body
        assert answer.json()["errors"][0]["field"].startswith(field)


def test_maintenance_mutes_and_what_it_muted_stands_again_when_it_is_ended(there: Deciding) -> None:
    client = there.client()
    key = there.fire("HighLatency", service="e", severity="warning")
    window = {
        "matchers": [{"name": "service", "value": "e"}],
        "ends_at": later(hours=1),
        "reason": "new disk",
    }
    made = client.post("/api/v1/maintenance", json={**window, "ticket": "CHG-1"})
    assert (made.status_code, made.json()["owner"], made.json()["state"]) == (201, "responder", "active")
    assert client.get(f"/api/v1/alerts/{key}").json()["maintained_by"] == [made.json()["id"]]
    ended = client.delete(f"/api/v1/maintenance/{made.json()['id']}").json()
    assert ended["ended_at"] is not None
    assert ended["state"] == "expired"
    alert = client.get(f"/api/v1/alerts/{key}").json()
    assert (alert["maintained_by"], alert["status"]) == ([], "firing")
    assert client.get(f"/api/v1/maintenance/{made.json()['id']}").headers["ETag"]
    refused = client.post("/api/v1/maintenance", json={**window, "rrule": "FREQ=NEVER"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "rrule")


def test_a_viewer_mutes_nothing(there: Deciding) -> None:
    viewer = there.client("viewer")
    assert viewer.post("/api/v1/silences", json=silence("f")).status_code == 403
    assert viewer.post("/api/v1/maintenance", json={}).status_code in (403, 422)
    assert viewer.delete("/api/v1/silences/x").status_code == 403
    assert viewer.delete("/api/v1/maintenance/x").status_code == 403
    assert viewer.get("/api/v1/silences").status_code == 200
