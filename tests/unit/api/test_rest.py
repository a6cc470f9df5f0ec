"""The interface: roles, problems, pages, and the fields that others rely on."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from sre_copilot.api.guard import PUBLIC, ROLE
from sre_copilot.api.server import create_app, routes
from sre_copilot.app.serving import Service, make_service
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.series import SeriesKey
from sre_copilot.settings.document import Settings
from sre_copilot.settings.section import ROLES, Role
from sre_copilot.testing.store_contract import row
from sre_copilot.testing.synthetic import SyntheticSource

NOW = 1_760_000_040.0


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    settings = Settings.model_validate(
        {
            "store": {"folder": tmp_path},
            "server": {"change_webhook_secret": "of-the-webhook"},
        }
    )
    made = make_service(settings, sources=[SyntheticSource()], clock=TurnedClock(NOW))
    yield made
    made.close()


@pytest.fixture
def client(service: Service) -> TestClient:
    return TestClient(create_app(service), raise_server_exceptions=False)


def bearer(service: Service, role: Role) -> dict[str, str]:
    _, plain = service.tokens.create(f"of a {role}", role=role, now=NOW)
    return {"Authorization": f"Bearer {plain}"}


def test_every_route_states_its_role_and_lets_nobody_else_in(service: Service, client: TestClient) -> None:
    headers = {role: bearer(service, role) for role in ROLES}
    service.stop.set()  # a stream of updates ends with the server
    doors = [
        (method, whole.replace("{key}", "x"), role)
        for whole, route in routes()
        if (role := (route.openapi_extra or {})[ROLE]) != PUBLIC
        for method in route.methods or set()
    ]
    assert len(doors) > 20
    asked = [
        (*door[:2], held)
        for door in doors
        for held in ({}, {"Authorization": "Bearer sre_x"}, *headers.values())
    ]
    statuses = iter(asyncio.run(statuses_of(client.app, asked)))
    for method, path, role in doors:
        assert (next(statuses), next(statuses)) == (401, 401), path
        for other in ROLES:
            status, allowed = next(statuses), ROLES.index(other) >= ROLES.index(role)
            assert (status == 403) != allowed, (method, path, other, status)


async def statuses_of(app: Any, requests: Iterable[tuple[str, str, dict[str, str]]]) -> list[int]:
    """What each is answered; in one loop, for so many requests that a thread for each would take most of the time."""
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as asking:
        return [
            (await asking.request(method, path, headers=held)).status_code for method, path, held in requests
        ]


WAYS_IN = {"/alerts/event/{provider_type}", "/v2/enqueue", "/api/v1/intake/{name}", "/api/intake/{name}", "/api/v1/intake/{name}/api/v2/alerts"}  # fmt: skip
"""Who sends alerts is admitted by the word or the signature of the way in."""
PLATFORMS = {f"/api{v}/chat/{name}" for v in ("", "/v1") for name in ("slack", "feishu", "dingtalk", "wecom")}
"""Who brings decisions in is known by the signature of the chat platform."""


def test_only_health_the_way_in_for_browsers_and_what_admits_by_itself_are_public() -> None:
    public = {path for path, route in routes() if (route.openapi_extra or {})[ROLE] == PUBLIC}
    assert public == {"/healthz", "/readyz", "/open", "/api/changes", "/api/v1/changes", *WAYS_IN, *PLATFORMS}


OWN_FORMS = {"/approvals/{plan_id}"}
"""Pages whose form a person who is signed in may send: it carries a proof of its own, without which it is refused."""


def test_a_session_of_a_browser_reads_what_viewers_read_and_changes_nothing(
    service: Service, client: TestClient
) -> None:
    admin = bearer(service, "admin")
    client.get(client.post("/api/v1/invitations", headers=admin).json()["path"])
    service.stop.set()  # a stream of updates ends with the server
    seen = 0
    for whole, route in routes():
        role = (route.openapi_extra or {})[ROLE]
        for method in (route.methods or set()) if role != PUBLIC else ():
            status = client.request(method, whole.replace("{key}", "x")).status_code
            reads = method == "GET" and role == "viewer"
            if method == "POST" and whole in OWN_FORMS:
                form = client.post(
                    whole.replace("{plan_id}", "PLAN-20200101000000"), data={"verdict": "approve"}
                )
                assert form.status_code == 403, whole
                continue
            assert (status != 401) == reads, (method, whole, status)
            seen += reads
    assert seen > 15
    assert client.post("/api/v1/changes", json={"service": "a", "kind": "deploy"}).status_code == 401


def test_a_token_works_in_either_header(service: Service, client: TestClient) -> None:
    plain = bearer(service, "viewer")["Authorization"].removeprefix("Bearer ")
    assert client.get("/status", headers={"X-API-Key": plain}).status_code == 200


def test_anomalies_have_the_fields_that_others_rely_on(service: Service, client: TestClient) -> None:
    service.anomalies.save([row(1, opened_at=NOW - 60, closed_at=None), row(2, opened_at=NOW - 90_000)])
    answer = client.get("/api/anomalies?hours=24", headers=bearer(service, "viewer")).json()
    (only,) = answer["items"]
    assert {"metric", "current", "expected", "deviation", "severity", "score", "since", "sentence"} <= set(
        only
    )
    assert only["opened_at"] == "2025-10-09T08:53:00Z"
    assert answer["next"] is None


def test_sentences_come_in_the_language_asked_for(service: Service, client: TestClient) -> None:
    service.anomalies.save([row(1, opened_at=NOW)])
    headers = bearer(service, "viewer")
    for query, accepted, said in (
        ("", "zh-CN,zh", "变慢"),
        ("?lang=en", "zh-CN", "it is slow"),
        ("", "", "it is slow"),
    ):
        found = client.get(
            f"/api/v1/anomalies/A-0001{query}", headers={**headers, "Accept-Language": accepted}
        )
        assert found.json()["sentence"] == said


def test_pages_follow_each_other(service: Service, client: TestClient) -> None:
    service.anomalies.save(row(number, opened_at=NOW - number) for number in range(25))
    headers, seen, cursor = bearer(service, "viewer"), [], ""
    while True:
        page = client.get(f"/api/v1/anomalies?limit=10{cursor}", headers=headers).json()
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == [f"A-{number:04}" for number in range(25)]


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("/api/anomalies?hours=-1", 422, "hours"),
        ("/api/anomalies?hours=many", 422, "hours"),
        ("/api/anomalies?limit=0", 422, "limit"),
        ("/api/anomalies?cursor=nonsense", 400, "cursor"),
        ("/api/anomalies/none", 404, "key"),
        ("/api/forecast?entity=a", 422, "metric"),
        ("/api/forecast?entity=a&metric=b&hours=13", 422, "hours"),
        ("/nowhere", 404, ""),
    ],
)
def test_what_is_wrong_is_a_problem_that_names_the_field(
    service: Service, client: TestClient, path: str, status: int, field: str
) -> None:
    answer = client.get(path, headers=bearer(service, "viewer"))
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert (document["status"], bool(document["detail"])) == (status, True)
    assert not field or document["errors"][0]["field"] == field


def test_learning_is_started_once(service: Service, client: TestClient) -> None:
    headers = bearer(service, "responder")
    answer = client.post("/api/baseline/learn", headers=headers)
    assert (answer.status_code, answer.json()["status"]) == (202, "started")
    for _ in range(200):
        if client.get("/status", headers=headers).json()["learning"]["state"] == "done":
            break
        service.clock.wait(0, service.stop)
        service.stop.wait(0.05)
    service.watch.tick()
    listed = client.get("/api/baseline/metrics", headers=headers).json()
    assert listed["total"] == 12
    assert {"metric", "points", "expected", "state"} <= set(listed["items"][0])
    assert (listed["items"][0]["state"], listed["items"][0]["points"]) == ("learned", 10080)
    entity, metric = listed["items"][0]["entity"], listed["items"][0]["metric"]
    forecast = client.get(f"/api/v1/forecast?entity={entity}&metric={metric}&hours=6", headers=headers).json()
    assert len(forecast["times"]) == 360
    assert all(low <= middle <= high for low, middle, high in forecast["values"])


def test_a_change_is_taken_once_however_often_it_is_told(service: Service, client: TestClient) -> None:
    change = {"service": "orders", "kind": "deploy", "text": "release 1.2", "ts": NOW - 5}
    headers = bearer(service, "responder")
    first = client.post("/api/v1/changes", json=change, headers=headers)
    assert (first.status_code, first.json()["new"]) == (202, 1)
    assert client.post("/api/changes", json=change, headers=headers).json()["new"] == 0
    listed = client.get("/api/v1/changes", headers=headers).json()["items"]
    assert [(item["service"], item["text"]) for item in listed] == [("orders", "release 1.2")]


def test_a_signed_webhook_needs_no_token(service: Service, client: TestClient) -> None:
    body = json.dumps({"service": "orders", "kind": "deploy", "text": "release 1.3", "ts": NOW}).encode()
    signature = "sha256=" + hmac.new(b"of-the-webhook", body, hashlib.sha256).hexdigest()
    assert (
        client.post("/api/v1/changes", content=body, headers={"X-Hub-Signature-256": signature}).status_code
        == 202
    )
    wrong = client.post("/api/v1/changes", content=body + b" ", headers={"X-Hub-Signature-256": signature})
    assert wrong.status_code == 401
    assert client.post("/api/v1/changes", content=body).status_code == 401
    viewer = client.post("/api/v1/changes", content=body, headers=bearer(service, "viewer"))
    assert viewer.status_code == 403


@pytest.mark.parametrize("body", [b"", b"{", b"5", b'{"service": 5}', b'{"kind": "deploy"}'])
def test_a_bad_change_is_refused_with_its_field(service: Service, client: TestClient, body: bytes) -> None:
    answer = client.post("/api/v1/changes", content=body, headers=bearer(service, "responder"))
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_that_is_too_large_is_not_read(service: Service, client: TestClient) -> None:
    answer = client.post("/api/v1/changes", content=b"x" * 1_000_001, headers=bearer(service, "responder"))
    assert answer.status_code == 413


def test_tokens_are_made_listed_and_revoked_by_an_admin(service: Service, client: TestClient) -> None:
    headers = bearer(service, "admin")
    made = client.post("/api/v1/tokens", json={"name": "ci", "role": "responder"}, headers=headers).json()
    assert client.get("/status", headers={"Authorization": f"Bearer {made['token']}"}).status_code == 200
    listed: list[dict[str, Any]] = client.get("/api/v1/tokens", headers=headers).json()["items"]
    assert made["token"] not in json.dumps(listed)
    assert client.delete(f"/api/v1/tokens/{made['id']}", headers=headers).json()["revoked_at"]
    assert client.get("/status", headers={"Authorization": f"Bearer {made['token']}"}).status_code == 401
    bad = client.post("/api/v1/tokens", json={"name": "x", "role": "king"}, headers=headers)
    assert bad.json()["errors"][0]["field"] == "role"


def test_health_needs_no_token_and_metrics_are_in_the_text_format(
    service: Service, client: TestClient
) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").status_code == 200
    text = client.get("/metrics", headers=bearer(service, "viewer")).text
    assert "sre_copilot_ticks_total" in text
    assert "_created" not in text


def test_status_and_sources_are_told(service: Service, client: TestClient) -> None:
    service.watch.tick()
    document = client.get("/status", headers=bearer(service, "viewer")).json()
    assert document["status"] == "running"
    assert document["sources"][0]["name"] == "synthetic"
    assert document["last_tick_at"] == "2025-10-09T08:54:00Z"


def test_seconds_are_shown_to_the_millisecond(service: Service, client: TestClient) -> None:
    service.watch.tick()
    service.clock.wait(1.23456789, service.stop)
    document = client.get("/status", headers=bearer(service, "viewer")).json()
    shown = [document["lag_seconds"], document["last_tick_seconds"], document["sources"][0]["seconds"]]
    assert shown[0] == 1.235
    assert all(value == round(value, 3) for value in shown)


def test_the_document_of_the_interface_describes_every_noun(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert set(paths) == {
        path.replace(":path}", "}")
        for path, _ in routes()
        if path.startswith(("/api/v1", "/api/v2")) or not path.startswith("/api")
    }
    assert {"/status", "/healthz", "/api/v1/anomalies", "/api/v1/predictions", "/api/v1/changes"} <= set(
        paths
    )
    assert all(operation["x-role"] for path in paths.values() for operation in path.values())


def test_a_signature_that_is_no_ascii_is_refused_like_any_other(client: TestClient) -> None:
    headers = {"X-Hub-Signature-256": "sha256=é".encode("latin-1")}
    answer = client.post("/api/v1/changes", content=b"{}", headers=headers)
    assert answer.status_code == 401


def test_a_learned_series_has_a_threshold_that_its_past_would_rarely_have_crossed(
    service: Service, client: TestClient
) -> None:
    service.watch.request_learning(wait=True)
    service.watch.tick()
    items = client.get("/api/v1/baseline/metrics", headers=bearer(service, "viewer")).json()["items"]
    found = [each["recommended_threshold"] for each in items]
    assert all(each["value"] > row["expected"] for each, row in zip(found, items, strict=True))
    assert all(each["alerts_a_day"] <= 0.1 for each in found)
    assert {each["direction"] for each in found} == {"above"}


def test_a_forecast_needs_an_instance_only_where_there_are_several(tmp_path: Path) -> None:
    keys = (SeriesKey("orders", "cpu", "a"), SeriesKey("orders", "cpu", "b"), SeriesKey("stock", "cpu", "c"))
    sources = [Instances(keys=keys, name="east"), Instances(keys=keys[2:], name="west")]
    settings = Settings.model_validate({"store": {"folder": tmp_path}})
    service = make_service(settings, sources=sources[:1], clock=TurnedClock(NOW))
    service.watch.request_learning(wait=True)
    service.watch.tick()
    client, headers = TestClient(create_app(service)), bearer(service, "viewer")
    only = client.get("/api/v1/forecast?entity=stock&metric=cpu", headers=headers).json()
    assert (only["instance"], only["source"], len(only["times"])) == ("c", "east", 360)
    several = client.get("/api/v1/forecast?entity=orders&metric=cpu", headers=headers)
    assert (several.status_code, several.json()["errors"][0]["field"]) == (400, "instance")
    assert "'a', 'b'" in several.json()["detail"]
    named = client.get("/api/v1/forecast?entity=orders&metric=cpu&instance=b", headers=headers).json()
    assert named["instance"] == "b"
    assert (
        client.get("/api/v1/forecast?entity=orders&metric=cpu&instance=x", headers=headers).status_code == 404
    )
    service.close()
    both = make_service(settings, sources=sources, clock=TurnedClock(NOW))
    both.watch.request_learning(wait=True)
    both.watch.tick()
    client = TestClient(create_app(both))
    asked = client.get("/api/v1/forecast?entity=stock&metric=cpu", headers=headers)
    assert (asked.status_code, asked.json()["errors"][0]["field"]) == (400, "source")
    assert "'east', 'west'" in asked.json()["detail"]
    west = client.get("/api/v1/forecast?entity=stock&metric=cpu&source=west", headers=headers).json()
    assert west["source"] == "west"
    both.close()


class Instances(SyntheticSource):
    """Invented series whose names are given."""

    def __init__(self, *, keys: tuple[SeriesKey, ...], name: str) -> None:
        super().__init__(services=len(keys), metrics=1, name=name)
        self.keys = keys
