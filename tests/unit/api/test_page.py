"""The page for people: what it shows, in which language, and who gets in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from sre_copilot.api.browser_sessions import LINK_S, SESSION_S
from sre_copilot.api.server import create_app
from sre_copilot.app.serving import Service, SourceRoles, make_service
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.anomaly import Breach
from sre_copilot.incidents.watch.journal import breach_row
from sre_copilot.settings.document import Settings
from sre_copilot.settings.section import Role
from sre_copilot.testing.store_contract import row
from sre_copilot.testing.synthetic import SyntheticSource

NOW = 1_760_000_040.0
HTML = {"Accept": "text/html"}


@pytest.fixture
def source() -> SyntheticSource:
    return SyntheticSource(services=3, metrics=2)


@pytest.fixture
def service(tmp_path: Path, source: SyntheticSource) -> Iterator[Service]:
    settings = Settings.model_validate({"store": {"folder": tmp_path}, "check_interval_seconds": 60})
    made = make_service(settings, sources=[source], clock=TurnedClock(NOW))
    yield made
    made.close()


@pytest.fixture
def client(service: Service) -> TestClient:
    return TestClient(create_app(service), raise_server_exceptions=False)


def bearer(service: Service, role: Role) -> dict[str, str]:
    return {"Authorization": f"Bearer {service.tokens.create(role, role=role, now=NOW)[1]}"}


def link(service: Service, client: TestClient, role: Role = "viewer") -> str:
    answer = client.post("/api/v1/invitations", headers=bearer(service, role))
    assert answer.status_code == 201
    return str(answer.json()["path"])


def disturbed(service: Service, source: SyntheticSource) -> dict[str, Any]:
    """Let an anomaly be told and investigated; the row of the investigation."""
    service.watch.request_learning(wait=True)
    source.disturb(source.keys[0], start=NOW, end=NOW + 99_999, add=60.0)
    for _ in range(8):
        service.clock.wait(60.0, service.stop)
        service.watch.tick()
        service.watch._inquiries.wait(30)
    return dict(service.investigations.page().rows[0])


def test_it_shows_what_is_going_on_with_links_to_all_of_it(
    service: Service, client: TestClient, source: SyntheticSource
) -> None:
    inquiry = disturbed(service, source)
    service.breaches.save([breach_row(expected(), at=NOW, source="synthetic")])
    client.get(link(service, client))
    shown = client.get("/", headers=HTML)
    (anomaly,) = service.anomalies.open()
    assert shown.status_code == 200
    assert anomaly["finding"]["sentences"]["en"] in shown.text
    assert "disk" in shown.text
    assert "running" in shown.text
    for path in re.findall(r'href="([^"]+)"', shown.text):
        assert client.get(path).status_code == 200, path
    assert f"/investigations/{inquiry['id']}" in shown.text
    assert f"/api/v1/anomalies/{anomaly['id']}" in shown.text


def expected() -> Breach:
    return Breach(
        entity="orders", metric="disk", instance="orders-1", made_at=NOW, horizon_hours=6, limit=5.0,
        direction="above", at=NOW + 7200, earliest=NOW, latest=None, probability=0.9, hit_rate=None, method="x",
    )  # fmt: skip


def test_nothing_is_loaded_and_no_script_may_run(service: Service, client: TestClient) -> None:
    client.get(link(service, client))
    shown = client.get("/", headers=HTML)
    policy = shown.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script" not in policy
    assert "unsafe" not in policy
    assert re.search(r"<script|src=|url\(|@import|\son\w+=|\sstyle=", shown.text) is None
    assert re.search(r'(?:href|action)="(?!/)', shown.text) is None


def test_its_style_is_the_one_that_its_policy_allows(service: Service, client: TestClient) -> None:
    import base64
    import hashlib

    shown = client.get("/", headers=HTML)
    style = shown.text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in shown.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("query", "accepted", "said"),
    [
        ("", "zh-CN,zh", "数据源"),
        ("?lang=zh", "en", "数据源"),
        ("?lang=en", "zh", "Sources"),
        ("", "", "Sources"),
    ],
)
def test_it_speaks_the_language_asked_for(
    service: Service, client: TestClient, query: str, accepted: str, said: str
) -> None:
    client.get(link(service, client))
    shown = client.get(f"/{query}", headers={**HTML, "Accept-Language": accepted})
    assert f"<h2>{said}" in shown.text
    assert f'lang="{"zh" if said == "数据源" else "en"}"' in shown.text


def test_chinese_text_holds_no_time_for_machines(
    service: Service, client: TestClient, source: SyntheticSource
) -> None:
    disturbed(service, source)
    client.get(link(service, client))
    shown = re.sub(r"<[^>]*>", "", client.get("/?lang=zh", headers=HTML).text)
    assert re.search(r"\d{4}年\d+月\d+日 \d\d:\d\d:\d\d（UTC）", shown)
    assert not re.search(r"\d{4}-\d\d-\d\dT", shown)
    (anomaly,) = service.anomalies.open()
    assert "始于 2025年10月" in anomaly["finding"]["sentences"]["zh"]


def test_what_telemetry_says_is_text(service: Service, client: TestClient) -> None:
    finding = {"sentences": {"en": "<script>alert(1)</script>\u202e"}}
    service.anomalies.save([row(1, opened_at=NOW, closed_at=None, finding=finding)])
    client.get(link(service, client))
    shown = client.get("/", headers=HTML).text
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown
    assert "\u202e" not in shown


def test_who_may_not_see_a_source_learns_that_there_is_something(
    service: Service, client: TestClient, source: SyntheticSource
) -> None:
    inquiry = disturbed(service, source)
    service.roles = {"synthetic": SourceRoles(query="admin", see="responder")}
    (anomaly,) = service.anomalies.open()
    said = anomaly["finding"]["sentences"]["en"]
    client.get(link(service, client))
    hidden = client.get("/", headers=HTML).text
    assert said not in hidden
    assert anomaly["entity"] in hidden
    assert client.get(f"/investigations/{inquiry['id']}").status_code == 403
    client.get(link(service, client, "responder"))
    assert said in client.get("/", headers=HTML).text
    assert client.get(f"/investigations/{inquiry['id']}").status_code == 200


def test_a_report_is_a_page_of_its_own_in_either_language(
    service: Service, client: TestClient, source: SyntheticSource
) -> None:
    inquiry = disturbed(service, source)
    client.get(link(service, client))
    english = client.get(f"/investigations/{inquiry['id']}?lang=en")
    chinese = client.get(f"/investigations/{inquiry['id']}?lang=zh")
    assert (english.status_code, chinese.status_code) == (200, 200)
    assert 'lang="en"' in english.text
    assert 'lang="zh' in chinese.text
    assert inquiry["report"]["document"]["header"]["incident"] in english.text
    assert "script" not in english.headers["content-security-policy"]
    assert client.get("/investigations/none").status_code == 404


def test_a_report_of_another_release_leads_to_its_json(service: Service, client: TestClient) -> None:
    service.investigations.save([
        {"id": "I-1", "started_at": NOW, "finished_at": NOW, "anomaly_ids": [], "outcome": "fault", "cause": "orders",
         "fault_type": "", "confidence": 0.9, "report": {"evidence": {}, "document": {"version": 0}}}
    ])  # fmt: skip
    answer = client.get("/investigations/I-1", headers=bearer(service, "viewer"))
    assert answer.status_code == 404
    assert "/api/v1/investigations/I-1" in answer.json()["detail"]


def test_without_a_session_a_browser_is_told_how_to_get_one(client: TestClient) -> None:
    shown = client.get("/", headers=HTML)
    assert shown.status_code == 401
    assert "sre-copilot status --open" in shown.text
    assert client.get("/").headers["content-type"] == "application/problem+json"
    chinese = client.get("/?lang=zh", headers=HTML)
    assert "令牌" in chinese.text


def test_a_link_works_once_and_for_a_minute(service: Service, client: TestClient) -> None:
    used, late = link(service, client), link(service, client)
    assert client.get(used).status_code == 200
    again = client.get(used, headers=HTML)
    assert (again.status_code, "used already" in again.text) == (401, True)
    service.clock.wait(LINK_S, service.stop)
    assert client.get(late).status_code == 401
    assert client.get("/open").status_code == 401


def test_whoever_only_looks_at_a_link_does_not_use_it_up(service: Service, client: TestClient) -> None:
    path = link(service, client)
    assert client.head(path).status_code == 401
    assert client.get(path, headers={"Sec-Purpose": "prefetch"}).status_code == 401
    assert client.get(path).status_code == 200


def test_the_cookie_is_for_no_script_and_no_other_site(service: Service) -> None:
    for scheme in ("http", "https"):
        client = TestClient(create_app(service), base_url=f"{scheme}://testserver")
        given = client.get(link(service, client)).headers["set-cookie"].lower()
        assert "httponly" in given
        assert "samesite=strict" in given
        assert ("secure" in given) == (scheme == "https")


def test_a_session_ends_with_its_time_its_token_and_its_process(service: Service, client: TestClient) -> None:
    client.get(link(service, client))
    assert client.get("/").status_code == 200
    other = TestClient(create_app(service), cookies=dict(client.cookies))
    assert other.get("/").status_code == 401
    (token,) = service.tokens.all()
    service.tokens.revoke(token.id, now=NOW)
    assert client.get("/").status_code == 401
    client.get(link(service, client))
    service.clock.wait(SESSION_S, service.stop)
    assert client.get("/").status_code == 401


def test_another_site_cannot_ask_with_the_session(service: Service, client: TestClient) -> None:
    client.get(link(service, client))
    for site in ("cross-site", "same-site"):
        asked = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}
        assert client.get("/api/v1/anomalies", headers=asked).status_code == 401
    own = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate"}
    assert client.get("/api/v1/anomalies", headers=own).status_code == 200


def test_a_token_in_the_form_begins_a_session_and_a_wrong_one_does_not(
    service: Service, client: TestClient
) -> None:
    plain = bearer(service, "viewer")["Authorization"].removeprefix("Bearer ")
    wrong = client.post("/open", data={"token": "sre_wrong"}, headers=HTML)
    assert (wrong.status_code, client.get("/").status_code) == (401, 401)
    answer = client.post("/open", data={"token": plain})
    assert answer.status_code == 200
    assert plain not in answer.text + str(answer.headers)
    assert client.get("/").status_code == 200
