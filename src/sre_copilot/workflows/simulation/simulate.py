"""One simulation: the path that a workflow takes, the value of each condition, and all that it would have done."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any, cast

from sre_copilot.durable.port import Run
from sre_copilot.errors import UsageError
from sre_copilot.store.workflow_runs import RunStore
from sre_copilot.workflows.branching import NAME
from sre_copilot.workflows.cel import ExpressionProblem, compiled
from sre_copilot.workflows.engine import Engine, Walk
from sre_copilot.workflows.frames import Frame, Outcome
from sre_copilot.workflows.lint.names import paths_in
from sre_copilot.workflows.ports import Ports
from sre_copilot.workflows.providers import HumanCall, NotifyCall
from sre_copilot.workflows.reading import read
from sre_copilot.workflows.simulation.runs import AtOnce, SimulatedClock
from sre_copilot.workflows.simulation.told import NoDeeds, NoPeople, Would
from sre_copilot.workflows.spec import Step, Workflow
from sre_copilot.workflows.steps.doing import Doing
from sre_copilot.workflows.steps.order import Order
from sre_copilot.workflows.templates import bare
from sre_copilot.workflows.values import inputs_of

RUN = "simulation"


@dataclass(frozen=True, slots=True)
class Decided:
    """A condition: its value (None: it has none, and why), and what it read."""

    step: str
    expression: str
    value: bool | None
    read: Mapping[str, Any]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Passed:
    """A step on the way."""

    step: str
    kind: str
    status: str
    error: str = ""
    output: Any = None


@dataclass
class Simulation:
    """What came of it."""

    status: str = "failed"
    error: str = ""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    """How long waits and steps would have taken, people and plans left aside."""
    path: list[Passed] = field(default_factory=list)
    conditions: list[Decided] = field(default_factory=list)
    would: list[Would] = field(default_factory=list)


def simulate(
    text: str,
    ports: Ports,
    *,
    now: float,
    inputs: Mapping[str, Any] | None = None,
    trigger: Mapping[str, Any] | None = None,
    answers: Mapping[str, Mapping[str, Any]] | None = None,
    role: str = "viewer",
    incident: str = "",
    seconds: float = math.inf,
) -> Simulation:
    """Run a text on what the ports read, at the time of the incident: tools, checks and queries are asked, nothing else leaves the process.

    No step begins once it has taken so many `seconds`.

    Raises
    ------
    DurableError : when it takes too long
    UsageError : when the text or an input cannot be used, or answers are for a step that asks nobody
    """
    workflow = read(text).workflow
    _check(workflow, answers or {})
    found, clock = Simulation(), SimulatedClock(now)
    deeds = NoDeeds(_receivers(workflow), found.would)
    durable = AtOnce(clock, until=monotonic() + seconds)
    people = NoPeople(durable, found.would, answers or {})
    told = replace(ports, decide=deeds, tell=deeds)
    doing = Doing(told, cast("RunStore", people), durable, clock)
    doing.begin = _refuse
    Traced(durable, doing, found)
    frame = Frame(
        run=RUN, workflow=workflow.id, version=0, text=text, deadline=now + workflow.timeout, now=now, who=RUN, role=role,
        inputs=inputs_of(workflow, inputs or {}), trigger=trigger or {"type": "manual"}, incident=incident, ancestors=(workflow.id,),
    )  # fmt: skip
    durable.start(NAME, {"frame": frame.as_json()}, key=RUN)
    ended = people.tasks[f"ended {RUN}"]
    found.status, found.error, found.outputs = ended["status"], ended["error"], ended["outputs"]
    found.seconds = (durable.states[RUN].finished_at or now) - now
    return found


class Traced(Engine):
    """The engine, which notes what it decides."""

    def __init__(self, durable: AtOnce, doing: Doing, found: Simulation) -> None:
        super().__init__(durable, doing)
        self.found = found

    def run(self, run: Run, *, frame: Mapping[str, Any]) -> dict[str, Any]:
        """The durable workflow."""
        walk = TracedWalk(run, Frame.of(frame), self)
        ended = walk.whole()
        return dict(walk.surely("end", self.doing.end, walk.frame, walk.scope, ended))


class TracedWalk(Walk):
    """A walk, which notes what it decides."""

    def _only_looks(self, steps: Sequence[tuple[str, Step]], wave: Sequence[int]) -> bool:
        """Each step is gone by itself, so that it is noted."""
        return False

    def _holds(self, label: str, expression: str) -> bool:
        text, found = bare(expression), cast("Traced", self.engine).found
        seen = {".".join(path): _value(path, self.scope) for path in paths_in(text)}
        try:
            value = super()._holds(label, expression)
        except (ExpressionProblem, UsageError) as problem:
            found.conditions.append(Decided(label, text, None, seen, str(problem)))
            raise
        found.conditions.append(Decided(label, text, value, seen))
        return value

    def _step(self, path: str, step: Step, label: str) -> Outcome:
        outcome = Outcome(status="failed")
        try:
            outcome = super()._step(path, step, label)
        except UsageError as problem:
            outcome = Outcome(status="failed", error=str(problem))
            raise
        finally:
            passed = Passed(label, step.kind, outcome.status, outcome.error, outcome.output)
            cast("Traced", self.engine).found.path.append(passed)
        return outcome


def _value(path: tuple[str, ...], scope: Mapping[str, Any]) -> Any:
    try:
        return compiled(".".join(path)).evaluate(scope)
    except ExpressionProblem:
        return None


def _refuse(order: Order) -> str:
    raise UsageError("another workflow is not simulated within one. Simulate it by itself.")


def _receivers(workflow: Workflow) -> tuple[str, ...]:
    named: list[str] = []
    for _, step in workflow.walk():
        if isinstance(step.provider, NotifyCall | HumanCall):
            named += step.provider.with_.receivers
    return tuple(dict.fromkeys(named))


def _check(workflow: Workflow, answers: Mapping[str, Mapping[str, Any]]) -> None:
    asks = {step.name for _, step in workflow.walk() if step.kind == "human"}
    if unknown := sorted(set(answers) - asks):
        known = ", ".join(sorted(asks)) or "none"
        raise UsageError(f"answers.{unknown[0]}: is no step that asks a person. Such steps are: {known}.")
