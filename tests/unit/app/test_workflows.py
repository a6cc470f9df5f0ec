"""Workflows wired into a worker: an event of the outbox starts one, and people are told through the receivers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import polars as pl
import pytest

from sre_copilot.agents.tool import ToolResult
from sre_copilot.app.acting import ActingDesk
from sre_copilot.app.serving import Service, make_service
from sre_copilot.app.worker import Worker, make_worker
from sre_copilot.app.workflow_ports import DeskDecide, StoredTell, plan_key
from sre_copilot.app.workflow_reading import answered
from sre_copilot.app.workflows import Workflows, apply_folders
from sre_copilot.clock import TurnedClock
from sre_copilot.domain.event import Event, EventType
from sre_copilot.domain.plan import OVER
from sre_copilot.errors import UsageError
from sre_copilot.settings.document import Settings
from sre_copilot.store.alerting.outbox import announce
from sre_copilot.store.notifications import NotificationStore
from sre_copilot.store.plans import PlanStore
from sre_copilot.store.workflows import WorkflowStore
from sre_copilot.testing.alerting import START
from sre_copilot.testing.durable import MemoryDurable
from sre_copilot.testing.plans import a_plan, a_step
from sre_copilot.testing.workflows import FakeDecide
from sre_copilot.workflows.ports import PlanState, Proposal, Told

TEXT = """
workflow:
  id: greet
  triggers: [{type: incident, inputs: {title: "{{ trigger.incident.title }}"}}]
  inputs: [{name: title}]
  steps: [{name: tell, provider: {type: notify, with: {receivers: [oncall], title: "New: {{ inputs.title }}"}}}]
"""


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock(START)


@pytest.fixture
def service(tmp_path: Path, clock: TurnedClock) -> Iterator[Service]:
    notify = {
        "receivers": [{"name": "oncall", "notifiers": [{"type": "webhook", "url": "http://127.0.0.1:9/"}]}]
    }
    settings = Settings.model_validate({"store": {"folder": str(tmp_path)}, "alerting": {"notify": notify}})
    found = make_service(settings, sources=(), clock=clock)
    yield found
    found.alerting.close()
    found.database.close()


@pytest.fixture
def worker(service: Service, durable: MemoryDurable) -> Iterator[Worker]:
    found = make_worker(service, durable=durable)
    durable.launch()
    yield found
    found.bus.close()


@pytest.fixture
def durable(clock: TurnedClock) -> MemoryDurable:
    return MemoryDurable(clock)


def test_an_incident_starts_a_workflow_that_tells_people_once(
    service: Service, worker: Worker, durable: MemoryDurable
) -> None:
    flows: Workflows = service.workflows
    flows.collection.apply(TEXT, who="ann")
    event = Event(
        id="e1",
        type=EventType.INCIDENT_OPENED,
        key="INC-1",
        at=START,
        data={"incident_id": "INC-1", "title": "cart is slow"},
    )
    with service.database.write() as connection:
        announce(connection, [event])
    for _ in range(3):
        flows.pump()
    durable.run_due()
    (run,) = flows.runs.store.page().rows
    assert (run["status"], run["incident_id"], run["error"]) == ("succeeded", "INC-1", "")
    (told,) = NotificationStore(service.database).page(receiver="oncall").rows
    assert told["key"] == f"workflow/{run['id']}/tell/oncall"
    kept = NotificationStore(service.database).get(told["key"])
    assert kept is not None
    assert kept["payload"]["content"]["title"] == "New: cart is slow"


class KeptPlans(FakeDecide):
    """Plans that are kept in the store."""

    def __init__(self, plans: PlanStore) -> None:
        super().__init__()
        self.plans = plans

    def propose(self, proposal: Proposal, *, key: str) -> str:
        """One plan for each key."""
        return self.plans.propose(a_plan(a_step(), id=""), key=plan_key(key)).id

    def outcome(self, plan_id: str) -> PlanState:
        """How it stands in the store."""
        kept = self.plans.get(plan_id)
        assert kept is not None
        return PlanState(plan_id=plan_id, status=kept.status, over=kept.status in OVER)


def test_a_run_goes_on_within_a_second_after_its_plan_is_over(
    service: Service, worker: Worker, durable: MemoryDurable, clock: TurnedClock
) -> None:
    flows: Workflows = service.workflows
    plans = PlanStore(service.database)
    doing = flows.runs._doing
    doing.ports = replace(doing.ports, decide=KeptPlans(plans), catalogue=None)
    act = "{type: action.kubernetes.rollout_restart, with: {target: {kind: Deployment, name: cart}}}"
    text = f"workflow: {{id: act, steps: [{{name: act, provider: {act}}}]}}"
    WorkflowStore(service.database).apply("act", text, name="act", description="", enabled=True, who="ann", now=START)  # fmt: skip
    run = flows.runs.start("act", {}, who="ann", role="responder").run
    durable.run_until(START + 40.0)  # by then it looks every minute
    flows.pump()
    (plan_id,) = plans.under_way("workflow/")
    plans.set_status(plan_id, "succeeded", expected="proposed", who="ann", at=clock.now())
    durable.run_until(clock.now() + 1.5)
    assert flows.runs.get(run)["status"] != "succeeded"
    flows.pump()
    durable.run_due()
    assert flows.runs.get(run)["status"] == "succeeded"


def test_a_workflow_of_a_folder_is_applied_when_it_is_another_text(
    service: Service, worker: Worker, tmp_path: Path
) -> None:
    folder = tmp_path / "flows"
    folder.mkdir()
    (folder / "good.yaml").write_text(TEXT, encoding="utf-8")
    (folder / "bad.yaml").write_text("workflow: {id: bad}", encoding="utf-8")
    flows: Workflows = service.workflows
    for _ in range(2):
        apply_folders(flows.collection, [folder])
    assert [(row["id"], row["version"]) for row in flows.collection.store.all()] == [("greet", 1)]
    (folder / "good.yaml").write_text(TEXT.replace("New", "Newer"), encoding="utf-8")
    apply_folders(flows.collection, [folder])
    assert flows.collection.version("greet")["version"] == 2


def test_an_unknown_receiver_is_named_and_a_key_is_told_once(service: Service, clock: TurnedClock) -> None:
    tell = StoredTell(service.database, ["oncall"], clock)
    told = Told(title="t", text="", severity="info", run="r", workflow="w", step="s")
    with pytest.raises(UsageError, match=r"receiver .nobody.: is not configured\. Receivers are: oncall"):
        tell.tell(["nobody"], told, key="k")
    for _ in range(2):
        assert tell.tell(["oncall", "oncall"], told, key="k") == 1
    assert len(NotificationStore(service.database).page().rows) == 1


def test_what_a_tool_said_is_kept_as_plain_values() -> None:
    rows = pl.DataFrame({"a": [1.0, float("nan")], "b": ["x", None]})
    found = answered(
        ToolResult(outcome="success", digest="two rows", rows=rows, data={"at": Path("x"), "n": (1, 2)})
    )
    assert found.output["rows"] == [{"a": 1.0, "b": "x"}, {"a": None, "b": None}]
    assert found.output["data"] == {"at": "x", "n": [1, 2]}
    assert answered(ToolResult(outcome="error", problem="no route")).problem == "no route"


def test_all_plans_of_a_run_are_taken_back_and_no_others(service: Service) -> None:
    plans = PlanStore(service.database)
    mine, others = (
        plans.propose(a_plan(a_step(), id="", created_at=START), key=plan_key(f"{run}/step")).id
        for run in ("WR-1", "WR-11")
    )
    DeskDecide(desk=cast("ActingDesk", service), plans=plans).withdraw_all("WR-1", who="ann")
    assert [plans.get(each).status for each in (mine, others)] == ["cancelled", "proposed"]  # type: ignore[union-attr]
