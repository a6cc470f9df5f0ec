"""Whether signals are well: what cannot be told is never taken as well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sre_copilot.domain.plan import Plan, PlanStep, SignalCheck
from sre_copilot.evidence.aggregate import compare

Word = Literal["well", "harm", "unwell", "untold"]
"""`harm`: a guard is broken; `unwell`: what was broken still is; `untold`: a signal could not be read."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A check, what was measured (None: it cannot be told), and whether it holds."""

    check: SignalCheck
    value: float | None

    @property
    def holds(self) -> bool:
        """Whether it does, as far as it can be told."""
        return self.value is not None and compare(self.value, self.check.relation, self.check.bound)

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        check = self.check
        return {
            "role": check.role,
            "entity": check.entity,
            "source": check.source,
            "measure": check.measure,
            "aggregate": check.aggregate,
            "relation": check.relation,
            "bound": check.bound,
            "before": check.observed,
            "value": self.value,
            "holds": self.holds,
        }


def judge(judged: Sequence[Judged]) -> Word:
    """The worst that is known decides: a broken guard, then a signal that is still bad, then one that nobody could read."""
    for role, word in (("guard", "harm"), ("recovery", "unwell")):
        told = (each for each in judged if each.check.role == role and each.value is not None)
        if any(not each.holds for each in told):
            return word  # type: ignore[return-value]
    return "untold" if any(each.value is None for each in judged) else "well"


def checks_of(plan: Plan, step_id: str) -> tuple[SignalCheck, ...]:
    """What is watched: after a step its guards, after the last (`step_id` '') every check of the plan, each once."""
    if step_id:
        step = next(each for each in plan.steps if each.id == step_id)
        return tuple(each for each in step.checks if each.role == "guard")
    return tuple(dict.fromkeys(check for step in plan.steps for check in step.checks))


def in_order(steps: Sequence[PlanStep]) -> tuple[PlanStep, ...]:
    """The steps so that each comes after those that it needs, otherwise as they stand; empty when they need each other in a circle, or one that is not there."""
    ordered: list[PlanStep] = []
    waiting = list(steps)
    while waiting:
        known = {each.id for each in ordered}
        ready = next((each for each in waiting if set(each.needs) <= known), None)
        if ready is None:
            return ()
        ordered.append(ready)
        waiting.remove(ready)
    return tuple(ordered)
