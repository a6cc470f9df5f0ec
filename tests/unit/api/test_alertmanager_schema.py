"""Answers of the interface of Alertmanager: what they hold back, and the schema of upstream."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml
from fastapi.testclient import TestClient
from tests.unit.api.alertmanager_bench import NOW, alert, bearer, client_of, make, post, silence

from sre_copilot.alerts.intake.reader import Unreadable
from sre_copilot.alerts.intake.times import moment
from sre_copilot.app.serving import Service, SourceRoles
from sre_copilot.clock import rfc3339
from sre_copilot.domain.alert import AlertEvent
from sre_copilot.settings.section import Role


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    made = make(tmp_path, open_on_loopback=True)
    yield made
    made.close()


@pytest.fixture
def client(service: Service) -> TestClient:
    return client_of(service)


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
