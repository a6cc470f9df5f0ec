"""What steps need of the rest of the product, as small interfaces; `app/workflows.py` wires them, `testing/workflows.py` has fakes.

Every call is made in a durable step: it may be made again after a crash, with the same `key`, and what has a lasting effect answers for that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from sre_copilot.domain.evidence import Check
from sre_copilot.domain.plan import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """On whose behalf something is asked: a role limits what tools show; `run` and `workflow` say where it comes from."""

    who: str
    role: str
    run: str
    workflow: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a tool, a query or a check answered: `outcome` is `success`, `error`, `no_data` or `approval_required`; `output` is JSON."""

    outcome: str
    output: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""


class Tools(Protocol):
    """The agents' toolbox: it only reads."""

    def names(self) -> Sequence[str]:
        """Tools there are."""
        ...

    def schema(self, name: str) -> Mapping[str, Any] | None:
        """JSON schema of a tool's arguments; None when there is no such tool."""
        ...

    def use(self, name: str, arguments: Mapping[str, Any], *, asker: Asker) -> Answered:
        """Call a tool; whatever happens is an answer."""
        ...


class Checks(Protocol):
    """Evaluates statements on live telemetry."""

    def check(self, check: Check, *, asker: Asker) -> Answered:
        """Output: `holds`, `value`, `reason`. The check's windows are set; what is not recorded is the outcome `no_data`, and does not hold."""
        ...


PlanOver = Literal["rejected", "expired", "succeeded", "rolled_back", "failed", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """An action that a workflow asks for; what becomes of it is decided by risk, policy and people."""

    action: str
    target: Target
    parameters: Mapping[str, Any]
    reason: str
    asker: Asker
    incident_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanState:
    """How a plan stands; `over` when nothing more happens with it."""

    plan_id: str
    status: str
    over: bool
    reason: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether it was carried out, and verified."""
        return self.status == "succeeded"


class Decide(Protocol):
    """The one way from a workflow to an effect: a plan is proposed, and waited for."""

    def propose(self, proposal: Proposal, *, key: str) -> str:
        """Make a plan of one action, once for each key; its id. Raises UsageError when it cannot be one (unknown action, parameters)."""
        ...

    def outcome(self, plan_id: str) -> PlanState:
        """How it stands now."""
        ...

    def withdraw(self, plan_id: str, *, who: str) -> None:
        """The workflow is cancelled: a plan that nobody has approved yet is taken back."""
        ...

    def withdraw_all(self, run: str, *, who: str) -> None:
        """A run is over: the same, for every plan that was proposed with a key of the run."""
        ...


class Catalogue(Protocol):
    """Actions there are."""

    def names(self) -> Sequence[str]:
        """Names of actions."""
        ...

    def schema(self, name: str) -> Mapping[str, Any] | None:
        """JSON schema of an action's parameters; None when there is no such action."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What people are told by a step."""

    title: str
    text: str
    severity: str
    run: str
    workflow: str
    step: str
    links: Mapping[str, str] = field(default_factory=dict)


class Tell(Protocol):
    """Tells people, by the configured receivers."""

    def receivers(self) -> Sequence[str]:
        """Receivers there are."""
        ...

    def tell(self, receivers: Sequence[str], told: Told, *, key: str) -> int:
        """Tell each, once for each key; how many. Raises UsageError for a receiver that is not configured."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Thought:
    """A model's answer."""

    answer: str
    model: str


class Model(Protocol):
    """Asks a language model; optional everywhere."""

    def ask(
        self,
        question: str,
        material: Mapping[str, Any],
        *,
        choices: Sequence[str] = (),
        model: str = "",
        asker: Asker,
    ) -> Thought | None:
        """Its answer; None when no model is configured or none answers."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """All of them; what is None is not there, and a step that needs it fails with that reason."""

    tools: Tools | None = None
    checks: Checks | None = None
    decide: Decide | None = None
    catalogue: Catalogue | None = None
    tell: Tell | None = None
    model: Model | None = None
