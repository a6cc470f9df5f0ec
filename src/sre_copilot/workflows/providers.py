"""What a step can do, one type for each kind; the key `type` says which."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from sre_copilot.domain.evidence import Aggregate, Combine, Relation
from sre_copilot.domain.signals import Modality
from sre_copilot.settings.section import Role
from sre_copilot.workflows.durations import Seconds
from sre_copilot.workflows.parts import WORKFLOW_ID, Identifier, Part, Template, Text, Values

ValueType = Literal["string", "integer", "number", "boolean", "list", "object"]
TOOL, ACTION = "tool.", "action."


class ToolCall(Part):
    """Asks a tool of the agents' toolbox; it only reads. Output: `outcome`, `digest`, `problem`, `findings`, `data`, `rows`."""

    type: Annotated[str, Field(pattern=r"^tool\.[A-Za-z_][A-Za-z0-9_.-]{0,99}$")]
    """`tool.` and the name of the tool, such as `tool.query_metrics`."""
    with_: Values = Field(default_factory=dict, alias="with")
    """The tool's arguments."""

    @property
    def tool(self) -> str:
        """Name of the tool."""
        return self.type.removeprefix(TOOL)


class Measured(Part):
    """Which rows of which telemetry, and what is measured on each."""

    source: Modality
    """Kind of telemetry: `metrics`, `logs`, `traces` …"""
    measure: str = "value"
    """What is measured on each row: `value` of metrics, `rows` of logs, `duration_ms` of traces …"""
    where: dict[str, str] = Field(default_factory=dict)
    """Columns that must equal a value, such as `service` and, of metrics, `metric`."""


class CheckWith(Measured):
    """A statement about telemetry: `aggregate(measure) relation bound`."""

    aggregate: Aggregate = "mean"
    """How rows become one number."""
    relation: Relation
    """How that number must stand to the bound."""
    bound: float | Template
    """The bound."""
    window: Seconds = 600.0
    """Length of the time looked at, up to now; ten minutes, as of an investigation."""
    against: Measured | None = None
    """A second measurement to compare with."""
    combine: Combine = "value"
    """`ratio` or `difference` to `against`."""


class CheckCall(Part):
    """Evaluates a statement about telemetry. Output: `holds`, `value`, `reason`; what is not recorded does not hold, and `value` is null."""

    type: Literal["check"]
    with_: CheckWith = Field(alias="with")


class QueryWith(Part):
    """A query of one's own; it must only read."""

    query: Text
    language: Literal["promql", "logql", "elasticsearch", "sql", "topology"]
    """Its language."""
    source: str = ""
    """Name of the source, where several take this language."""
    window: Seconds = 3600.0
    """Length of the time looked at, up to now."""
    limit: int = Field(default=200, ge=1, le=1000)
    """Most rows."""


class QueryCall(Part):
    """Sends a query to a source. Output as of a tool, with `rows`."""

    type: Literal["query"]
    with_: QueryWith = Field(alias="with")


class WaitWith(Part):
    """How long to wait: exactly one of both."""

    for_: Seconds | Template | None = Field(default=None, alias="for")
    """So long."""
    until: Text | None = None
    """Until a moment, RFC 3339."""

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.for_ is None) == (self.until is None):
            raise ValueError("give exactly one of for and until")
        return self


class WaitCall(Part):
    """Waits; a crash does not lengthen it. Output: `waited_seconds`."""

    type: Literal["wait"]
    with_: WaitWith = Field(alias="with")


class FormField(Part):
    """One thing that a person is asked for."""

    name: Identifier
    type: ValueType = "string"
    label: str = ""
    """What people read; the name by default."""
    required: bool = True
    choices: tuple[Any, ...] = ()
    """What may be answered; empty: anything of the type."""
    default: Any = None


class Escalation(Part):
    """Who is told when nobody has answered for so long."""

    after: Seconds
    receivers: tuple[str, ...] = Field(min_length=1)


class HumanWith(Part):
    """What a person is asked."""

    title: Text
    text: str = ""
    form: tuple[FormField, ...] = ()
    """Fields of the answer; none: the person only says that it is done."""
    role: Role = "responder"
    """Who may answer: this role and those above it."""
    receivers: tuple[str, ...] = ()
    """Receivers that are told of the task."""
    escalate: tuple[Escalation, ...] = ()
    """Who is told when it stays unanswered, one after the other."""
    on_timeout: Literal["fail", "default"] = "fail"
    """When nobody answers in the step's `timeout`: the step fails, or the defaults of the form are taken."""


class HumanCall(Part):
    """A task for a person. Output: `answer` by field, `by`, `answered`."""

    type: Literal["human"]
    with_: HumanWith = Field(alias="with")


class ModelWith(Part):
    """What a model is asked. It only words and judges what it is given: nothing is done by it."""

    question: Text
    material: Values = Field(default_factory=dict)
    """What it may read."""
    choices: tuple[str, ...] = ()
    """The answer must be one of these; empty: free text."""
    model: str = ""
    """Name of a configured model; empty: the usual one."""
    otherwise: Any = None
    """The answer when no model is configured or none answers; without one the step fails then."""


class ModelCall(Part):
    """Asks a model. Output: `answer`, `by` (the model, or `otherwise`)."""

    type: Literal["model"]
    with_: ModelWith = Field(alias="with")


class TargetOf(Part):
    """What an action is done to."""

    kind: Text
    name: Text
    namespace: str = ""
    environment: str = ""


class ActionWith(Part):
    """What an action is done to, and how."""

    target: TargetOf
    parameters: Values = Field(default_factory=dict)
    """Parameters of the action, as the catalogue knows them."""
    reason: str = ""
    """Why; approvers read it."""


class ActionCall(Part):
    """Proposes a plan of one action, and waits until it is over: risk, approval, verification and rollback are those of every plan. Output: `plan_id`, `status`, `reason`."""

    type: Annotated[str, Field(pattern=r"^action\.[a-z_][a-z0-9_]{0,63}\.[a-z_][a-z0-9_]{0,63}$")]
    """`action.` and the name in the catalogue, such as `action.kubernetes.rollout_restart`."""
    with_: ActionWith = Field(alias="with")

    @property
    def action(self) -> str:
        """Name in the catalogue."""
        return self.type.removeprefix(ACTION)


class NotifyWith(Part):
    """What people are told."""

    receivers: tuple[str, ...] = Field(min_length=1)
    """Configured receivers."""
    title: Text
    text: str = ""
    severity: Literal["critical", "high", "warning", "info", "low"] = "info"


class NotifyCall(Part):
    """Tells people. Output: `sent`: how many receivers."""

    type: Literal["notify"]
    with_: NotifyWith = Field(alias="with")


class SubWorkflowWith(Part):
    """Which workflow."""

    id: Annotated[str, Field(pattern=WORKFLOW_ID)]
    version: int | None = Field(default=None, ge=1)
    """Of which version; empty: the newest applied."""
    inputs: Values = Field(default_factory=dict)


class SubWorkflowCall(Part):
    """Runs another workflow, and waits until it is over. Output: its outputs."""

    type: Literal["workflow"]
    with_: SubWorkflowWith = Field(alias="with")


class SetCall(Part):
    """Computes values. Output: the values."""

    type: Literal["set"]
    with_: Values = Field(alias="with", min_length=1)


class FailWith(Part):
    """Why."""

    reason: Text


class FailCall(Part):
    """Ends the workflow as failed."""

    type: Literal["fail"]
    with_: FailWith = Field(alias="with")


KINDS = ("tool", "check", "query", "wait", "human", "model", "action", "notify", "workflow", "set", "fail")


def kind_of(given: Any) -> str | None:
    """Kind of a provider by its `type`; None when there is none of it."""
    written = given.get("type") if isinstance(given, dict) else getattr(given, "type", None)
    kind = written.partition(".")[0] if isinstance(written, str) else None
    return kind if kind in KINDS else None


Provider = Annotated[
    Annotated[ToolCall, Tag("tool")]
    | Annotated[CheckCall, Tag("check")]
    | Annotated[QueryCall, Tag("query")]
    | Annotated[WaitCall, Tag("wait")]
    | Annotated[HumanCall, Tag("human")]
    | Annotated[ModelCall, Tag("model")]
    | Annotated[ActionCall, Tag("action")]
    | Annotated[NotifyCall, Tag("notify")]
    | Annotated[SubWorkflowCall, Tag("workflow")]
    | Annotated[SetCall, Tag("set")]
    | Annotated[FailCall, Tag("fail")],
    Discriminator(kind_of),
]
"""What a step does."""
