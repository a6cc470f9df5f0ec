"""What `/openapi.json` declares of answers is what answers look like, field by field."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from pydantic import TypeAdapter

from sre_copilot.api.shapes.alerts import Alerts
from sre_copilot.api.shapes.shape import shown
from sre_copilot.app.workflows import make_workflows
from sre_copilot.clock import TurnedClock, rfc3339
from sre_copilot.testing.alerting_service import Deciding, deciding
from sre_copilot.testing.durable import MemoryDurable

PROCEDURES = Path(__file__).parents[3] / "examples/workflows/procedures"
LATER = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
MATCHERS = [{"name": "service", "value": "cart"}]
DECLARED = ("/alerts", "/incidents", "/silences", "/maintenance", "/rules", "/oncall", "/notifications", "/intake", "/audit", "/v2/enqueue", "/workflow")  # fmt: skip
PEOPLE = {
    "persons": {"ann": {"name": "Ann"}},
    "schedules": {"day": {"layers": [{"order": ["ann"], "start": "2026-01-01"}]}},
    "policies": {"calls": {"steps": [{"call": [{"person": "ann"}]}]}},
}
ROUTING = {
    "route": {
        "receiver": "team",
        "group_by": ["alertname", "service"],
        "group_wait": "0s",
        "escalation": "calls",
    }
}
TIMES = FormatChecker(())


@TIMES.checks("date-time", raises=ValueError)
def _is_rfc3339(value: object) -> bool:
    return not isinstance(value, str) or (value.endswith("Z") and bool(datetime.fromisoformat(value)))


class Answers:
    """Asks, and holds each answer to what is declared of it; a field that is not declared is none."""

    def __init__(self, there: Deciding) -> None:
        self._there = there
        document = there.client("admin").get("/openapi.json").json()
        self._paths, self._parts = document["paths"], _closed(document["components"])

    def ask(self, method: str, path: str, *, body: Any = None, **names: str) -> Any:
        """The answer to a request."""
        answer = self._there.client("admin").request(
            method, path.format(**names), json=body, params={"limit": "1000"} if method == "GET" else None
        )
        assert answer.status_code in (200, 201, 202), answer.text
        declared = self._paths[path][method.lower()]["responses"][str(answer.status_code)]
        schema = declared["content"]["application/json"]["schema"]
        assert schema, f"{method} {path}: its answer is not declared"
        Draft202012Validator({**schema, "components": self._parts}, format_checker=TIMES).validate(
            answer.json()
        )
        return answer.json()


def _closed(parts: dict[str, Any]) -> dict[str, Any]:
    found = copy.deepcopy(parts)
    for declared in found["schemas"].values():
        if "properties" in declared:
            declared["additionalProperties"] = False
    return found


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deciding]:
    with deciding(tmp_path_factory.mktemp("shapes"), people=PEOPLE, routing=ROUTING) as found:
        yield found


@pytest.fixture(scope="module")
def answers(there: Deciding) -> Answers:
    return Answers(there)


def test_alerts_and_incidents_are_as_declared_before_and_after_people_act(
    there: Deciding, answers: Answers
) -> None:
    first = there.fire("Slow", service="cart", severity="critical")
    second = there.fire("Failing", service="shop", severity="critical")
    there.fire("Busy", service="cart", severity="warning")
    over = there.fire("Gone", service="cart", severity="critical")
    there.fire("Gone", service="cart", severity="critical", ended=True)
    ids = [there.incident(each)["id"] for each in (first, second)]
    bodies: dict[str, Any] = {
        "ack": None,
        "assign": {"assignee": "ann"},
        "comment": {"text": "seen"},
        "severity": {"severity": "high"},
        "title": {"title": "The shop is slow"},
        "snooze": {"until": LATER},
        "link": {"others": [ids[1]]},
        "merge": {"others": [ids[1]]},
        "split": {"fingerprints": [second]},
        "resolve": None,
        "reopen": None,
        "unack": None,
    }
    for verb, body in bodies.items():
        if verb != "unack" or there.incident(first)["status"] == "acknowledged":
            answers.ask("POST", f"/api/v1/incidents/{{key}}/{verb}", body=body, key=ids[0])
    assert answers.ask("GET", "/api/v1/alerts")["items"]
    assert answers.ask("GET", "/api/v1/incidents")["items"]
    for each in (first, second, over):
        answers.ask("GET", "/api/v1/alerts/{fingerprint}", fingerprint=each)
        assert answers.ask("GET", "/api/v1/alerts/{fingerprint}/explain", fingerprint=each)["because"]
    answers.ask("POST", "/api/v1/alerts/{fingerprint}/ack", fingerprint=first, body={})
    for each in ids:
        answers.ask("GET", "/api/v1/incidents/{key}", key=each)
        answers.ask("GET", "/api/v1/incidents/{key}/alerts", key=each)
        assert answers.ask("GET", "/api/v1/incidents/{key}/timeline", key=each)["items"]
        assert answers.ask("GET", "/api/v1/incidents/{key}/explain", key=each)["because"]
    assert answers.ask("GET", "/api/v1/notifications")["items"]
    assert answers.ask("GET", "/api/v1/audit")["items"]


def test_a_diagnosis_is_as_declared_whole_and_hidden(there: Deciding, answers: Answers) -> None:
    incident = there.incident(there.fire("Diagnosed", service="pay", severity="critical"))
    told = {
        "outcome": "fault",
        "cause": "pay",
        "fault_type": "cpu",
        "confidence": 0.8,
        "investigation_id": "1",
        "evidence": [{"en": "slow", "zh": "慢"}],
        "headline": {"en": "pay", "zh": "pay"},
        "rows": 5,
        "round": 1,
        "unseen": 0,
        "problem": "",
    }
    arguments = {"incident_id": incident["id"], **told}
    there.service.alerting.commands.post("incident.diagnosis", arguments, who="test", key="d1")
    there.until(lambda: there.client().get(f"/api/v1/incidents/{incident['id']}").json()["diagnosis"])
    shown_one = answers.ask("GET", "/api/v1/incidents/{key}", key=incident["id"])
    assert shown_one["diagnosis"]["cause"] == "pay"
    answers.ask("GET", "/api/v1/incidents/{key}/timeline", key=incident["id"])


def test_silences_and_maintenance_windows_are_as_declared(answers: Answers) -> None:
    wanted = {"matchers": MATCHERS, "ends_at": LATER}
    for noun, reason in (("silences", {"comment": "known"}), ("maintenance", {"reason": "update"})):
        key = answers.ask("POST", f"/api/v1/{noun}", body={**wanted, **reason})["id"]
        answers.ask("GET", f"/api/v1/{noun}/{{key}}", key=key)
        answers.ask("DELETE", f"/api/v1/{noun}/{{key}}", key=key)
        assert answers.ask("GET", f"/api/v1/{noun}")["items"]


def test_who_is_on_call_is_as_declared(answers: Answers) -> None:
    override = {"person": "ann", "start": rfc3339(1_900_000_000), "end": rfc3339(1_900_003_600)}
    made = answers.ask("POST", "/api/v1/oncall/{schedule}/overrides", schedule="day", body=override)
    assert answers.ask("GET", "/api/v1/oncall")["items"]
    assert answers.ask("GET", "/api/v1/oncall/{schedule}/shifts", schedule="day")["items"]
    assert answers.ask("GET", "/api/v1/oncall/{schedule}/overrides", schedule="day")["items"]
    answers.ask("DELETE", "/api/v1/oncall/{schedule}/overrides/{key}", schedule="day", key=made["id"])


def test_what_became_of_what_was_sent_and_what_other_rules_would_do_is_as_declared(answers: Answers) -> None:
    alert = {"labels": {"alertname": "Sent"}, "startsAt": rfc3339(1_760_000_000), "status": "firing"}
    payload = {"version": "4", "status": "firing", "alerts": [alert, {"labels": 5}]}
    taken = answers.ask("POST", "/api/v1/intake/{name}", name="alertmanager", body=payload)
    assert (taken["accepted"], taken["rejected"]) == (1, 1)
    rules = {"routing": {"route": {"receiver": "team", "group_by": ["alertname"]}}}
    assert answers.ask("POST", "/api/v1/rules/replay", body={"alerting": rules})["before"]["alerts"]


FLOW = """
workflow:
  id: ask
  triggers: [{type: webhook, cel: trigger.body.go}, {type: chat, phrases: [ask somebody]}]
  steps: [{name: ask, timeout: 1h, provider: {type: human, with: {title: Sure, form: [{name: sure, type: boolean}]}}}]
"""


def test_workflows_their_runs_and_tasks_are_as_declared(there: Deciding, answers: Answers) -> None:
    durable = MemoryDurable(TurnedClock(there.service.clock.now()))
    flows = there.service.workflows = make_workflows(there.service, durable)
    durable.launch()
    answers.ask("POST", "/api/v1/workflows", body={"text": FLOW})
    answers.ask("POST", "/api/v1/workflows", body={"text": FLOW.replace("Sure", "Really")})
    assert answers.ask("POST", "/api/v1/workflows/lint", body={"text": "workflow: {}"})["items"]
    assert answers.ask("POST", "/api/v1/workflows/asked", body={"text": "ask somebody"})["items"]
    assert answers.ask("GET", "/api/v1/workflows")["items"]
    for path in ("", "/versions"):
        answers.ask("GET", f"/api/v1/workflows/{{key}}{path}", key="ask")
    for verb in ("disable", "enable"):
        answers.ask("POST", f"/api/v1/workflows/{{key}}/{verb}", key="ask")
    run = answers.ask("POST", "/api/v1/workflows/{key}/runs", key="ask", body={})["run"]
    for go in (True, False):
        answers.ask("POST", "/api/v1/workflows/{key}/webhook", key="ask", body={"go": go})
    durable.run_until(durable.clock.now() + 1)
    (task, *_) = answers.ask("GET", "/api/v1/workflow-tasks")["items"]
    answers.ask(
        "POST", "/api/v1/workflow-tasks/{task}/answer", task=task["id"], body={"answer": {"sure": True}}
    )
    answers.ask("GET", "/api/v1/workflow-runs/{run}", run=run)
    there.service.workflows.runs.start("ask", {}, who="ann", role="responder")
    other = flows.runs.start("ask", {}, who="ann", role="responder").run
    answers.ask("POST", "/api/v1/workflow-runs/{run}/cancel", run=other)
    answers.ask("POST", "/api/v1/workflow-runs/{run}/resume", run=other)
    assert answers.ask("GET", "/api/v1/workflow-runs")["items"]
    there.service.workflows = None


def test_what_workflows_are_made_of_and_tried_on_is_as_declared(answers: Answers) -> None:
    sop = (PROCEDURES / "memory-leak.md").read_text(encoding="utf-8")
    assert answers.ask("POST", "/api/v1/workflows/generate", body={"sop": sop, "model": False})["kept"]
    assert answers.ask("GET", "/api/v1/workflows/drafts")["items"]
    body = {"text": FLOW, "at": rfc3339(1_760_000_000)}
    assert answers.ask("POST", "/api/v1/workflows/simulate", body=body)["items"]


def test_the_api_of_alertmanager_answers_as_declared(there: Deciding, answers: Answers) -> None:
    there.fire("Listed", service="cart", severity="warning")
    silence = {
        "matchers": [{"name": "service", "value": "nobody", "isRegex": False}],
        "startsAt": datetime.now(UTC).isoformat(),
        "endsAt": LATER,
        "createdBy": "ann",
        "comment": "known",
    }
    key = answers.ask("POST", "/api/v2/silences", body=silence)["silenceID"]
    answers.ask("GET", "/api/v2/silence/{key}", key=key)
    for path in ("alerts", "alerts/groups", "silences", "receivers"):
        assert answers.ask("GET", f"/api/v2/{path}"), path
    answers.ask("GET", "/api/v2/status")


def test_every_answer_of_alerting_is_declared(there: Deciding) -> None:
    paths = there.client("admin").get("/openapi.json").json()["paths"]
    plain = [
        f"{method} {path}"
        for path, methods in paths.items()
        if path.startswith(tuple(f"/api/v1{each}" for each in DECLARED))
        for method, operation in methods.items()
        for status, answer in operation["responses"].items()
        if status.startswith("2")
        for media, said in answer.get("content", {}).items()
        if media == "application/json" and "$ref" not in said.get("schema", {})
    ]
    assert plain == []


def test_what_is_declared_neither_checks_nor_copies_an_answer() -> None:
    adapter = TypeAdapter(shown(Alerts))
    answer = {"items": "whatever"}
    assert adapter.validate_python(answer) is answer
