"""What a run has done, step by step, read from what the durable runs keep: nothing is written a second time for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from sre_copilot.durable.port import Durable, StepState
from sre_copilot.workflows.frames import TOGETHER, Outcome
from sre_copilot.workflows.spec import Workflow
from sre_copilot.workflows.times import said

MOST_BRANCHES = 1_000  # that are looked into


@dataclass(frozen=True, slots=True)
class Step:
    """How a step of a run stands: `label` is its name, within a foreach with the number of the item; `waiting` when it has begun something and waits for it."""

    label: str
    status: str
    attempt: int = 1
    began: float | None = None
    finished: float | None = None
    output: Any = None
    error: str = ""
    log: tuple[str, ...] = ()


def steps_of(durable: Durable, run: str, workflow: Workflow, *, over: bool) -> tuple[Step, ...]:
    """All steps: those that are over or wait, in the order in which they were begun, then those that were not reached."""
    found: dict[str, Step] = {}
    names = {step.name for _, step in workflow.walk()}
    for each in walked(durable, run):
        name, _, what = each.name.rpartition(":")
        if is_outcome(each):
            found[each.name] = _over(each.name, Outcome.of(each.result))
        elif (
            name.rpartition(".")[2] in names
            and not over
            and what.split(" ")[0] in ("ask", "propose", "start", "items")
        ):
            found.setdefault(name, Step(name, "waiting", began=each.started_at))
        elif each.error and each.name != "end":
            found[each.name] = Step(
                each.name, "failed", began=each.started_at, finished=each.finished_at, error=each.error
            )
    begun = {label.rpartition(".")[2] for label in found}
    rest = [
        Step(step.name, "not reached" if over else "pending")
        for _, step in workflow.walk()
        if step.name not in begun and step.provider
    ]
    return (*found.values(), *rest)


def lines(steps: tuple[Step, ...]) -> list[str]:
    """A log: a line for each thing that happened, in its order."""
    found = [(each.finished or each.began, _line(each)) for each in steps if each.began is not None]
    return [f"{said(at or 0.0)} {text}" for at, text in sorted(found, key=lambda pair: pair[0] or 0.0)]


def _line(step: Step) -> str:
    tries = f" (attempt {step.attempt})" if step.attempt > 1 else ""
    text = f"{step.label} {step.status}{tries}" + (f": {step.error}" if step.error else "")
    return "; ".join((text, *step.log))


def walked(durable: Durable, key: str, left: int = MOST_BRANCHES) -> Iterator[StepState]:
    """The kept steps of a run, each branch where it was begun."""
    for each in durable.steps(key):
        yield from _apart(each)
        if each.name.rpartition(":")[2].startswith("start ") and isinstance(each.result, str) and left > 0:
            left -= 1
            yield from walked(durable, each.result, left)


def _apart(kept: StepState) -> Iterator[StepState]:
    """What was kept together, one step after the other."""
    together = kept.result["over"] if isinstance(kept.result, dict) and "over" in kept.result else kept.result
    if kept.name.endswith(TOGETHER) and isinstance(together, list):
        for each in together:
            yield replace(kept, name=each["label"], result=each["outcome"])
    else:
        yield kept


def is_outcome(step: StepState) -> bool:
    """Whether it is kept how a step of the workflow ended."""
    return (
        step.name != "end" and isinstance(step.result, dict) and {"status", "began", "at"} <= set(step.result)
    )


def _over(label: str, outcome: Outcome) -> Step:
    return Step(
        label,
        outcome.status,
        outcome.attempt,
        outcome.began,
        outcome.at,
        outcome.output,
        outcome.error,
        outcome.log,
    )
