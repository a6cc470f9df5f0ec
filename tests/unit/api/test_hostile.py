"""Whatever is sent, no answer is an internal error, and what is wrong is told as a problem."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sre_copilot.api.server import create_app, routes
from sre_copilot.app.alerting import make_runner
from sre_copilot.app.serving import Service, make_service
from sre_copilot.app.workflows import make_workflows
from sre_copilot.clock import TurnedClock
from sre_copilot.settings.document import Settings
from sre_copilot.settings.section import Role
from sre_copilot.store.notifications import NotificationStore
from sre_copilot.store.paging import encode
from sre_copilot.testing.alert_backend import MemoryAlerts
from sre_copilot.testing.durable import MemoryDurable
from sre_copilot.testing.store_contract import row
from sre_copilot.testing.synthetic import SyntheticSource

NOW = 1_760_000_040.0
PROBLEM = "application/problem+json"
ODD = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "",
            "\0",
            "é",
            "变慢",
            "../..",
            "%",
            "nan",
            "inf",
            "-0",
            "1e400",
            "9" * 400,
            "a" * 5000,
            "[[",
            "🙂",
            "' OR 1=1",
        ]
    ),
    st.integers().map(str),
    st.floats().map(str),
    st.tuples(st.floats(allow_nan=True), st.text(max_size=5)).map(lambda each: encode(*each)),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)
THEIRS = ("/v2/enqueue", "/api/v2/")
"""Where other products' answers are given, whose errors have forms of their own."""
PARAMETERS = (
    "hours",
    "limit",
    "cursor",
    "entity",
    "metric",
    "instance",
    "severity",
    "lang",
    "after",
    "nonsense",
)
ALERTS = (
    "/api/v1/intake/alertmanager",
    "/api/v1/intake/zabbix",
    "/api/v2/alerts",
    "/api/v2/silences",
    "/v2/enqueue",
)
LONG = re.compile("/learn|/updates$|/stream/")  # it learns, or answers until whoever asks goes away
QUICK = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # fmt: skip


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("store")
    made = make_service(
        Settings.model_validate({"store": {"folder": folder}}),
        sources=[SyntheticSource()],
        clock=TurnedClock(NOW),
    )
    made.watch.request_learning(wait=True)
    made.watch.tick()
    made.anomalies.save([row(number, opened_at=NOW - number, current=None) for number in range(5)])
    told = NotificationStore(made.database).insert
    made.alerting.runner = make_runner(made.alerting, made.database, tell=told, pumps=(), own=made.own)
    made.workflows = make_workflows(made, MemoryDurable(made.clock))
    made.alerting.runner.start()
    while not made.alerting.runner.leads:
        time.sleep(0.01)
    yield made
    made.close()


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[TestClient]:
    app = create_app(service)
    app.state.alerting = MemoryAlerts(clock=service.clock)
    with TestClient(
        app, raise_server_exceptions=False
    ) as made:  # one loop for all: one for each takes as long as the request
        yield made


def bearer(service: Service, role: Role) -> dict[str, str]:
    return {"Authorization": f"Bearer {service.tokens.create(role, role=role, now=NOW)[1]}"}


@pytest.fixture(scope="module")
def admin(service: Service) -> dict[str, str]:
    return bearer(service, "admin")


def ours(answer: Any) -> None:
    assert answer.status_code < 500, (answer.request.method, answer.request.url, answer.text)
    theirs = answer.request.url.path.startswith(THEIRS) and answer.headers.get("content-type") != PROBLEM
    if answer.status_code >= 400 and not theirs:
        assert answer.headers["content-type"] == PROBLEM
        if answer.request.method == "HEAD":
            return
        assert answer.json()["status"] == answer.status_code
        assert answer.json()["detail"]


@QUICK
@given(data=st.data())
def test_no_parameter_breaks_a_route(client: TestClient, admin: dict[str, str], data: st.DataObject) -> None:
    ending = [each for each in routes() if not LONG.search(each[0])]
    whole, route = data.draw(st.sampled_from(ending))
    method = data.draw(st.sampled_from([*sorted(route.methods or ()), "HEAD", "OPTIONS", "PATCH", "BREW"]))
    chosen = data.draw(st.dictionaries(st.sampled_from(PARAMETERS), ODD, max_size=4))
    key = quote(data.draw(ODD.filter(lambda text: len(text) < 600)), safe="")
    path = whole.replace("{key}", key)
    pairs = "&".join(f"{quote(name)}={quote(value, safe='')}" for name, value in chosen.items())
    ours(client.request(method, f"{path}?{pairs}", headers=admin))


@QUICK
@given(body=JSON, place=st.sampled_from(["/api/v1/changes", "/api/v1/tokens", *ALERTS]))
def test_no_document_breaks_a_route(client: TestClient, admin: dict[str, str], body: Any, place: str) -> None:
    import json

    text = json.dumps(body, allow_nan=True).encode()
    ours(client.post(place, content=text, headers={**admin, "content-type": "application/json"}))


@QUICK
@given(
    fields=st.dictionaries(
        st.sampled_from(["service", "kind", "text", "ts", "detail", "name", "role"]), JSON | ODD
    )
)
def test_no_field_breaks_a_route(client: TestClient, admin: dict[str, str], fields: dict[str, Any]) -> None:
    import json

    whole = {"service": "orders", "kind": "deploy", "text": "x", **fields}
    text = json.dumps(whole).encode()
    ours(client.post("/api/v1/changes", content=text, headers=admin))
    ours(client.get("/api/v1/changes?hours=8784", headers=admin))


@QUICK
@given(body=st.binary(max_size=60))
def test_no_bytes_break_a_route(client: TestClient, admin: dict[str, str], body: bytes) -> None:
    for place in ("/api/v1/changes", "/api/v1/tokens", *ALERTS):
        ours(client.post(place, content=body, headers={**admin, "content-type": "application/json"}))


def test_a_method_that_is_not_there_is_a_problem_that_names_those_that_are(
    client: TestClient, admin: dict[str, str]
) -> None:
    answer = client.put("/api/v1/changes", headers=admin)
    assert (answer.status_code, answer.headers["content-type"]) == (405, PROBLEM)
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"


def test_head_is_get_without_its_body_and_options_names_the_methods(
    client: TestClient, admin: dict[str, str]
) -> None:
    answer = client.head("/healthz")
    assert (answer.status_code, answer.content) == (200, b"")
    assert client.head("/status").status_code == 401
    options = client.options("/api/v1/anomalies")
    assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS")


def test_a_method_that_nobody_knows_does_not_become_a_label(service: Service, client: TestClient) -> None:
    for number in range(3):
        client.request(f"BREW{number}", "/status")
    assert b"BREW" not in service.own.exposition()


def test_nobody_is_sent_to_the_host_that_a_request_names(client: TestClient) -> None:
    answer = client.get("/status/", headers={"Host": "elsewhere.example"}, follow_redirects=False)
    assert (answer.status_code, "location" in answer.headers) == (404, False)


def test_a_json_that_breaks_off_is_a_fault_of_the_body(client: TestClient, admin: dict[str, str]) -> None:
    answer = client.post(
        "/api/v1/tokens", content=b"{", headers={**admin, "content-type": "application/json"}
    )
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "body")


def test_a_token_that_is_not_there_is_not_found(client: TestClient, admin: dict[str, str]) -> None:
    assert client.delete("/api/v1/tokens/none", headers=admin).status_code == 404


def test_many_ask_while_it_ticks(service: Service, client: TestClient, admin: dict[str, str]) -> None:
    statuses: list[int] = []

    def ask() -> None:
        paths = (
            "/status",
            "/api/anomalies",
            "/api/baseline/metrics",
            "/api/predictions",
            "/metrics",
        )
        statuses.extend(client.get(path, headers=admin).status_code for path in paths * 4)
        key = service.watch.baselines()[0].key
        asked = f"/api/forecast?entity={key.service}&metric={key.metric}"
        statuses.append(client.get(asked, headers=admin).status_code)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        service.clock.wait(60, service.stop)
        service.watch.tick()
    assert set(statuses) == {200}
    assert len(statuses) == 4 * 21
