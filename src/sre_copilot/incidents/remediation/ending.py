"""What is to be said of a plan that is over, and what of it counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sre_copilot.domain.plan import Plan, PlanStatus
from sre_copilot.store.outcomes import Outcome
from sre_copilot.store.paging import Row


def ways(undone: Mapping[str, str]) -> set[str]:
    """In which ways steps were taken back, or left."""
    return set(undone.values())


def status_of(failure: Mapping[str, Any], undone: Mapping[str, str], *, in_doubt: bool) -> PlanStatus:
    """What is to be said of a plan that did not succeed: only what is back as it was may be called so."""
    if in_doubt or failure["kind"] == "unknown" or "left" in ways(undone):
        return "failed"
    if failure["kind"] == "cancelled":
        return "cancelled"
    return "rolled_back" if undone else "failed"


def word_of(plan: Plan, status: PlanStatus) -> str:
    """What the timeline says of the end; that nothing showed a success is no success."""
    if status == "cancelled":
        return "ended"
    return "carried_out" if status == "succeeded" and not plan.verifiable else status


def outcomes_of(plan: Plan, row: Row, good: Sequence[str], bad: Sequence[str], now: float) -> list[Outcome]:
    """What is counted of each step: those that helped, and those that did not."""
    wanted = {**dict.fromkeys(bad, False), **dict.fromkeys(good, True)}
    return [
        Outcome(
            plan_id=plan.id,
            step_id=step.id,
            action=step.action.name,
            target=step.action.target.key,
            fault_type=plan.fault_type,
            service=plan.entity,
            incident_id=plan.incident_id,
            autonomous=bool(row["autonomous"]),
            good=wanted[step.id],
            seconds=now - row["began_at"] if wanted[step.id] else None,
            at=now,
        )
        for step in plan.steps
        if step.id in wanted
    ]
