"""One order with all that belongs to it, and what can be told from that alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sre_copilot.action.executor import Executor, Looked
from sre_copilot.action.order import Admitted, Order
from sre_copilot.domain.event import Event, EventType
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Action, ActionSpec
from sre_copilot.store.effects import State
from sre_copilot.store.paging import Row


@dataclass(frozen=True, slots=True)
class Work:
    """An admitted order: the action that it comes down to, and who does it."""

    order: Order
    admitted: Admitted
    action: Action
    spec: ActionSpec
    executor: Executor
    first: Row | None
    """The effect that is to be taken back, where this is an undo."""

    @property
    def by_backup(self) -> bool:
        """Whether the executor restores its backup, rather than doing another action."""
        return self.order.direction == "undo" and self.admitted.step.undo is None

    @property
    def timeout_s(self) -> float:
        """Seconds that it may take."""
        return min(self.admitted.step.timeout_seconds, self.spec.timeout_seconds)

    @property
    def backup(self) -> Any:
        """What an undo restores."""
        return self.first["backup"] if self.first else {}


def never(work: Work) -> Message | None:
    """Why it is not done, whoever approved it."""
    doing = work.order.direction == "do"
    if work.admitted.autonomous and not work.spec.exactly_once and doing:
        return Message(key="action.never_autonomous", params=(("action", work.action.name),))
    if not doing and (work.first is None or not work.first["attempts"]):
        return Message(key="action.nothing_to_undo", params=(("step", work.order.step_id),))
    return None


def objection(work: Work, looked: Looked) -> Message | None:
    """Why a target as it is now is not touched."""
    if work.order.direction == "undo":
        return None
    named = (("target", work.action.target.key),)
    if not looked.exists:
        return Message(key="action.no_target", params=named)
    step, plan = work.admitted.step, work.admitted.plan
    if not step.state:
        return None
    earlier = plan.steps[: plan.steps.index(step)]
    ours = any(each.action.target.key == step.action.target.key for each in earlier)
    if looked.digest != step.state and not ours:
        return Message(key="action.changed_meanwhile", params=named)
    return None


def as_before(work: Work, looked: Looked) -> bool:
    """Whether an undo by backup finds the target as it was before the step: there is nothing (more) to take back."""
    first = work.first
    return work.by_backup and first is not None and bool(looked.digest) and looked.digest == first["digest"]


def foreign(work: Work, seen: str, effects: Sequence[Row]) -> Message | None:
    """Why an undo leaves a target alone: somebody else has changed it since. Where an executor tells no state, that cannot be told."""
    mine = [row for row in effects if row["target"] == work.admitted.step.action.target.key]
    left = {digest for row in mine for digest in (row["effect"] or {}).get("digests", ())}
    if not seen or not left or seen in left | {row["digest"] for row in mine}:
        return None
    return Message(key="action.changed_since", params=(("target", work.admitted.step.action.target.key),))


def event_of(work: Work, what: str, *, now: float, **more: Any) -> Event:
    """What others are told of an action."""
    plan, key = work.admitted.plan, work.order.key
    kind = EventType.ACTION_STARTED if what == "started" else EventType.ACTION_FINISHED
    data = {
        "action_id": key,
        "plan_id": plan.id,
        "incident_id": plan.incident_id,
        "kind": work.action.name,
        "target": work.action.target.key,
        "at": now,
        "autonomous": work.admitted.autonomous,
        **more,
    }
    return Event(id=f"{key}/{what}", type=kind, key=plan.incident_id or plan.id, at=now, data=data)


def spoken(state: State, direction: str) -> str:
    """How an event says what came of an effect."""
    if state != "done":
        return "failed"
    return "rolled_back" if direction == "undo" else "succeeded"
