"""Which fields the output of a step has, where that can be told from how it is written."""

from __future__ import annotations

from sre_copilot.workflows.providers import HumanCall, SetCall
from sre_copilot.workflows.spec import Step

OUTCOME = frozenset({"status", "output", "error"})
_TOOL = frozenset({"outcome", "digest", "problem", "findings", "gaps", "data", "rows"})
_OF_KIND = {
    "tool": _TOOL,
    "query": _TOOL,
    "check": frozenset({"outcome", "holds", "value", "reason"}),
    "wait": frozenset({"waited_seconds"}),
    "human": frozenset({"answer", "by", "answered"}),
    "model": frozenset({"answer", "by"}),
    "action": frozenset({"plan_id", "status", "reason"}),
    "notify": frozenset({"sent"}),
}


def unknown_field(step: Step, path: tuple[str, ...]) -> tuple[str, frozenset[str]] | None:
    """The first word of a path (from the step's own name on) that the step does not have, with those that it has."""
    if len(path) < 2:
        return None
    if path[1] not in OUTCOME:
        return path[1], OUTCOME
    fields = None if step.foreach is not None or path[1] != "output" else fields_of(step)
    if fields is None or len(path) < 3:
        return None
    if path[2] not in fields:
        return path[2], fields
    if isinstance(step.provider, HumanCall) and path[2] == "answer" and len(path) > 3:
        form = frozenset(each.name for each in step.provider.with_.form)
        return None if path[3] in form else (path[3], form)
    return None


def fields_of(step: Step) -> frozenset[str] | None:
    """Fields of its output; None where it may have any."""
    if isinstance(step.provider, SetCall):
        return frozenset(step.provider.with_)
    if step.parallel is not None:
        return frozenset(step.parallel)
    if step.steps is not None:
        return frozenset(each.name for each in (*step.steps, *(step.otherwise or ())))
    return _OF_KIND.get(step.kind)
