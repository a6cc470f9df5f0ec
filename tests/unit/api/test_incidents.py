"""Incidents over REST: what goes on, why, and what people do about it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from sre_copilot.testing.alerting_service import Deciding, deciding


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deciding]:
    with deciding(tmp_path_factory.mktemp("incidents")) as found:
        yield found


@pytest.fixture
def client(there: Deciding) -> TestClient:
    return there.client("responder")


_count = iter(range(10_000))


@pytest.fixture
def incident(there: Deciding) -> dict[str, Any]:
    """An incident of its own for each test."""
    return there.incident(_fired(there))


def _fired(there: Deciding) -> str:
    number = next(_count)
    return there.fire(f"Fault{number}", service=f"service-{number}", severity="critical")


def put(
    client: TestClient, incident: dict[str, Any], verb: str, body: Any = None, **headers: str
) -> Response:
    return client.post(f"/api/v1/incidents/{incident['id']}/{verb}", json=body or {}, headers=headers)


def test_an_incident_is_listed_shown_and_found_by_its_number(
    client: TestClient, incident: dict[str, Any]
) -> None:
    listed = client.get("/api/v1/incidents", params={"limit": 1000}).json()["items"]
    assert incident["id"] in {each["id"] for each in listed}
    shown = client.get(f"/api/v1/incidents/{incident['number']}").json()
    assert shown["id"] == incident["id"]
    assert shown["alert_count"] == 1
    assert shown["alerts"][0]["incident_id"] == incident["id"]
    assert client.get("/api/v1/incidents/INC-999999").status_code == 404


def test_pages_hold_every_incident_once(there: Deciding, client: TestClient) -> None:
    for _ in range(3):
        _fired(there)
    whole = [
        each["id"]
        for each in client.get("/api/v1/incidents", params={"status": "all", "limit": 1000}).json()["items"]
    ]
    paged: list[str] = []
    cursor = None
    while True:
        params: dict[str, Any] = {"status": "all", "limit": 2, **({"cursor": cursor} if cursor else {})}
        page = client.get("/api/v1/incidents", params=params).json()
        paged += [each["id"] for each in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert paged == whole


def test_acknowledging_names_who_does_and_is_told_in_the_timeline(
    client: TestClient, incident: dict[str, Any]
) -> None:
    answer = put(client, incident, "ack")
    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["acknowledged_by"]) == ("acknowledged", "responder")
    told = client.get(f"/api/v1/incidents/{incident['id']}/timeline").json()["items"]
    assert [each["who"] for each in told if each["kind"] == "acknowledged"] == ["responder"]
    assert put(client, incident, "unack").json()["status"] == "firing"


def test_a_change_of_what_was_changed_meanwhile_is_refused(
    client: TestClient, incident: dict[str, Any]
) -> None:
    tag = client.get(f"/api/v1/incidents/{incident['id']}").headers["ETag"]
    first = put(client, incident, "assign", {"assignee": "ann"}, **{"If-Match": tag})
    assert first.status_code == 200
    assert first.headers["ETag"] != tag
    second = put(client, incident, "assign", {"assignee": "bob"}, **{"If-Match": tag})
    assert second.status_code == 412
    assert "Read it again" in second.json()["detail"]
    assert client.get(f"/api/v1/incidents/{incident['id']}").json()["assignee"] == "ann"
    assert put(client, incident, "ack", **{"If-Match": '"nonsense"'}).status_code == 412
    assert put(client, incident, "ack", **{"If-Match": first.headers["ETag"]}).status_code == 200


def test_the_same_idempotency_key_is_carried_out_once(client: TestClient, incident: dict[str, Any]) -> None:
    for _ in range(3):
        assert put(client, incident, "comment", {"text": "seen"}, **{"Idempotency-Key": f"k-{incident['id']}"}).status_code == 200  # fmt: skip
    told = client.get(f"/api/v1/incidents/{incident['id']}/timeline").json()["items"]
    assert [each["kind"] for each in told].count("comment") == 1


def test_an_idempotency_key_counts_for_its_token_alone(
    there: Deciding, client: TestClient, incident: dict[str, Any]
) -> None:
    for who in (client, there.client("approver")):
        put(who, incident, "comment", {"text": "seen"}, **{"Idempotency-Key": f"j-{incident['id']}"})
    told = client.get(f"/api/v1/incidents/{incident['id']}/timeline").json()["items"]
    assert [each["who"] for each in told if each["kind"] == "comment"] == ["responder", "approver"]


def test_a_viewer_reads_and_changes_nothing(there: Deciding, incident: dict[str, Any]) -> None:
    viewer = there.client("viewer")
    before = viewer.get(f"/api/v1/incidents/{incident['id']}").json()
    bodies = {
        "assign": {"assignee": "x"},
        "comment": {"text": "x"},
        "severity": {"severity": "low"},
        "title": {"title": "x"},
    }
    for verb in (
        "ack",
        "unack",
        "resolve",
        "reopen",
        "snooze",
        "merge",
        "split",
        "link",
        "investigate",
        *bodies,
    ):
        assert put(viewer, incident, verb, bodies.get(verb)).status_code == 403, verb
    assert viewer.get(f"/api/v1/incidents/{incident['id']}").json() == before


def test_merged_incidents_are_one_and_the_other_says_which(
    there: Deciding, client: TestClient, incident: dict[str, Any]
) -> None:
    other = there.incident(_fired(there))
    whole = put(client, incident, "merge", {"others": [other["id"]]}).json()
    assert whole["alert_count"] == 2
    gone = client.get(f"/api/v1/incidents/{other['id']}").json()
    assert (gone["status"], gone["merged_into"]) == ("merged", incident["id"])
    refused = put(client, other, "ack")
    assert refused.status_code == 409
    assert incident["id"] in refused.json()["detail"]
    assert put(client, incident, "merge", {"others": [incident["id"]]}).status_code == 422
    assert put(client, incident, "merge", {"others": ["INC-999999"]}).status_code == 404


def test_what_is_split_off_is_answered_with_the_new_incident(
    there: Deciding, client: TestClient, incident: dict[str, Any]
) -> None:
    second = there.incident(_fired(there))
    put(client, incident, "merge", {"others": [second["id"]]})
    fingerprint = second["alerts"][0]["fingerprint"]
    fresh = put(client, incident, "split", {"fingerprints": [fingerprint]}).json()
    assert fresh["id"] not in {incident["id"], second["id"]}
    assert [each["fingerprint"] for each in fresh["alerts"]] == [fingerprint]
    assert put(client, fresh, "split", {"fingerprints": [fingerprint]}).status_code == 422


def test_resolve_reopen_snooze_severity_title_and_link(
    there: Deciding, client: TestClient, incident: dict[str, Any]
) -> None:
    other = there.incident(_fired(there))
    until = datetime.now(UTC) + timedelta(hours=1)
    assert put(client, incident, "snooze", {"until": until.isoformat()}).json()["snoozed_until"] is not None
    late = put(client, incident, "snooze", {"until": (until + timedelta(days=30)).isoformat()})
    assert (late.status_code, late.json()["errors"][0]["field"]) == (422, "until")
    assert put(client, incident, "severity", {"severity": "low"}).json()["severity"] == "low"
    assert put(client, incident, "title", {"title": "It is the disk"}).json()["title"] == "It is the disk"
    assert put(client, incident, "link", {"others": [other["id"]]}).json()["links"] == [other["id"]]
    assert put(client, incident, "resolve").json()["status"] == "resolved"
    assert put(client, incident, "ack").status_code == 409
    assert put(client, incident, "reopen").json()["status"] == "firing"


def test_explain_says_in_both_languages_why_it_is_one_and_whether_people_are_told(
    there: Deciding, client: TestClient
) -> None:
    number = next(_count)
    labels = {"service": f"service-{number}", "severity": "critical"}
    found = there.incident(there.fire("HighErrorRate", **labels))
    there.until(lambda: client.get(f"/api/v1/incidents/{found['id']}").json()["told"])
    english = client.get(f"/api/v1/incidents/{found['id']}/explain?lang=en").json()
    stages = {each["stage"]: each for each in reversed(english["because"])}
    assert "people are told" in stages["worth"]["sentence"]
    assert stages["notify"]["outcome"] == "pending"
    assert "not delivered yet" in stages["notify"]["sentence"]
    (why,) = english["alerts"]
    assert why["sentence"]
    assert any("critical" in part["sentence"] for part in why["parts"])
    chinese = client.get(f"/api/v1/incidents/{found['id']}/explain?lang=zh").json()
    assert "通知" in next(each["sentence"] for each in chinese["because"] if each["stage"] == "worth")
    said = [each["sentence"] for each in [*english["because"], *chinese["because"]]]
    assert not any(re.search(r"{\w+}", each) for each in said), "a place of a sentence that was not filled"


def because(client: TestClient, incident: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Decisions about an incident, by stage."""
    found: dict[str, list[dict[str, Any]]] = {}
    for each in client.get(f"/api/v1/incidents/{incident['id']}/explain?lang=en").json()["because"]:
        found.setdefault(each["stage"], []).append(each)
    return found


def test_explain_names_the_route_and_every_message_to_each_receiver(
    there: Deciding, client: TestClient, incident: dict[str, Any]
) -> None:
    there.until(lambda: because(client, incident).get("notify"))
    put(client, incident, "resolve")
    found = because(client, incident)
    (route,) = found["route"]
    assert (route["params"]["receiver"], route["params"]["count"]) == ("team", 1)
    assert f"by the route {route['params']['route']}: 1 of 1 alert" in route["sentence"]
    told = [(each["params"]["number"], each["params"]["state"]) for each in found["notify"]]
    assert told == [(1, "firing"), (2, "resolved")]
    assert all(each["params"]["routes"] == [route["params"]["route"]] for each in found["notify"])
    assert "by the route" in found["notify"][0]["parts"][0]["sentence"]
    assert [(each["outcome"], each["who"]) for each in found["end"]] == [("resolved", "responder")]


def test_explain_says_what_was_merged_split_snoozed_and_taken_on_and_by_whom(
    there: Deciding, client: TestClient, incident: dict[str, Any]
) -> None:
    other = there.incident(_fired(there))
    put(client, incident, "merge", {"others": [other["id"]]})
    apart = put(client, incident, "split", {"fingerprints": [other["alerts"][0]["fingerprint"]]}).json()
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    put(client, incident, "snooze", {"until": until})
    put(client, incident, "ack")
    found = because(client, incident)
    said = {stage: [(each["outcome"], each["who"]) for each in rows] for stage, rows in found.items()}
    assert said["merge"] == [("merged", "responder")]
    assert said["split"] == [("split", "responder")]
    assert said["snooze"] == [("snoozed", "responder")]
    assert said["acknowledge"] == [("acknowledged", "responder")]
    assert [each["outcome"] for each in because(client, other)["merge"]] == ["merged_into"]
    assert [each["outcome"] for each in because(client, apart)["split"]] == ["split_from"]


def test_explain_says_which_silence_and_which_inhibition_mutes_its_alerts(
    there: Deciding, client: TestClient
) -> None:
    service = f"service-{next(_count)}"
    loud = there.fire("HighErrorRate", service=service, severity="critical")
    there.fire("HighLatency", service=service, severity="warning")
    found = there.incident(loud)
    (inhibited,) = because(client, found)["inhibit"]
    assert (inhibited["outcome"], inhibited["params"]["ids"]) == ("muted", [loud])
    (silenced,) = because(client, found)["silence"]
    assert silenced["sentence"] == "No alert of it that fires is silenced"
    assert inhibited["params"]["muted"] == 1
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    matchers = [{"name": "service", "value": service, "isRegex": False, "isEqual": True}]
    body = {"matchers": matchers, "ends_at": until, "comment": "known"}
    made = client.post("/api/v1/silences", json=body)
    assert made.status_code < 300, made.text
    there.until(lambda: because(client, found)["silence"][0]["outcome"] == "muted")
    (silenced,) = because(client, found)["silence"]
    assert silenced["params"]["ids"] == [made.json()["id"]]
    assert silenced["params"]["muted"] == 2
    assert silenced["sentence"].startswith("Silenced: 2 of ")


def test_an_investigation_cannot_be_asked_of_a_process_that_makes_none(
    client: TestClient, incident: dict[str, Any]
) -> None:
    answer = put(client, incident, "investigate")
    assert answer.status_code == 503
    assert "serve" in answer.json()["detail"]


def test_the_audit_names_who_asked_for_what_and_what_was_refused(
    there: Deciding, client: TestClient, incident: dict[str, Any]
) -> None:
    put(client, incident, "comment", {"text": "kept"})
    put(client, incident, "split", {"fingerprints": ["nonsense"]})
    assert client.get("/api/v1/audit").status_code == 403
    rows = there.client("approver").get("/api/v1/audit", params={"limit": 50}).json()["items"]
    mine = [
        (each["verb"], each["who"], each["outcome"]) for each in rows if each["subject"] == incident["id"]
    ]
    (token,) = [each for each in there.service.tokens.all() if each.name == "responder"]
    who = f"responder (token {token.id})"
    assert ("incident.comment", who, "done") in mine
    assert ("incident.split", who, "refused") in mine


def test_who_asks_for_an_investigation_stands_in_the_audit(
    there: Deciding, client: TestClient, incident: dict[str, Any]
) -> None:
    there.service.alerting.ask_casework = lambda ident, *, who: {"incident_id": ident, "round": 1, "by": who}
    try:
        assert put(client, incident, "investigate").status_code == 202
    finally:
        there.service.alerting.ask_casework = None
    (row,) = (
        each for each in there.service.alerting.records.audit_page().rows if each["verb"] == "investigate"
    )
    assert (row["subject"], row["outcome"]) == (incident["id"], "done")
    assert row["who"].startswith("responder (token ")


def test_the_page_shows_incidents_and_one_of_them_with_its_timeline(
    there: Deciding, incident: dict[str, Any]
) -> None:
    viewer = there.client("viewer")
    put(there.client("responder"), incident, "comment", {"text": "<b>seen</b>"})
    for lang, status in (("en", "firing"), ("zh", "触发中")):
        listed = viewer.get(f"/incidents?lang={lang}", headers={"Accept": "text/html"}).text
        assert incident["id"] in listed
        shown = viewer.get(f"/incidents/{incident['id']}?lang={lang}", headers={"Accept": "text/html"}).text
        assert status in shown
        assert "&lt;b&gt;seen" in shown
        assert "<b>seen" not in shown
    there.until(lambda: viewer.get(f"/api/v1/incidents/{incident['id']}").json()["woken"])
    assert incident["id"] in viewer.get("/", headers={"Accept": "text/html"}).text
    assert viewer.get("/incidents/INC-999999").status_code == 404


def test_the_status_says_what_goes_on_and_who_decides(there: Deciding, incident: dict[str, Any]) -> None:
    found = there.client("viewer").get("/status").json()["alerting"]
    assert found["leads"] is True
    assert found["leader"]
    assert found["incidents_open"] >= 1
    assert found["alerts_firing"] >= 1
    assert found["problems"] == []
    assert incident["id"]
