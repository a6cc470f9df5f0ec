"""Workflows of the user's own, wired: kept in the store, run by the durable runs of the worker, started by what happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sre_copilot.app.acting import open_desk
from sre_copilot.app.approving_made import make_approving
from sre_copilot.app.desk import Desk
from sre_copilot.app.serving import Service
from sre_copilot.app.workflow_desk import linter
from sre_copilot.app.workflow_ports import (
    OF_WORKFLOWS,
    DeskChecks,
    DeskDecide,
    DeskModel,
    DeskTools,
    StoredTell,
    run_of,
)
from sre_copilot.clock import Clock
from sre_copilot.durable.port import Durable
from sre_copilot.errors import SreCopilotError, UsageError
from sre_copilot.incidents.alerting.follower import Follower
from sre_copilot.store.database import Database
from sre_copilot.store.facts import Facts
from sre_copilot.store.plans import PlanStore
from sre_copilot.store.workflow_runs import FORGET_AT_ONCE, RunStore
from sre_copilot.store.workflows import WorkflowStore
from sre_copilot.telemetry import log
from sre_copilot.workflows.collection import Collection, Lint
from sre_copilot.workflows.ports import Ports
from sre_copilot.workflows.reading import read
from sre_copilot.workflows.runs import Runs
from sre_copilot.workflows.steps.doing import Doing
from sre_copilot.workflows.triggers import EVENTS, Triggers

DAY_S = 86_400.0
TURN_S = 1.0  # an interval begins within a second of its time, and what was applied counts within one
FORGET_EVERY_S = 3600.0
_log = log(__name__)


@dataclass
class Workflows:
    """All that belongs to workflows in one process; `pump` is called over and over by the process that leads."""

    collection: Collection
    runs: Runs
    triggers: Triggers
    ports: Ports
    follower: Follower
    clock: Clock
    enabled: bool
    keep_days: float
    plans: PlanStore
    _waited_for: Mapping[str, str] = field(default_factory=dict)
    _turned_at: float = 0.0
    _forgot_at: float = 0.0

    def pump(self) -> None:
        """Start what is due, look after runs, forget old ones."""
        if self.enabled:
            self.follower.pump()
        now = self.clock.now()
        if 0.0 <= now - self._turned_at < TURN_S:
            return
        self._turned_at = now
        if self.enabled:
            self.triggers.turn()
        self.runs.turn()
        self._tell_of_plans()
        due = not 0.0 <= now - self._forgot_at < FORGET_EVERY_S
        if due and self.runs.forget(before=now - self.keep_days * DAY_S) < FORGET_AT_ONCE:
            self._forgot_at = now  # where it gave as many there may be more: the next turn goes on

    def _tell_of_plans(self) -> None:
        """Let runs go on whose plan is over, however and in whichever process it ended; one that is missed here is seen at the run's own look."""
        going_on = self.plans.under_way(OF_WORKFLOWS)
        for plan_id, key in self._waited_for.items():
            if plan_id in going_on:
                continue
            try:
                self.runs.plan_over(run_of(key), plan_id)
            except SreCopilotError as error:
                _log.warning("a run hears of its plan later", plan=plan_id, problem=str(error))
        self._waited_for = going_on


def make_workflows(
    service: Service, durable: Durable, *, desk: Desk | None = None, lint: Lint | None = None
) -> Workflows:
    """Wire them, before `durable.launch`; the workflows of the configured folders are applied."""
    settings, database, clock = service.settings, service.database, service.clock
    collection = make_collection(database, clock, lint=lint or linter(settings, database))
    ports = ports_of(service, desk)
    store = RunStore(database)
    runs = Runs(collection, store, durable, Doing(ports, store, durable, clock), clock)
    triggers = Triggers(collection, runs, clock, role=settings.workflows.role, look_every_s=TURN_S)
    apply_folders(collection, settings.workflows.folders)
    follower = Follower(
        "workflows", service.alerting.records, Facts(database), triggers.on_event, types=EVENTS
    )
    return Workflows(
        collection,
        runs,
        triggers,
        ports,
        follower,
        clock,
        settings.workflows.enabled,
        settings.workflows.keep_days,
        PlanStore(database),
    )


def make_collection(database: Database, clock: Clock, *, lint: Lint | None = None) -> Collection:
    """The workflows that a store keeps; `lint` looks at them with what is known of tools, receivers and actions."""
    store = WorkflowStore(database)
    return Collection(store, clock, lint=lint) if lint is not None else Collection(store, clock)


def ports_of(service: Service, desk: Desk | None) -> Ports:
    """What steps can use; without a desk no tool, no source and no model."""
    settings, database, clock = service.settings, service.database, service.clock
    decide = None
    if settings.actions.executors:
        decide = DeskDecide(open_desk(settings, database, clock), make_approving(service).plans)
    receivers = [each.name for each in settings.alerting.notify.known()]
    return Ports(
        tools=DeskTools(desk) if desk else None,
        checks=DeskChecks(desk) if desk else None,
        model=DeskModel(desk) if desk else None,
        tell=StoredTell(database, receivers, clock),
        decide=decide,
        catalogue=decide,
    )


def apply_folders(collection: Collection, folders: list[Path]) -> None:
    """Apply the files of folders that are another text than the newest version; one that is wrong is said, and left out."""
    for file in sorted(each for folder in folders for each in folder.glob("*.yaml")):
        try:
            text = file.read_text(encoding="utf-8")
            if (before := collection.store.version(read(text).workflow.id)) is None or before["text"] != text:
                collection.apply(text, who="workflows.folders", note=file.name)
        except (OSError, UnicodeDecodeError) as error:
            _log.error("a workflow cannot be read", file=str(file), problem=str(error))
        except UsageError as problem:
            _log.error("a workflow is not applied", file=str(file), problem=str(problem))
