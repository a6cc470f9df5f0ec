"""The API of Alertmanager: its fields, its filters, its refusals, and who is let in."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml
from fastapi.testclient import TestClient

from sre_copilot.alerts.intake.reader import Unreadable
from sre_copilot.alerts.intake.times import moment
from sre_copilot.alerts.labels import fingerprint
from sre_copilot.api.server import create_app
from sre_copilot.app.serving import Service, SourceRoles, make_service
from sre_copilot.clock import TurnedClock, rfc3339
from sre_copilot.domain.alert import AlertEvent
from sre_copilot.settings.document import Settings
from sre_copilot.settings.section import Role
from sre_copilot.testing.alert_backend import MemoryAlerts
from sre_copilot.testing.synthetic import SyntheticSource

NOW = 1_790_000_000.0
HERE = ("127.0.0.1", 50_000)


def make(folder: Path, **intake: Any) -> Service:
    settings = Settings.model_validate({"store": {"folder": folder}, "alerting": {"intake": intake}})
    return make_service(settings, sources=[SyntheticSource()], clock=TurnedClock(NOW))


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    made = make(tmp_path, open_on_loopback=True)
    yield made
    made.close()


def client_of(service: Service, *, base_url: str = "http://127.0.0.1:8000", peer: tuple[str, int] = HERE) -> TestClient:  # fmt: skip
    app = create_app(service)
    app.state.alerting = MemoryAlerts(clock=service.clock, receiver="on-call")
    return TestClient(app, raise_server_exceptions=False, base_url=base_url, client=peer)


@pytest.fixture
def client(service: Service) -> TestClient:
    return client_of(service)


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


def names(answer: Any) -> list[str]:
    return sorted(each["labels"]["alertname"] for each in answer.json())


def post(client: TestClient, *alerts: Any) -> Any:
    return client.post("/api/v2/alerts", json=list(alerts))


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


# -- who is let in ------------------------------------------------------------------------------------------------------


def test_where_it_is_opened_whoever_is_on_this_machine_is_let_in(client: TestClient) -> None:
    for url in ("/api/v2/alerts", "/api/v2/silences", "/api/v2/status"):
        assert client.get(url).status_code == 200


@pytest.mark.parametrize(
    ("headers", "peer", "base_url"),
    [
        ({}, ("192.0.2.7", 1), "http://127.0.0.1:8000"),
        ({}, HERE, "http://copilot.example"),
        ({"X-Forwarded-For": "192.0.2.7"}, HERE, "http://127.0.0.1:8000"),
        ({"Forwarded": "for=192.0.2.7"}, HERE, "http://127.0.0.1:8000"),
        ({"Origin": "https://evil.example"}, HERE, "http://127.0.0.1:8000"),
        ({"Sec-Fetch-Site": "cross-site"}, HERE, "http://127.0.0.1:8000"),
        ({"Authorization": "Bearer wrong"}, HERE, "http://127.0.0.1:8000"),
        ({"Authorization": "Basic " + base64.b64encode(b"a:wrong").decode()}, HERE, "http://127.0.0.1:8000"),
    ],
)
def test_a_proxy_a_page_a_foreign_name_or_a_wrong_token_is_not_this_machine(
    service: Service, headers: dict[str, str], peer: tuple[str, int], base_url: str
) -> None:
    client = client_of(service, base_url=base_url, peer=peer)
    assert client.get("/api/v2/alerts", headers=headers).status_code == 401
    assert client.post("/api/v2/silences", json=silence(), headers=headers).status_code == 401


@pytest.mark.parametrize(
    "intake",
    [
        {},
        {
            "open_on_loopback": True,
            "entries": {"alertmanager_api": {"provider": "alertmanager_api", "token": "w0rd"}},
        },
        {
            "open_on_loopback": True,
            "entries": {"alertmanager_api": {"provider": "alertmanager_api", "enabled": False}},
        },
    ],
)
def test_nobody_is_let_in_without_a_token_unless_it_was_opened_and_a_configured_word_closes_it(
    tmp_path: Path, intake: dict[str, Any]
) -> None:
    service = make(tmp_path / "closed", **intake)
    try:
        assert client_of(service).get("/api/v2/alerts").status_code == 401
    finally:
        service.close()


def test_the_word_of_the_way_in_sends_alerts_and_can_do_nothing_else(tmp_path: Path) -> None:
    entry = {"provider": "alertmanager_api", "token": "w0rd", "username": "prometheus"}
    service = make(tmp_path / "word", entries={"alertmanager_api": entry})
    try:
        client = client_of(service, peer=("192.0.2.7", 1))
        basic = "Basic " + base64.b64encode(b"prometheus:w0rd").decode()
        for given in ("Bearer w0rd", basic):
            client.headers["Authorization"] = given
            assert post(client, alert("A")).status_code == 200
            assert client.get("/api/v2/alerts").status_code == 401
            assert client.post("/api/v2/silences", json=silence()).status_code == 401
    finally:
        service.close()


def test_tokens_open_it_by_their_role_as_bearer_or_as_a_password(service: Service) -> None:
    client = client_of(service, peer=("192.0.2.7", 1))
    for role, may in (("viewer", 403), ("responder", 200)):
        plain = bearer(service, role)  # type: ignore[arg-type]
        for given in (f"Bearer {plain}", "Basic " + base64.b64encode(f"me:{plain}".encode()).decode()):
            client.headers["Authorization"] = given
            assert client.get("/api/v2/alerts").status_code == 200
            assert post(client, alert("A")).status_code == may
            assert client.post("/api/v2/silences", json=silence()).status_code == may


def test_several_prometheus_have_ways_in_of_their_own(tmp_path: Path) -> None:
    entries = {"eu": {"provider": "alertmanager_api", "token": "w0rd", "labels": {"region": "eu"}}}
    service = make(tmp_path / "own", entries=entries)
    try:
        client = client_of(service, peer=("192.0.2.7", 1))
        headers = {"Authorization": "Bearer w0rd"}
        url = "/api/v1/intake/eu/api/v2/alerts"
        assert client.post(url, json=[alert("A")], headers=headers).status_code == 200
        assert client.post(url, json=[alert("A")]).status_code == 401
        assert client.post("/api/v1/intake/grafana/api/v2/alerts", json=[], headers=headers).status_code == 404  # fmt: skip
        ((source, (event,)),) = client.app.state.alerting.accepted  # type: ignore[attr-defined]
        assert (source, event.labels["region"]) == ("eu", "eu")
    finally:
        service.close()


def test_only_json_is_taken_for_a_form_of_a_foreign_page_may_send_the_rest(client: TestClient) -> None:
    for url in ("/api/v2/alerts", "/api/v2/silences"):
        answer = client.post(url, content=b"[]", headers={"Content-Type": "text/plain"})
        assert answer.status_code == 415


def test_nothing_behind_it_is_said_and_no_failure(service: Service) -> None:
    client = client_of(service)
    del client.app.state.alerting  # type: ignore[attr-defined]
    assert client.get("/api/v2/alerts").status_code == 503
    assert post(client, alert("A")).status_code == 503


# -- what is shown to whom ----------------------------------------------------------------------------------------------


def anomaly(**source: dict[str, str]) -> AlertEvent:
    """An anomaly, or with its source as a label a breach that is likely."""
    return AlertEvent(
        labels={"alertname": "Anomaly", "service": "shop", **source.get("labels", {})},
        annotations={"summary": "12.5 where 3 were expected", **source.get("annotations", {})},
        status="firing",
        severity="critical",
        starts_at=NOW,
        ends_at=None,
        received_at=NOW,
        source="watch",
        provider="anomalies",
        generator_url="http://here/anomalies/an-1",
        anomaly_id="an-1",
    )


@pytest.mark.parametrize("place", ["labels", "annotations"])
@pytest.mark.parametrize(
    ("role", "see", "shown"),
    [
        (None, "viewer", True),
        (None, "responder", False),
        ("viewer", "responder", False),
        ("responder", "responder", True),
    ],
)
def test_an_anomaly_of_a_source_that_may_not_be_seen_hides_what_it_holds(
    service: Service, role: Role | None, see: Role, shown: bool, place: str
) -> None:
    service.roles = {"secret": SourceRoles(query="admin", see=see)}
    client = client_of(service)
    asyncio.run(client.app.state.alerting.accept([anomaly(**{place: {"source": "secret"}})], source="watch"))  # type: ignore[attr-defined]
    post(client, alert("Slow", source="secret"))
    if role is not None:
        client.headers["Authorization"] = f"Bearer {bearer(service, role)}"
    listed = client.get("/api/v2/alerts").json()
    groups = client.get("/api/v2/alerts/groups").json()
    grouped = [each for group in groups for each in group["alerts"]]
    for found in (listed, grouped):
        by_name = {each["labels"]["alertname"]: each for each in found}
        assert ("12.5" in by_name["Anomaly"]["annotations"]["summary"]) is shown
        assert by_name["Anomaly"]["generatorURL"] == ("http://here/anomalies/an-1" if shown else "")
        assert by_name["Slow"]["annotations"] == {"summary": "x"}


# -- upstream's schema ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    folder = os.environ.get("SRE_COPILOT_CONTRACTS")
    if not folder:
        pytest.skip("SRE_COPILOT_CONTRACTS does not name the folder of upstream's golden files")
    found: dict[str, Any] = yaml.safe_load(
        (Path(folder) / "alertmanager/openapi.yaml").read_text(encoding="utf-8")
    )
    return found


def hold(schema: dict[str, Any], path: str, method: str, answer: Any) -> None:
    """Hold an answer against upstream's schema, with `definitions` and formats."""
    response = schema["paths"][path][method]["responses"][str(answer.status_code)]
    if "$ref" in response:
        response = schema["responses"][response["$ref"].rpartition("/")[2]]
    if "schema" not in response:
        assert answer.content == b""
        return
    whole = {**response["schema"], "definitions": schema["definitions"]}
    checker = jsonschema.FormatChecker([])
    checker.checks("date-time", raises=Unreadable)(lambda value: moment(value, "it") is not None)
    jsonschema.Draft4Validator(json.loads(json.dumps(whole)), format_checker=checker).validate(answer.json())


def test_every_answer_has_the_schema_of_upstream(client: TestClient, schema: dict[str, Any]) -> None:
    hold(schema, "/alerts", "post", post(client, alert("Slow"), alert("Down")))
    hold(schema, "/alerts", "post", post(client, {"labels": {}}))
    made = client.post("/api/v2/silences", json=silence())
    hold(schema, "/silences", "post", made)
    hold(schema, "/silences", "post", client.post("/api/v2/silences", json=silence(endsAt=rfc3339(NOW - 9))))
    key = made.json()["silenceID"]
    hold(schema, "/silence/{silenceID}", "get", client.get(f"/api/v2/silence/{key}"))
    for path in ("/status", "/receivers", "/silences", "/alerts", "/alerts/groups"):
        answer = client.get(f"/api/v2{path}")
        assert answer.json()
        hold(schema, path, "get", answer)
    hold(schema, "/alerts", "get", client.get("/api/v2/alerts", params={"filter": "=="}))
    hold(schema, "/silence/{silenceID}", "delete", client.delete(f"/api/v2/silence/{key}"))
    hold(schema, "/silences", "get", client.get("/api/v2/silences"))


def test_every_path_of_upstream_is_there(client: TestClient, schema: dict[str, Any]) -> None:
    ours = client.get("/openapi.json").json()["paths"]
    for path, methods in schema["paths"].items():
        served = ours[f"/api/v2{path}".replace("silenceID", "key")]
        assert set(methods) - {"parameters"} == set(served)
        for method in served:
            known = [_named(schema, each) for each in methods[method].get("parameters", [])]
            wanted = {each["name"] for each in known if each["in"] == "query"}
            given = {each["name"] for each in served[method].get("parameters", []) if each["in"] == "query"}
            assert wanted == given, path


def _named(schema: dict[str, Any], parameter: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in parameter:
        found: dict[str, Any] = schema["parameters"][parameter["$ref"].rpartition("/")[2]]
        return found
    return parameter
