"""Whom the interface of Alertmanager lets in."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.unit.api.alertmanager_bench import HERE, alert, bearer, client_of, make, post, silence

from sre_copilot.app.serving import Service


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    made = make(tmp_path, open_on_loopback=True)
    yield made
    made.close()


@pytest.fixture
def client(service: Service) -> TestClient:
    return client_of(service)


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
