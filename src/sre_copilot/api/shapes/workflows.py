"""Workflows of the user's own, their versions, drafts, simulations, runs and tasks."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from sre_copilot.api.shapes.shape import Listing, Shape, Time

Outcome = Literal["started", "known", "too_many"]
RunStatus = Literal["waiting", "running", "succeeded", "failed", "timed_out", "cancelled"]


class Workflow(Shape):
    """A workflow without its text; `version` is the newest, `enabled` says whether its triggers count."""

    id: str
    name: str
    description: str
    version: int
    enabled: bool
    created_at: Time
    updated_at: Time
    enabled_at: Time


class Workflows(Listing[Workflow]):
    """All workflows."""


class WholeWorkflow(Workflow):
    """A workflow with the text of its newest version."""

    text: str
    applied_by: str
    applied_at: Time


class JsonSchema(Shape):
    """A JSON Schema."""

    model_config = ConfigDict(extra="allow")


class Version(Shape):
    """A text that was applied."""

    workflow_id: str
    version: int
    applied_by: str
    applied_at: Time
    note: str


class Versions(Listing[Version]):
    """All versions, the newest first."""


class Difference(Shape):
    """Between two versions, as a unified diff."""

    id: str
    difference: str


class Applied(Difference):
    """What came of a text: `changed` is false where the newest version is the same."""

    version: int
    changed: bool


class Remark(Shape):
    """What lint says: an error keeps a workflow out, a warning does not; line and column count from 1, 0 where the place is not known."""

    weight: Literal["error", "warning"]
    line: int
    column: int
    path: str
    problem: str
    fix: str


class Linted(Shape):
    """All remarks on a text."""

    clean: bool
    items: list[Remark]


class AskedFor(Shape):
    """A workflow that a sentence asks for, with the inputs that it names; `acts` when it holds an action."""

    workflow: str
    name: str
    inputs: dict[str, str]
    acts: bool


class AskedForAll(Listing[AskedFor]):
    """Workflows that a sentence asks for, the longest phrase first."""


class Draft(Shape):
    """A text that was generated and that nothing runs; `made_by` is `rules` or the name of a model, `repairs` what was changed for errors of lint."""

    id: str
    text: str
    by: str
    origin: str
    at: Time
    difference: str
    made_by: str = "rules"
    repairs: list[str] = Field(default_factory=list)


class Drafts(Listing[Draft]):
    """All drafts, the latest first."""


class Generated(Shape):
    """What was made; `kept` when it is a draft now, `why_rules` why a model that there is did not make it."""

    id: str
    text: str
    difference: str
    made_by: str
    why_rules: str
    repairs: list[str]
    remarks: list[Remark]
    kept: bool


class Passed(Shape):
    """A step of a simulation."""

    step: str
    kind: str
    status: str
    error: str
    output: Any


class Decided(Shape):
    """A condition, its value (null: it has none, and why), and what it read."""

    step: str
    expression: str
    value: bool | None
    read: dict[str, Any]
    problem: str


class Would(Shape):
    """What would have been done, and was not."""

    step: str
    kind: Literal["action", "notify", "human"]
    text: str
    detail: dict[str, Any]


class Simulation(Shape):
    """What would have happened; `seconds` is how long waits and steps would have taken."""

    status: str
    error: str
    outputs: dict[str, Any]
    seconds: float
    path: list[Passed]
    conditions: list[Decided]
    would: list[Would]


class Tried(Shape):
    """A simulation on a moment of the past; `started_by` is the type of the trigger, `manual` where none of them is meant."""

    incident_id: str
    at: Time
    started_by: str
    simulation: Simulation | None
    problem: str


class AllTried(Listing[Tried]):
    """Simulations, the earliest first."""


class Started(Shape):
    """The run that was started or, `known`, that there was already; '' where too many are under way."""

    run: str
    outcome: Outcome


class Hooked(Shape):
    """The same; `not meant` where the condition of the trigger is not true of the document."""

    run: str
    outcome: Literal["started", "known", "too_many", "not meant"]


class Run(Shape):
    """A run: by whom, why, with what, and what came of it; of a `hidden` one the role of the token does not see what it was given and what came of it."""

    id: str
    workflow_id: str
    version: int
    parent: str
    cause: str
    trigger: dict[str, Any]
    inputs: dict[str, Any]
    status: RunStatus
    requested_by: str
    role: str
    incident_id: str
    created_at: Time
    deadline: Time
    finished_at: Time | None
    outputs: dict[str, Any]
    error: str
    hidden: bool


class Runs(Listing[Run]):
    """Runs, the latest first."""


class Step(Shape):
    """How a step of a run stands."""

    label: str
    status: str
    attempt: int
    began: Time | None
    finished: Time | None
    output: Any
    error: str
    log: list[str]


class RunWithSteps(Run):
    """A run with its steps, and its log line by line."""

    steps: list[Step]
    log: list[str]


class Cancelled(Shape):
    """A run that was ended."""

    run: str
    status: Literal["cancelled"]


class Task(Shape):
    """What a person is asked; of a `hidden` one the role of the token does not see the texts."""

    id: str
    run_id: str
    workflow_id: str
    step: str
    title: str
    body: str
    form: list[dict[str, Any]]
    role: str
    status: Literal["open", "answered", "closed"]
    created_at: Time
    due_at: Time
    answer: dict[str, Any]
    answered_by: str
    answered_at: Time | None
    hidden: bool


class Tasks(Listing[Task]):
    """Tasks, the latest first."""
