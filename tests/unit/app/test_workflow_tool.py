"""Agents go through workflows that only read, and through no other; a run hears of its plan when that is over."""

from __future__ import annotations

from pathlib import Path

import pytest

from sre_copilot.agents.scenes.live import LiveScene
from sre_copilot.agents.toolbox import Toolbox, registered_tools
from sre_copilot.app.tools import context_of
from sre_copilot.app.workflow_ports import plan_key, run_of
from sre_copilot.app.workflow_tool import RUN_WORKFLOW, RunWorkflow, stored, with_workflows
from sre_copilot.clock import TurnedClock
from sre_copilot.evidence.evaluator import evaluate
from sre_copilot.store.database import Database, sqlite_url
from sre_copilot.store.workflows import StaleError, WorkflowStore
from sre_copilot.testing.synthetic import SyntheticSource
from sre_copilot.workflows.collection import Collection

NOW = 1_760_000_040.0
READS = """\
workflow:
  id: errors-of
  name: Errors of a service
  inputs: [{name: service, required: true}]
  steps:
    - {name: look, on_failure: continue, provider: {type: tool.query_metrics, with: {service: '{{ inputs.service }}', metric: latency}}}
    - name: busy
      provider: {type: check, with: {source: metrics, where: {service: '{{ inputs.service }}', metric: latency}, relation: '>', bound: 0.0}}
  outputs: {busy: '{{ steps.busy.output.holds }}'}
"""
ACTS = """\
workflow:
  id: restart
  steps:
    - name: both
      parallel:
        one: [{name: act, provider: {type: action.kubernetes.rollout_restart, with: {target: {kind: Deployment, name: cart}}}}]
"""


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = Database(sqlite_url(tmp_path))
    collection = Collection(WorkflowStore(made), TurnedClock(NOW))
    for text in (READS, ACTS):
        collection.apply(text, who="ann")
    return made


@pytest.fixture
def toolbox(database: Database) -> Toolbox:
    scene = LiveScene(
        lambda: (SyntheticSource(services=2, metrics=2),), clock=TurnedClock(NOW), role="viewer"
    )
    return Toolbox(with_workflows(registered_tools(), database), context_of(scene))


def test_a_diagnostic_workflow_is_gone_through_and_each_line_of_it_can_be_looked_up(toolbox: Toolbox) -> None:
    found = toolbox.use(RUN_WORKFLOW, {"workflow": "errors-of", "inputs": {"service": "service-000"}})
    assert found.outcome == "success", found.problem
    assert found.data["status"] == "succeeded"
    assert "busy: holds" in found.digest, found.digest
    assert "outputs busy: true" in found.digest
    assert found.observation is not None
    assert found.findings
    for finding in found.findings:
        assert all(evaluate(check, found.observation).holds for check in finding.checks)


def test_a_workflow_with_a_step_that_acts_is_refused_and_the_step_is_named(toolbox: Toolbox) -> None:
    found = toolbox.use(RUN_WORKFLOW, {"workflow": "restart"})
    assert found.outcome == "approval_required"
    assert "step act is of type action" in found.problem


def test_a_model_is_told_of_the_workflows_that_only_read(toolbox: Toolbox) -> None:
    (spec,) = toolbox.specs("en", only=[RUN_WORKFLOW])
    assert "errors-of (service): Errors of a service" in spec.description
    assert "restart" not in spec.description


def test_what_is_missing_or_not_there_is_an_error_that_says_so(toolbox: Toolbox, database: Database) -> None:
    assert "service" in toolbox.use(RUN_WORKFLOW, {"workflow": "errors-of"}).problem
    assert "errors-of" in toolbox.use(RUN_WORKFLOW, {"workflow": "errors-off"}).problem
    WorkflowStore(database).enable("errors-of", False, now=NOW + 1)
    assert toolbox.use(RUN_WORKFLOW, {"workflow": "errors-of"}).outcome == "error"


def test_a_workflow_cannot_go_round_by_way_of_the_tool(database: Database) -> None:
    text = READS.replace("errors-of", "round").replace(
        "tool.query_metrics, with: {service: '{{ inputs.service }}', metric: latency}",
        "tool.run_workflow, with: {workflow: round, inputs: {service: x}}",
    )
    Collection(WorkflowStore(database), TurnedClock(NOW)).apply(text, who="ann")
    scene = LiveScene(
        lambda: (SyntheticSource(services=1, metrics=1),), clock=TurnedClock(NOW), role="viewer"
    )
    tool = RunWorkflow(stored(WorkflowStore(database)), with_workflows(registered_tools(), database))
    found = Toolbox({RUN_WORKFLOW: tool}, context_of(scene)).use(
        RUN_WORKFLOW, {"workflow": "round", "inputs": {"service": "service-000"}}
    )
    assert "look failed" in found.digest


def test_a_version_that_somebody_else_replaced_is_not_written_over(database: Database) -> None:
    collection = Collection(WorkflowStore(database), TurnedClock(NOW))
    collection.apply(READS.replace("0.0", "1.0"), who="bob", expected=1)
    with pytest.raises(StaleError, match=r"is version 2 now, not version 1"):
        collection.apply(READS.replace("0.0", "2.0"), who="ann", expected=1)
    with pytest.raises(StaleError, match=r"'new': is not there, not version 3"):
        collection.apply(READS.replace("errors-of", "new"), who="ann", expected=3)
    assert [each["id"] for each in collection.store.all()] == ["errors-of", "restart"]


def test_the_key_of_a_plan_names_its_run_however_long_the_step_is_called() -> None:
    keys = {plan_key(f"WR-1/{'deep.' * length}act") for length in (1, 60, 61)}
    assert len(keys) == 3
    assert all(len(key) <= 200 and run_of(key) == "WR-1" for key in keys)
