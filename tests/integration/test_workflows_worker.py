"""Workflows in a whole worker, on SQLite and on PostgreSQL: an alert that comes in starts the diagnosis that is bound to it, and a run goes on when its plan is over."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from sre_copilot.api.server import create_app
from sre_copilot.app.desk import Desk
from sre_copilot.app.serving import Service, make_service
from sre_copilot.app.worker import make_worker, open_durable
from sre_copilot.app.workflow_ports import plan_key
from sre_copilot.settings.document import Settings
from sre_copilot.store.database import Database
from sre_copilot.store.notifications import NotificationStore
from sre_copilot.store.plans import PlanStore
from sre_copilot.testing.alerting_service import QUICK
from sre_copilot.testing.plans import a_plan, a_step
from sre_copilot.testing.synthetic import SyntheticSource
from sre_copilot.testing.workflows import Bench

pytestmark = pytest.mark.integration

DIAGNOSIS = """\
workflow:
  id: latency-of
  triggers:
    - type: alert
      cel: trigger.alert.severity == 'critical'
      filters: [{key: alertname, value: SlowResponses}]
      inputs: {service: '{{ trigger.alert.labels.service }}'}
  inputs: [{name: service, required: true}]
  steps:
    - {name: look, provider: {type: tool.query_metrics, with: {service: '{{ inputs.service }}', metric: latency}}}
    - name: slow
      provider: {type: check, with: {source: metrics, where: {service: '{{ inputs.service }}', metric: latency}, relation: '>', bound: 1.0}}
    - {name: pause, provider: {type: wait, with: {for: 1}}}
  actions:
    - name: tell
      if: steps.slow.output.holds
      provider: {type: notify, with: {receivers: [team], title: 'Slow: {{ inputs.service }}'}}
  outputs: {holds: '{{ steps.slow.output.holds }}'}
"""
ACTS = """\
workflow:
  id: acts
  steps:
    - name: both
      parallel:
        one:
          - {name: act, provider: {type: action.kubernetes.rollout_restart, with: {target: {kind: Deployment, name: cart}}}}
        two:
          - {name: note, provider: {type: set, with: {n: 1}}}
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """A store of each kind, empty."""
    store: dict[str, Any] = {"folder": tmp_path}
    if request.param == "postgresql":
        uri = str(request.getfixturevalue("postgresql").get_uri())
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            connection.execute("DROP SCHEMA IF EXISTS sre_copilot_durable CASCADE")
        store["url"] = uri.replace("postgresql://", "postgresql+psycopg://")
    return Settings.model_validate({"store": store, "alerting": dict(QUICK)})


@pytest.fixture
def service(settings: Settings) -> Iterator[Service]:
    """A service whose worker works."""
    made = make_service(settings, sources=[SyntheticSource(services=2, metrics=2)])
    desk = Desk(made)
    worker = make_worker(made, desk=desk)
    worker.start()
    yield made
    worker.close()
    desk.close()
    made.close()


def until(what: Callable[[], Any], *, within_s: float = 30.0) -> Any:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.05)
    raise AssertionError("it never came to be")


def test_an_alert_starts_the_diagnosis_that_is_bound_to_it_and_people_are_told_once(service: Service) -> None:
    token = service.tokens.create("prometheus", role="admin", now=service.clock.now())[1]
    client = TestClient(create_app(service), headers={"Authorization": f"Bearer {token}"})
    client.post("/api/v1/workflows", json={"text": DIAGNOSIS}).raise_for_status()
    until(lambda: service.alerting.runner is not None and service.alerting.runner.leads)
    time.sleep(1.1)  # what was applied counts within a second
    for severity in ("warning", "critical", "critical"):
        labels = {"alertname": "SlowResponses", "service": "service-000", "severity": severity}
        told = [{"labels": labels, "startsAt": datetime.now(UTC).isoformat()}]
        client.post("/api/v2/alerts", json=told).raise_for_status()

    def over() -> Any:
        rows = client.get("/api/v1/workflow-runs").json()["items"]
        return rows if rows and all(row["finished_at"] for row in rows) else None

    rows = until(over)
    assert {(row["status"], row["error"]) for row in rows} == {("succeeded", "")}
    assert {row["inputs"]["service"] for row in rows} == {"service-000"}
    assert {row["trigger"]["alert"]["severity"] for row in rows} == {"critical"}
    assert len({row["cause"] for row in rows}) == len(rows) <= 2
    found = client.get(f"/api/v1/workflow-runs/{rows[0]['id']}").json()
    assert [step["label"] for step in found["steps"]][:2] == ["look", "slow"]
    assert "latency" in found["steps"][0]["output"]["digest"]
    kept = NotificationStore(service.database).page(receiver="team").rows
    mine = [row for row in kept if str(row["key"]).startswith("workflow/")]
    assert sorted(row["key"] for row in mine) == sorted(f"workflow/{row['id']}/tell/team" for row in rows)


def test_a_run_whose_plan_is_over_goes_on_before_its_next_look(settings: Settings, tmp_path: Path) -> None:
    database = Database(settings.store.url) if settings.store.url else None
    bench = Bench(tmp_path, database=database)
    durable = open_durable(settings, bench.database, on_fenced=lambda: None)
    bench = Bench(tmp_path, database=bench.database, durable=durable)
    durable.launch()
    run = bench.start(ACTS)
    until(lambda: bench.decide.proposals)
    (key,) = bench.decide.proposals
    assert plan_key(key).startswith(f"workflow/{run}/")
    time.sleep(0.3)  # until the run waits
    bench.decide.settle("PLAN-1", "succeeded")
    began = time.monotonic()
    assert bench.runs.plan_over(run, "PLAN-1")
    until(lambda: bench.store.get(run)["status"] == "succeeded")  # type: ignore[index]
    assert time.monotonic() - began < 3.0, "it waited for its own look"
    assert not bench.runs.plan_over(run, "PLAN-1")
    durable.close()
    bench.close()


def test_plans_of_workflows_are_told_apart_while_they_are_under_way(
    settings: Settings, tmp_path: Path
) -> None:
    with_url = settings.store.url or f"sqlite:///{tmp_path / 'plans.db'}"
    database = Database(with_url)
    plans = PlanStore(database)
    mine = plans.propose(a_plan(a_step(), id=""), key=plan_key("WR-1/act"))
    plans.propose(a_plan(a_step(), id=""), key="again/1")
    assert plans.under_way("workflow/") == {mine.id: "workflow/WR-1/act"}
    plans.set_status(mine.id, "cancelled", expected="proposed", who="ann", at=1.0)
    assert plans.under_way("workflow/") == {}
    database.close()
