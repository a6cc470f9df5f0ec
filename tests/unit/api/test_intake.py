"""The ways in: who may send, how much, and what the answer says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from sre_copilot.api.intake_limits import Bucket
from sre_copilot.api.server import create_app
from sre_copilot.app.serving import Service, make_service
from sre_copilot.clock import TurnedClock
from sre_copilot.errors import StoreError
from sre_copilot.settings.document import Settings
from sre_copilot.settings.section import Role
from sre_copilot.testing.alert_backend import MemoryAlerts
from sre_copilot.testing.synthetic import SyntheticSource

NOW = 1_790_000_000.0
SECRET = "of-the-sender"  # noqa: S105 - of this test
WEBHOOK: dict[str, Any] = {"version": "4", "alerts": [{"status": "firing", "labels": {"alertname": "Slow"}, "startsAt": "2026-09-21T14:13:20Z"}]}  # fmt: skip
ENTRIES: dict[str, Any] = {
    "shop": {"provider": "alertmanager", "token": "w0rd", "username": "am", "labels": {"cluster": "eu"}},
    "signed": {
        "provider": "grafana",
        "signature": {
            "secret": SECRET,
            "header": "X-Grafana-Alerting-Signature",
            "timestamp_header": "X-Sent-At",
        },
    },
    "plain-signed": {
        "provider": "alertmanager",
        "signature": {"secret": SECRET, "encoding": "base64", "prefix": "sha256="},
    },
    "slow": {
        "provider": "alertmanager",
        "token": "token-of-a-slow-sender",
        "rate": {
            "requests_per_second": 0.01,
            "requests_burst": 2,
            "alerts_per_second": 0.01,
            "alerts_burst": 20,
        },
    },
    "pager": {"provider": "pagerduty", "token": "R" * 32},
    "closed": {"provider": "zabbix", "enabled": False},
    "own": {"provider": "generic", "token": "own", "fields": {"name": "$.what"}},
}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    intake = {"entries": ENTRIES, "largest_body_bytes": 20_000, "largest_batch": 20}
    settings = Settings.model_validate({"store": {"folder": tmp_path}, "alerting": {"intake": intake}})
    made = make_service(settings, sources=[SyntheticSource()], clock=TurnedClock(NOW))
    yield made
    made.close()


@pytest.fixture
def backend(service: Service) -> MemoryAlerts:
    return MemoryAlerts(clock=service.clock)


@pytest.fixture
def client(service: Service, backend: MemoryAlerts) -> TestClient:
    app = create_app(service)
    app.state.alerting = backend
    return TestClient(app, raise_server_exceptions=False)


def bearer(service: Service, role: Role) -> dict[str, str]:
    _, plain = service.tokens.create(f"of a {role}", role=role, now=NOW)
    return {"Authorization": f"Bearer {plain}"}


WORD = {"Authorization": "Bearer w0rd"}


def test_what_is_taken_is_durable_counted_and_named(client: TestClient, backend: MemoryAlerts) -> None:
    body = {**WEBHOOK, "truncatedAlerts": 3, "alerts": [*WEBHOOK["alerts"], {"status": "odd"}]}
    answer = client.post("/api/v1/intake/shop", json=body, headers=WORD)
    assert answer.status_code == 202
    ((source, (event,)),) = backend.accepted
    assert source == "shop"
    assert event.labels == {"alertname": "Slow", "cluster": "eu"}
    found = answer.json()
    assert (found["accepted"], found["rejected"], found["truncated"]) == (1, 1, 3)
    assert found["errors"] == [{"index": 1, "field": "status", "problem": "must be one of firing, resolved"}]
    assert found["ids"] == list(backend._alerts)


def test_nothing_is_answered_well_before_it_is_durable(client: TestClient, service: Service) -> None:
    class Full(MemoryAlerts):
        async def accept(self, events: Any, *, source: str) -> None:
            raise StoreError("the disk is full; free some space")

    client.app.state.alerting = Full(clock=service.clock)  # type: ignore[attr-defined]
    assert client.post("/api/v1/intake/shop", json=WEBHOOK, headers=WORD).status_code == 503
    del client.app.state.alerting  # type: ignore[attr-defined]
    assert client.post("/api/v1/intake/shop", json=WEBHOOK, headers=WORD).status_code == 503


def test_a_payload_of_which_nothing_can_be_read_is_a_bad_request(
    client: TestClient, backend: MemoryAlerts
) -> None:
    for body in (
        b"{",
        b"[]",
        b'{"alerts": 5}',
        json.dumps({"alerts": [{"status": "odd"}]}).encode(),
        b"\xff",
    ):
        answer = client.post("/api/v1/intake/shop", content=body, headers=WORD)
        assert answer.status_code == 400, body
        assert answer.headers["content-type"] == "application/problem+json"
    assert backend.accepted == []


@pytest.mark.parametrize(
    "give",
    [
        dict,
        lambda: {"Authorization": "Bearer wrong"},
        lambda: {"Authorization": "Basic %%%"},
        lambda: {"X-API-Key": "w0rd2"},
        lambda: {"Authorization": "Basic " + base64.b64encode(b"eve:w0rd").decode()},
        lambda: {"Authorization": "Bearer wörd".encode("latin-1").decode("latin-1")},
    ],
)
def test_who_is_not_known_is_refused(client: TestClient, give: Callable[[], dict[str, str]]) -> None:
    headers = {name: value.encode("latin-1") for name, value in give().items()}
    answer = client.post("/api/v1/intake/shop", json=WEBHOOK, headers=headers)  # type: ignore[arg-type]
    assert answer.status_code == 401
    assert "w0rd" not in answer.text


def test_the_word_of_a_way_in_is_taken_in_every_form_and_opens_no_other_one(client: TestClient) -> None:
    basic = {"Authorization": "Basic " + base64.b64encode(b"am:w0rd").decode()}
    for headers in (WORD, basic, {"X-API-Key": "w0rd"}):
        assert client.post("/api/v1/intake/shop", json=WEBHOOK, headers=headers).status_code == 202
        assert client.post("/api/v1/intake/grafana", json=WEBHOOK, headers=headers).status_code == 401
    assert client.get("/api/v1/anomalies", headers=WORD).status_code == 401


def test_every_provider_has_a_way_in_for_the_token_of_a_responder(
    client: TestClient, service: Service
) -> None:
    responder, viewer = bearer(service, "responder"), bearer(service, "viewer")
    assert client.post("/api/v1/intake/grafana", json=WEBHOOK, headers=responder).status_code == 202
    assert client.post("/api/intake/alertmanager", json=WEBHOOK, headers=responder).status_code == 202
    assert client.post("/api/v1/intake/grafana", json=WEBHOOK, headers=viewer).status_code == 403


def test_a_revoked_token_sends_no_more_after_a_few_seconds(client: TestClient, service: Service) -> None:
    responder = bearer(service, "responder")
    assert client.post("/api/v1/intake/grafana", json=WEBHOOK, headers=responder).status_code == 202
    service.tokens.revoke(service.tokens.all()[-1].id, now=NOW)
    service.clock.wait(6, service.stop)
    assert client.post("/api/v1/intake/grafana", json=WEBHOOK, headers=responder).status_code == 401


def test_there_is_no_way_in_that_is_closed_or_was_not_configured(
    client: TestClient, service: Service
) -> None:
    headers = bearer(service, "admin")
    for name in ("closed", "generic", "nothing", "..", "x" * 3000):
        assert client.post(f"/api/v1/intake/{name}", json=WEBHOOK, headers=headers).status_code == 404, name


def signature(body: bytes, stamp: str = "") -> str:
    signed = (stamp + ":").encode() + body if stamp else body
    return hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()


def test_a_signed_message_is_taken_once_it_fits_body_secret_and_time(client: TestClient) -> None:
    body = json.dumps(WEBHOOK).encode()

    def sent(stamp: float, content: bytes = body, changed: dict[str, str] | None = None) -> int:
        text = str(int(stamp))
        given = {"X-Grafana-Alerting-Signature": signature(body, text), "X-Sent-At": text, **(changed or {})}
        headers = [(name.encode(), value.encode("latin-1")) for name, value in given.items()]
        return client.post("/api/v1/intake/signed", content=content, headers=headers).status_code

    assert sent(NOW) == 202
    assert sent(NOW - 299) == 202
    assert sent(NOW - 301) == 401
    assert sent(NOW + 301) == 401
    assert sent(NOW, body + b" ") == 401
    assert sent(NOW, changed={"X-Sent-At": str(int(NOW) - 1)}) == 401
    assert sent(NOW, changed={"X-Sent-At": "noon"}) == 401
    assert sent(NOW, changed={"X-Grafana-Alerting-Signature": "ü"}) == 401
    assert client.post("/api/v1/intake/signed", content=body).status_code == 401


def test_a_signature_may_be_base64_with_a_prefix(client: TestClient) -> None:
    body = json.dumps(WEBHOOK).encode()
    made = "sha256=" + base64.b64encode(bytes.fromhex(signature(body))).decode()
    right = client.post("/api/v1/intake/plain-signed", content=body, headers={"X-Signature-256": made})
    wrong = client.post("/api/v1/intake/plain-signed", content=body, headers={"X-Signature-256": made[7:]})
    assert (right.status_code, wrong.status_code) == (202, 401)


def test_more_requests_than_a_way_takes_are_told_when_to_come_back(client: TestClient) -> None:
    headers = {"Authorization": "Bearer token-of-a-slow-sender"}
    answers = [client.post("/api/v1/intake/slow", json=WEBHOOK, headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert int(answers[2].headers["retry-after"]) >= 1


def test_more_alerts_than_a_way_takes_are_refused_whole(client: TestClient, backend: MemoryAlerts) -> None:
    headers = {"Authorization": "Bearer token-of-a-slow-sender"}
    many = {"alerts": WEBHOOK["alerts"] * 15}
    answers = [client.post("/api/v1/intake/slow", json=many, headers=headers).status_code for _ in range(2)]
    assert answers == [202, 429]
    assert len(backend.accepted) == 1


def test_who_is_not_known_uses_up_nothing_of_what_others_may_send(client: TestClient) -> None:
    for _ in range(5):
        client.post("/api/v1/intake/slow", json=WEBHOOK, headers={"Authorization": "Bearer x"})
    answer = client.post(
        "/api/v1/intake/slow", json=WEBHOOK, headers={"Authorization": "Bearer token-of-a-slow-sender"}
    )
    assert answer.status_code == 202


def test_a_bucket_fills_again_with_time_and_never_beyond_its_brim() -> None:
    bucket = Bucket(rate=10, burst=5)
    assert bucket.take(5, now=0.0) == 0.0
    assert bucket.take(1, now=0.0) == pytest.approx(0.1)
    assert bucket.take(1, now=0.1) == 0.0
    assert bucket.take(5, now=1000.0) == 0.0
    assert bucket.take(1, now=999.0) > 0.0


def test_what_is_too_large_too_many_or_packed_is_refused(client: TestClient) -> None:
    many = {"alerts": WEBHOOK["alerts"] * 21}
    assert client.post("/api/v1/intake/shop", json=many, headers=WORD).status_code == 413
    large = b'{"alerts": [' + b" " * 20_000 + b"]}"
    assert client.post("/api/v1/intake/shop", content=large, headers=WORD).status_code == 413
    chunks = iter([large[:10_000], large[10_000:]])
    assert client.post("/api/v1/intake/shop", content=chunks, headers=WORD).status_code == 413
    packed = {**WORD, "Content-Encoding": "gzip"}
    assert client.post("/api/v1/intake/shop", content=b"\x1f\x8b", headers=packed).status_code == 415


def test_a_body_in_pieces_without_a_stated_length_is_taken(client: TestClient) -> None:
    body = json.dumps(WEBHOOK).encode()
    answer = client.post("/api/v1/intake/shop", content=iter([body[:5], body[5:]]), headers=WORD)
    assert answer.status_code == 202


def test_a_body_that_is_nested_without_end_is_refused(client: TestClient) -> None:
    for deep in (b"[" * 9_000 + b"]" * 9_000, b'{"a":' * 3_000 + b"1" + b"}" * 3_000):
        assert client.post("/api/v1/intake/shop", content=deep, headers=WORD).status_code == 400


def test_addresses_of_keep_lead_to_the_way_in_of_the_provider(
    client: TestClient, service: Service, backend: MemoryAlerts
) -> None:
    key = {"X-API-Key": bearer(service, "responder")["Authorization"].split()[1]}
    assert client.post("/alerts/event/prometheus", json=WEBHOOK, headers=key).status_code == 202
    assert client.post("/alerts/event/grafana", json=WEBHOOK, headers=key).status_code == 202
    assert client.post("/alerts/event/shop", json=WEBHOOK, headers={"X-API-Key": "w0rd"}).status_code == 202
    assert client.post("/alerts/event/datadog", json=WEBHOOK, headers=key).status_code == 404
    assert [source for source, _ in backend.accepted] == ["alertmanager", "grafana", "shop"]


TRIGGER: dict[str, Any] = {
    "routing_key": "R" * 32,
    "event_action": "trigger",
    "payload": {"summary": "disk almost full", "source": "db-1", "severity": "warning"},
}


def test_an_event_of_pagerduty_is_answered_as_the_service_does(
    client: TestClient, backend: MemoryAlerts
) -> None:
    answer = client.post("/v2/enqueue", json={**TRIGGER, "dedup_key": "disk"})
    assert answer.status_code == 202
    assert answer.json() == {"status": "success", "message": "Event processed", "dedup_key": "disk"}
    made = client.post("/v2/enqueue", json=TRIGGER).json()["dedup_key"]
    ended = client.post("/v2/enqueue", json={"routing_key": "R" * 32, "event_action": "resolve", "dedup_key": made})  # fmt: skip
    assert ended.json()["dedup_key"] == made
    assert [source for source, _ in backend.accepted] == ["pager"] * 3
    assert [each.status for each in backend._alerts.values()] == ["firing", "resolved"]


def test_an_event_that_pagerduty_would_refuse_names_its_error(client: TestClient) -> None:
    wrong: list[tuple[Any, int]] = [
        ({**TRIGGER, "payload": {"summary": "x", "source": "y"}}, 400),
        ({**TRIGGER, "event_action": "close"}, 400),
        ({**TRIGGER, "routing_key": "x" * 32}, 401),
        ({"routing_key": 5}, 400),
        ([], 400),
    ]
    for body, status in wrong:
        answer = client.post("/v2/enqueue", json=body)
        assert answer.status_code == status, body
        assert answer.json()["status"] == "invalid event"
        assert len(answer.json()["errors"]) == 1
    assert client.post("/v2/enqueue", content=b" " * 524_289).status_code == 413


def test_a_routing_key_may_be_the_token_of_a_responder(client: TestClient, service: Service) -> None:
    for role, status in (("responder", 202), ("viewer", 403)):
        key = bearer(service, role)["Authorization"].split()[1]  # type: ignore[arg-type]
        assert client.post("/v2/enqueue", json={**TRIGGER, "routing_key": key}).status_code == status


def test_an_event_of_pagerduty_may_go_to_the_named_way_in_as_well(client: TestClient) -> None:
    assert client.post("/api/v1/intake/pager", json=TRIGGER).status_code == 202
    assert client.post("/api/v1/intake/pager", json={**TRIGGER, "routing_key": "x"}).status_code == 401


def test_a_cloud_event_is_taken_in_all_three_modes(
    client: TestClient, service: Service, backend: MemoryAlerts
) -> None:
    headers = bearer(service, "responder")
    whole = {"specversion": "1.0", "id": "1", "source": "/m", "type": "down", "data": {"name": "Down"}}
    binary = {"ce-specversion": "1.0", "ce-id": "2", "ce-source": "/m", "ce-type": "down"}
    assert client.post("/api/v1/intake/cloudevents", json=whole, headers=headers).status_code == 202
    assert client.post("/api/v1/intake/cloudevents", json=[whole, whole], headers=headers).status_code == 202
    answer = client.post("/api/v1/intake/cloudevents", json={"name": "Down"}, headers={**headers, **binary})
    assert answer.status_code == 202
    assert [len(events) for _, events in backend.accepted] == [1, 2, 1]
    both = client.post("/api/v1/intake/cloudevents", json=whole, headers={**headers, **binary})
    assert both.status_code == 400


def test_a_generic_document_is_taken_by_its_mapping(client: TestClient, backend: MemoryAlerts) -> None:
    headers = {"Authorization": "Bearer own"}
    assert (
        client.post("/api/v1/intake/own", json=[{"what": "A"}, {"what": "B"}], headers=headers).status_code
        == 202
    )
    assert [event.name for _, events in backend.accepted for event in events] == ["A", "B"]


def test_no_answer_and_no_log_repeats_a_secret(
    client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = [
        client.post("/api/v1/intake/shop", json=WEBHOOK, headers={"Authorization": "Bearer sup3r"}).text,
        client.post("/v2/enqueue", json={**TRIGGER, "routing_key": "sup3r"}).text,
        repr(client.app.state.ways.way("signed")),  # type: ignore[attr-defined]
    ]
    shown = " ".join([*texts, *capsys.readouterr()])
    assert "sup3r" not in shown
    assert SECRET not in shown
    assert "w0rd" not in shown
