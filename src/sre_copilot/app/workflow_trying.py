"""Workflows tried on the past: on a recorded case, on the configured sources at a moment, on the incidents of the store."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import Any

from sre_copilot.app.asking import open_live_copilot
from sre_copilot.app.desk import Desk
from sre_copilot.app.tools import case_toolbox, live_toolbox
from sre_copilot.app.workflow_reading import ports_of
from sre_copilot.clock import TurnedClock, rfc3339
from sre_copilot.domain.event import Event
from sre_copilot.errors import DurableError, UsageError
from sre_copilot.incidents.alerting.follower import event_of
from sre_copilot.settings.document import Settings
from sre_copilot.settings.section import Role
from sre_copilot.store.alerting.states import AlertRecords
from sre_copilot.workflows.cel import ExpressionProblem
from sre_copilot.workflows.ports import Ports
from sre_copilot.workflows.reading import read
from sre_copilot.workflows.simulation.simulate import Simulation, simulate
from sre_copilot.workflows.spec import Workflow
from sre_copilot.workflows.templates import fill
from sre_copilot.workflows.triggers import EVENTS, fits, happened_of

MOST_ALERTS = 200  # of an incident, whose events are looked at: the first of a storm
MOST_SIMULATIONS = 50  # of one command: each asks the sources
DAY_S = 86_400.0
OpenPorts = Callable[[float], AbstractContextManager[Ports]]
"""Ports that read what there was at a moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What would have started a workflow, and with which inputs; `trigger` is what its expressions see."""

    at: float
    incident_id: str
    trigger: Mapping[str, Any]
    inputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A simulation on an incident; `started_by` is the type of the trigger, `manual` where none of them is meant."""

    incident_id: str
    at: float
    started_by: str
    found: Simulation | None
    problem: str = ""

    def document(self) -> dict[str, Any]:
        """As JSON."""
        found = asdict(self.found) if self.found is not None else None
        return {"incident_id": self.incident_id, "at": rfc3339(self.at), "started_by": self.started_by,
                "simulation": found, "problem": self.problem}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A text on what the store has of the past; `role` is with which tools are asked."""

    text: str
    records: AlertRecords
    open_ports: OpenPorts
    role: Role
    inputs: Mapping[str, Any]
    answers: Mapping[str, Mapping[str, Any]]
    seconds: float = math.inf
    """How long it may take altogether: later no simulation and no step of one begins."""
    _began: float = field(default_factory=monotonic)

    def on_incident(self, incident_id: str) -> Tried:
        """As its triggers would have started it, else as a person would have when the incident opened.

        Raises
        ------
        UsageError : there is no such incident, or the text or an input cannot be used
        """
        row = self.records.incident(incident_id)
        if row is None:
            raise UsageError(f"incident {incident_id[:64]!r}: is not there. `sre-copilot incident list --status all` lists them.")  # fmt: skip
        workflow, key = read(self.text).workflow, str(row["id"])
        alerts = self.records.earliest_of(key, limit=MOST_ALERTS)
        keys = (key, *(str(each["fingerprint"]) for each in alerts))
        causes = causes_of(workflow, self._events(since=0.0, keys=keys), self._incident_of)
        opened = float(row["opened_at"])
        by_hand = Cause(at=opened, incident_id=key, trigger={"type": "manual"}, inputs={})
        return self._tried(replace(next(iter(causes), by_hand), incident_id=key))

    def on_incidents(self, *, since: float) -> tuple[Tried, ...]:
        """Each time that one of its triggers would have started it since then, the first fifty.

        Raises
        ------
        UsageError : when no event of the past can start it
        """
        workflow = read(self.text).workflow
        if not any(each.type in ("alert", "incident") for each in workflow.triggers):
            raise UsageError("triggers: none is of type alert or incident, so that nothing of the past starts it. Name an incident, or a time.")  # fmt: skip
        causes = causes_of(workflow, self._events(since=since, keys=()), self._incident_of)
        return tuple(self._gone_on(each) for _, each in zip(range(MOST_SIMULATIONS), causes, strict=False))

    def _gone_on(self, cause: Cause) -> Tried:
        try:
            return self._tried(cause)
        except (UsageError, DurableError) as problem:
            started_by = str(cause.trigger["type"])
            return Tried(incident_id=cause.incident_id, at=cause.at, started_by=started_by, found=None, problem=str(problem))  # fmt: skip

    def _tried(self, cause: Cause) -> Tried:
        with self.open_ports(cause.at) as ports:
            found = simulate(
                self.text, ports, now=cause.at, inputs={**cause.inputs, **self.inputs}, trigger=cause.trigger,
                answers=self.answers, role=self.role, incident=cause.incident_id,
                seconds=self._began + self.seconds - monotonic(),
            )  # fmt: skip
        return Tried(
            incident_id=cause.incident_id, at=cause.at, started_by=str(cause.trigger["type"]), found=found
        )

    def _events(self, *, since: float, keys: Sequence[str]) -> Sequence[Event]:
        rows = self.records.past_events(since=since, types=[each.value for each in EVENTS], keys=keys)
        return [event_of(row) for row in rows]

    def _incident_of(self, fingerprint: str) -> str:
        found = self.records.alert(fingerprint)
        return str(found.get("incident_id", "")) if found else ""


def causes_of(
    workflow: Workflow, events: Sequence[Event], incident_of: Callable[[str], str]
) -> Iterator[Cause]:
    """What of the past would have started a workflow, in its order; each event once, an incident only once by the same trigger."""
    seen: set[tuple[int, str]] = set()
    for event in events:
        happened = happened_of(event)
        for number, trigger in enumerate(workflow.triggers):
            if trigger.type not in ("alert", "incident") or not fits(trigger, happened):
                continue
            incident = str((happened.get("incident") or {}).get("incident_id", "")) or incident_of(event.key)
            if (number, incident or event.key) in seen:
                continue
            try:
                inputs = fill(getattr(trigger, "inputs", {}), {"trigger": happened})
            except ExpressionProblem:
                continue
            seen.add((number, incident or event.key))
            yield Cause(at=event.at, incident_id=incident, trigger=happened, inputs=inputs)
            break


@contextmanager
def past(settings: Settings, *, case: Path | None, at: float | None) -> Iterator[tuple[Ports, float]]:
    """Ports that read a recorded case, or the configured sources at a moment; and that moment. No model is asked: a step says what it takes otherwise."""
    if case is not None:
        with case_toolbox(case, settings, lang=settings.language, role="admin") as toolbox:
            yield ports_of(toolbox), toolbox.context.scene.now()
        return
    assert at is not None  # noqa: S101 - asked for by the command
    with live_toolbox(settings, lang=settings.language, role="admin", clock=TurnedClock(at)) as toolbox:
        yield ports_of(toolbox), at


def on_sources(settings: Settings) -> OpenPorts:
    """The configured sources as they were at a moment, for whoever has the machine."""

    @contextmanager
    def opened(at: float) -> Iterator[Ports]:
        with past(settings, case=None, at=at) as (ports, _):
            yield ports

    return opened


def at_desk(desk: Desk, role: Role) -> OpenPorts:
    """The sources of a running server as they were at a moment, for somebody with a role."""

    @contextmanager
    def opened(at: float) -> Iterator[Ports]:
        settings = desk.service.settings
        equipment = replace(desk.equipment, clock=TurnedClock(at))
        with open_live_copilot(
            settings, lang=settings.language, role=role, equipment=equipment, opener=desk.service.examine
        ) as found:
            yield ports_of(found.toolbox)

    return opened
