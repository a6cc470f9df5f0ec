"""A workflow as it is written: frozen types whose fields are the keys of the YAML, and from which the published JSON Schema is made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from sre_copilot.workflows.durations import Seconds
from sre_copilot.workflows.parts import WORKFLOW_ID, Expression, Identifier, Part, Values
from sre_copilot.workflows.providers import Provider, ValueType, kind_of

Kind = Literal[
    "tool", "check", "query", "wait", "human", "model", "action", "notify", "workflow", "set", "fail",
    "block", "parallel",
]  # fmt: skip
DEFAULT_STEP_SECONDS = (
    300.0  # a step that only asks; a slow source gives up within a minute, and is tried again
)
DEFAULT_HUMAN_SECONDS = 86_400.0  # people sleep
DEFAULT_ACTION_SECONDS = 3_600.0  # an approval is asked for, and a plan is verified over minutes
DEFAULT_WORKFLOW_SECONDS = 86_400.0  # nothing runs for ever
MOST_STEPS = 200  # of a workflow, nested ones included: more is several workflows
MOST_HOLES = 5  # of a phrase
MOST_DEPTH = 8  # of blocks within blocks


class Filter(Part):
    """A label or field that must equal a value."""

    key: str
    value: str


class OnEvent(Part):
    """What triggers by something that happened share."""

    cel: Expression | None = None
    """Must be true of it; `trigger` holds what happened (`trigger.alert`, `trigger.incident`)."""
    filters: tuple[Filter, ...] = ()
    """Fields or labels that must equal a value, all of them."""
    inputs: Values = Field(default_factory=dict)
    """Values of the workflow's inputs, made of `trigger`."""


class AlertTrigger(OnEvent):
    """An alert came in."""

    type: Literal["alert"]
    events: tuple[Literal["firing", "resolved"], ...] = ("firing",)


class IncidentTrigger(OnEvent):
    """Something happened to an incident."""

    type: Literal["incident"]
    events: tuple[Literal["opened", "updated", "resolved", "investigated"], ...] = ("opened",)


class IntervalTrigger(Part):
    """Time has passed."""

    type: Literal["interval"]
    value: Seconds = Field(ge=10)
    """Between two runs; at least ten seconds."""
    inputs: Values = Field(default_factory=dict)


class ManualTrigger(Part):
    """Somebody starts it."""

    type: Literal["manual"]


class ChatTrigger(Part):
    """Somebody asks for it in chat."""

    type: Literal["chat"]
    phrases: tuple[Annotated[str, Field(min_length=2, max_length=200)], ...] = Field(min_length=1)
    """How people ask for it; `{service}` stands for the input of this name."""

    @model_validator(mode="after")
    def _holes(self) -> Self:
        for phrase in self.phrases:
            holes = re.findall(r"\{([^{}]*)\}", phrase)
            if (
                len(set(holes)) != len(holes)
                or len(holes) > MOST_HOLES
                or not all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", each) for each in holes)
            ):
                raise ValueError(
                    f"the braces of {phrase!r} hold no names of inputs, each once; write {{service}}, at most {MOST_HOLES} of them"
                )
        return self


class WebhookTrigger(Part):
    """Another system posts a JSON document to the workflow's address, with a token."""

    type: Literal["webhook"]
    cel: Expression | None = None
    """Must be true of it; `trigger.body` holds the document."""
    inputs: Values = Field(default_factory=dict)


Trigger = Annotated[
    AlertTrigger | IncidentTrigger | IntervalTrigger | ManualTrigger | ChatTrigger | WebhookTrigger,
    Field(discriminator="type"),
]
"""What starts a workflow."""


class Parameter(Part):
    """An input of a workflow."""

    name: Identifier
    type: ValueType = "string"
    description: str = ""
    required: bool = False
    """Whether a run without it is refused."""
    default: Any = None
    choices: tuple[Any, ...] = ()
    """What it may be; empty: anything of the type."""


class Retry(Part):
    """How often a step that failed is tried again."""

    attempts: int = Field(default=1, ge=1, le=20)
    """Attempts altogether; one, for not every step may be done twice."""
    delay: Seconds = 5.0
    """Pause before the second attempt."""
    factor: float = Field(default=2.0, ge=1, le=10)
    """By what each further pause is longer."""
    most: Seconds = 300.0
    """The longest pause."""


class Step(Part):
    """One step: exactly one of `provider`, `steps` and `parallel`."""

    name: Identifier
    """Unique in the workflow; expressions name its output `steps.NAME.output`."""
    title: str = ""
    """What people read; the name by default."""
    provider: Provider | None = None
    """What it does."""
    steps: tuple[Step, ...] | None = None
    """A block of steps, for `if`, `else` and `foreach`."""
    parallel: dict[Identifier, tuple[Step, ...]] | None = None
    """Branches of steps, by name, at the same time."""
    condition: Expression | None = Field(default=None, alias="if")
    """The step is left out unless this is true."""
    otherwise: tuple[Step, ...] | None = Field(default=None, alias="else")
    """Steps instead of `steps`, when `if` is not true."""
    foreach: str | list[Any] | None = None
    """An expression that gives a list, or a list: the step is done for each, as `item` with its `index`."""
    concurrency: int = Field(default=1, ge=1, le=50)
    """How many of `foreach` at the same time."""
    needs: tuple[str, ...] | None = None
    """Steps of the same list that must be over before; left out: the one before it. `[]`: it begins at once."""
    timeout: Seconds | None = None
    """How long it may take, all attempts and waits included."""
    retry: Retry = Retry()
    on_failure: Literal["stop", "continue"] = "stop"
    """Whether the workflow goes on when it has failed."""

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        given = [name for name in ("provider", "steps", "parallel") if getattr(self, name) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none of them"
            raise ValueError(f"has {found}; a step has exactly one of provider, steps and parallel")
        if self.otherwise is not None and (self.steps is None or self.condition is None):
            raise ValueError("else: belongs to a step that has `if` and `steps`")
        return self

    @property
    def kind(self) -> Kind:
        """What it does, in a word."""
        if self.provider is not None:
            kind: Any = kind_of(self.provider)
            return kind  # type: ignore[no-any-return]
        return "block" if self.steps is not None else "parallel"

    @property
    def timeout_seconds(self) -> float | None:
        """How long it may take; None: as long as the workflow (waits, blocks, other workflows)."""
        if self.timeout is not None:
            return self.timeout
        if self.kind in ("wait", "block", "parallel", "workflow"):
            return None
        return {"human": DEFAULT_HUMAN_SECONDS, "action": DEFAULT_ACTION_SECONDS}.get(
            self.kind, DEFAULT_STEP_SECONDS
        )

    @property
    def inner(self) -> tuple[tuple[str, tuple[Step, ...]], ...]:
        """Lists of steps within it, each with the path to it from here."""
        lists = [("steps", self.steps), ("else", self.otherwise)]
        lists += [(f"parallel.{name}", steps) for name, steps in (self.parallel or {}).items()]
        return tuple((path, steps) for path, steps in lists if steps is not None)


class Workflow(Part):
    """A workflow: when it begins, what it needs to know, what it does, what it gives."""

    id: Annotated[str, Field(pattern=WORKFLOW_ID)]
    """Small letters, digits, - and _; it never changes."""
    name: str = ""
    """What people read; the id by default."""
    description: str = ""
    disabled: bool = False
    """Whether its triggers start nothing; a person still can."""
    triggers: tuple[Trigger, ...] = ()
    inputs: tuple[Parameter, ...] = ()
    consts: dict[Identifier, Any] = Field(default_factory=dict)
    """Values that expressions name `consts.NAME`."""
    steps: tuple[Step, ...] = ()
    actions: tuple[Step, ...] = ()
    """Steps after `steps`, written apart: those that act and tell."""
    outputs: Values = Field(default_factory=dict)
    """What a run gives, made of its steps."""
    timeout: Seconds = DEFAULT_WORKFLOW_SECONDS
    """How long a run may take altogether; a day, for nothing runs for ever."""
    at_once: int = Field(default=10, ge=1, le=1000)
    """How many runs of it may be under way; a trigger beyond it starts nothing, and that is noted."""

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.steps and not self.actions:
            raise ValueError("has no step; write at least one under steps or actions")
        return self

    @property
    def sequence(self) -> tuple[Step, ...]:
        """`steps`, then `actions`."""
        return self.steps + self.actions

    def walk(self) -> Iterator[tuple[str, Step]]:
        """Each step with its path (`workflow.steps[0].parallel.a[1]`), outer ones first."""
        yield from _walk("workflow.steps", self.steps)
        yield from _walk("workflow.actions", self.actions)

    def parameter(self, name: str) -> Parameter | None:
        """An input by its name."""
        return next((each for each in self.inputs if each.name == name), None)


class Document(Part):
    """A file: one workflow under the key `workflow`."""

    workflow: Workflow


def _walk(path: str, steps: tuple[Step, ...]) -> Iterator[tuple[str, Step]]:
    for number, step in enumerate(steps):
        own = f"{path}[{number}]"
        yield own, step
        for inner, nested in step.inner:
            yield from _walk(f"{own}.{inner}", nested)
