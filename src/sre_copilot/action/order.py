"""What Hands are told, what they answer, and what they ask of others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from sqlalchemy import Connection

from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Action, Plan, PlanStep
from sre_copilot.errors import SreCopilotError

Direction = Literal["do", "undo"]
Outcome = Literal["done", "wait", "refused", "failed", "unknown"]
"""`wait`: nothing was begun, ask again; `failed`: nothing was changed; `unknown`: nobody can tell."""


class NotAdmitted(SreCopilotError):  # noqa: N818 - a refusal, and it reads better so
    """An order may not be carried out; the reason is a sentence for people."""

    def __init__(self, reason: Message) -> None:
        super().__init__(reason.key)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One step of a plan, to be done or taken back."""

    plan_id: str
    step_id: str
    direction: Direction

    @property
    def key(self) -> str:
        """The effect's key: the same for each attempt."""
        return f"{self.plan_id}/{self.step_id}/{self.direction}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """An order that may be carried out now: the plan as it was approved, the step, and on whose word."""

    plan: Plan
    step: PlanStep
    who: str
    autonomous: bool = False


class Admission(Protocol):
    """Says whether an order may be carried out now; asked again before every effect."""

    def __call__(self, order: Order) -> Admitted:
        """The order as it was approved; raises `NotAdmitted` with the reason why it may not be carried out."""
        ...

    def kept(self, order: Order) -> Admitted:
        """The same for looking alone, which needs no permission; raises `NotAdmitted` where the plan is not under way, or was altered."""
        ...


class Audit(Protocol):
    """Where it is written who did what, for ever, in the caller's transaction."""

    def append(  # noqa: PLR0917 - the columns in their order
        self,
        connection: Connection,
        who: str,
        verb: str,
        subject: str,
        outcome: str,
        detail: Mapping[str, Any] | None,
        at: float,
    ) -> object:
        """Add an entry, as the last of the transaction."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Performed:
    """What came of an order. `wait_s` is set where the same order may be given again, after so many seconds."""

    outcome: Outcome
    reason: Message | None = None
    problem: str = ""
    changed: bool = False
    detail: Mapping[str, Any] = field(default_factory=dict)
    wait_s: float | None = None
    in_doubt: bool = False
    """Whether an earlier attempt may have had its effect, and nobody has found out yet."""
    at: float = 0.0

    def plain(self) -> dict[str, Any]:
        """As JSON, for whoever keeps it."""
        return {
            "outcome": self.outcome,
            "reason": plain_message(self.reason),
            "problem": self.problem,
            "changed": self.changed,
            "detail": dict(self.detail),
            "wait_s": self.wait_s,
            "in_doubt": self.in_doubt,
            "at": self.at,
        }


def plain_message(message: Message | None) -> dict[str, Any]:
    """A sentence as JSON."""
    return {"key": message.key, "params": dict(message.params)} if message else {}


def step_of(plan: Plan, step_id: str) -> PlanStep:
    """A step of a plan.

    Raises
    ------
    NotAdmitted : when the plan has none of this id
    """
    for step in plan.steps:
        if step.id == step_id:
            return step
    raise NotAdmitted(Message(key="remediation.no_step", params=(("plan", plan.id), ("step", step_id))))


def act_of(step: PlanStep, direction: Direction) -> Action:
    """The action that an order comes down to; an undo without one of its own is the step's, taken back by its backup."""
    return step.undo if direction == "undo" and step.undo is not None else step.action
