"""Alerts and silences by the interface of Alertmanager."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi.testclient import TestClient
from tests.unit.api.alertmanager_bench import NOW, alert, client_of, make, post, silence

from sre_copilot.alerts.labels import fingerprint
from sre_copilot.app.serving import Service
from sre_copilot.clock import rfc3339


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    made = make(tmp_path, open_on_loopback=True)
    yield made
    made.close()


@pytest.fixture
def client(service: Service) -> TestClient:
    return client_of(service)


def names(answer: Any) -> list[str]:
    return sorted(each["labels"]["alertname"] for each in answer.json())


def test_a_posted_alert_is_shown_as_alertmanager_shows_it(client: TestClient) -> None:
    assert post(client, alert("Slow", service="shop")).status_code == 200
    (found,) = client.get("/api/v2/alerts").json()
    assert found == {
        "annotations": {"summary": "x"},
        "endsAt": "2026-09-21T14:18:20.000Z",
        "fingerprint": fingerprint({"alertname": "Slow", "service": "shop"}),
        "receivers": [{"name": "on-call"}],
        "startsAt": "2026-09-21T14:13:20.000Z",
        "status": {"inhibitedBy": [], "silencedBy": [], "mutedBy": [], "state": "active"},
        "updatedAt": "2026-09-21T14:13:20.000Z",
        "generatorURL": "http://p/g",
        "labels": {"alertname": "Slow", "service": "shop"},
    }


def test_an_alert_that_is_over_or_not_told_again_is_gone(client: TestClient, service: Service) -> None:
    post(client, alert("A"), {**alert("B"), "endsAt": rfc3339(NOW + 3600)})
    post(
        client,
        {**alert("C"), "startsAt": rfc3339(NOW - 60), "endsAt": rfc3339(NOW - 10)},
    )
    assert names(client.get("/api/v2/alerts")) == ["A", "B"]
    service.clock.wait(301, service.stop)
    assert names(client.get("/api/v2/alerts")) == ["B"]


def test_a_malformed_alert_is_refused_by_its_place_and_its_neighbours_are_kept(client: TestClient) -> None:
    answer = post(client, alert("A"), {"labels": {"a": 5}}, alert("B"))
    assert answer.status_code == 400
    assert answer.json() == "alert 1: labels.a: must be text, not a number"
    assert names(client.get("/api/v2/alerts")) == ["A", "B"]


def test_alerts_are_filtered_as_they_are_asked_for(client: TestClient) -> None:
    post(client, alert("Slow", service="shop"), alert("Down", service="pay"))
    client.post("/api/v2/silences", json=silence())

    def asked(**params: Any) -> list[str]:
        return names(client.get("/api/v2/alerts", params=params))

    assert asked() == ["Down", "Slow"]
    assert asked(silenced="false") == ["Down"]
    assert asked(active="false") == ["Slow"]
    assert asked(filter='service=~"sh.*"') == ["Slow"]
    assert asked(filter=['service!="shop"', 'alertname="Down"']) == ["Down"]
    assert asked(receiver="on.*") == ["Down", "Slow"]
    assert asked(receiver="on") == []
    assert asked(receiver_matchers='team="x"') == []
    assert client.get("/api/v2/alerts", params={"filter": "=="}).status_code == 400
    assert client.get("/api/v2/alerts", params={"receiver": "["}).status_code == 400


def test_groups_hold_their_alerts_and_muted_ones_can_be_left_out(client: TestClient) -> None:
    post(client, alert("Slow", service="a"), alert("Slow", service="b"), alert("Down"))
    client.post("/api/v2/silences", json=silence())
    groups = client.get("/api/v2/alerts/groups").json()
    assert [(group["labels"]["alertname"], len(group["alerts"])) for group in groups] == [
        ("Down", 1),
        ("Slow", 2),
    ]
    shown = client.get("/api/v2/alerts/groups", params={"muted": "false"}).json()
    assert [group["labels"]["alertname"] for group in shown] == ["Down"]
    assert client.get("/api/v2/alerts/groups", params={"receiver": "none"}).json() == []


def test_a_silence_lives_from_its_making_to_its_end(client: TestClient, service: Service) -> None:
    post(client, {**alert("Slow"), "endsAt": rfc3339(NOW + 9000)})
    key = client.post("/api/v2/silences", json=silence()).json()["silenceID"]
    (found,) = client.get("/api/v2/alerts").json()
    assert found["status"]["state"] == "suppressed"
    assert found["status"]["silencedBy"] == [key]
    longer = silence(id=key, endsAt=rfc3339(NOW + 7200))
    assert client.post("/api/v2/silences", json=longer).json()["silenceID"] == key
    assert client.get(f"/api/v2/silence/{key}").json()["endsAt"] == "2026-09-21T16:13:20.000Z"
    service.clock.wait(60, service.stop)
    assert client.delete(f"/api/v2/silence/{key}").status_code == 200
    assert client.get(f"/api/v2/silence/{key}").json()["status"] == {"state": "expired"}
    assert client.get("/api/v2/alerts").json()[0]["status"]["state"] == "active"


def test_silences_are_filtered_and_stand_in_the_order_of_alertmanager(client: TestClient) -> None:
    later = silence(startsAt=rfc3339(NOW + 60), comment="later")
    for each in (later, silence(comment="second", endsAt=rfc3339(NOW + 7200)), silence(comment="first")):
        assert client.post("/api/v2/silences", json=each).status_code == 200

    def asked(**params: Any) -> list[str]:
        return [each["comment"] for each in client.get("/api/v2/silences", params=params).json()]

    assert asked() == ["first", "second", "later"]
    assert asked(pending="false") == ["first", "second"]
    assert asked(active="false") == ["later"]
    assert asked(filter='alertname="Down"') == []
    assert asked(filter='alertname="Slow"', expired="false") == ["first", "second", "later"]


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"matchers": [{"name": "a", "value": "", "isRegex": False}]}, 400),
        ({"matchers": [{"name": "a", "value": "[", "isRegex": True}]}, 400),
        ({"endsAt": "2020-01-01T00:00:00Z"}, 400),
        ({"endsAt": rfc3339(NOW - 5), "startsAt": rfc3339(NOW - 50)}, 400),
        ({"id": "7d0dcd69-7d6d-4b11-b2ee-0ba2fca6c7b2"}, 404),
        ({"comment": None}, 422),
        ({"matchers": []}, 422),
        ({"matchers": [{"name": "a", "value": "b"}]}, 422),
        ({"matchers": [{"name": 5, "value": "b", "isRegex": False}]}, 422),
        ({"startsAt": "noon"}, 422),
        ({"createdBy": 5}, 422),
    ],
)
def test_a_silence_that_alertmanager_refuses_is_refused(
    client: TestClient, changed: dict[str, Any], status: int
) -> None:
    answer = client.post("/api/v2/silences", json=silence(**changed))
    assert answer.status_code == status
    assert answer.json()
    assert client.get("/api/v2/silences").json() == []


def test_a_silence_that_is_not_there_is_said_so(client: TestClient) -> None:
    unknown = "7d0dcd69-7d6d-4b11-b2ee-0ba2fca6c7b2"
    assert client.get(f"/api/v2/silence/{unknown}").status_code == 404
    assert client.delete(f"/api/v2/silence/{unknown}").status_code == 404
    assert client.get("/api/v2/silence/x").json()["code"] == 601


def test_status_and_receivers_say_what_answers(client: TestClient) -> None:
    status = client.get("/api/v2/status").json()
    assert status["cluster"] == {"status": "disabled", "peers": []}
    assert yaml.safe_load(status["config"]["original"])["route"]["receiver"] == "on-call"
    assert client.get("/api/v2/receivers").json() == [{"name": "on-call"}]
