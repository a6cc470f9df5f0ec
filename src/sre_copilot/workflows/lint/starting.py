"""Triggers: those that start themselves, those that cannot start anything."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sre_copilot.workflows.lint.remark import Remark, error, nearest, warning
from sre_copilot.workflows.providers import ActionCall, WaitCall
from sre_copilot.workflows.reading import Source
from sre_copilot.workflows.spec import (
    AlertTrigger,
    ChatTrigger,
    IncidentTrigger,
    IntervalTrigger,
    ManualTrigger,
    Workflow,
)

_HOLE = re.compile(r"\{(\w+)\}")
CHANGED_BY_ACTIONS = frozenset({"updated", "investigated", "resolved"})
"""What happens to an incident because something was done about it."""


def trigger_remarks(source: Source) -> Iterator[Remark]:
    """Of all triggers."""
    workflow = source.workflow
    acts = any(isinstance(step.provider, ActionCall) for _, step in workflow.walk())
    for number, trigger in enumerate(workflow.triggers):
        path = f"workflow.triggers[{number}]"
        if acts and isinstance(trigger, (AlertTrigger, IncidentTrigger)):
            yield from _itself(source, path, trigger)
        if isinstance(trigger, IntervalTrigger):
            yield from _overlaps(source, path, trigger)
        if isinstance(trigger, ChatTrigger):
            yield from _phrases(source, path, trigger)
        elif not isinstance(trigger, ManualTrigger):
            yield from _inputs(source, path, dict(trigger.inputs))


def _itself(source: Source, path: str, trigger: AlertTrigger | IncidentTrigger) -> Iterator[Remark]:
    """An action changes the incident, and resolves alerts: a trigger on that starts the workflow again."""
    if trigger.cel is not None:
        return
    if isinstance(trigger, IncidentTrigger) and (again := CHANGED_BY_ACTIONS & set(trigger.events)):
        words = ", ".join(sorted(again))
        fix = "Use `events: [opened]`, or say in `cel` when it is meant"
        yield error(source, path, f"starts itself: its own actions lead to {words} incidents", fix)
    if isinstance(trigger, AlertTrigger) and "resolved" in trigger.events:
        fix = "Use `events: [firing]`, or say in `cel` when it is meant"
        yield error(source, path, "starts itself: its own actions resolve alerts", fix)


def _overlaps(source: Source, path: str, trigger: IntervalTrigger) -> Iterator[Remark]:
    waits = [
        step.provider.with_.for_ for _, step in source.workflow.walk() if isinstance(step.provider, WaitCall)
    ]
    length = sum(each for each in waits if isinstance(each, float))
    if length >= trigger.value and source.workflow.at_once > 1:
        fix = "Set `at_once: 1`, or a longer interval"
        problem = f"begins every {trigger.value:.0f} s, and its waits alone take {length:.0f} s"
        yield warning(source, f"{path}.value", problem, fix)


def _phrases(source: Source, path: str, trigger: ChatTrigger) -> Iterator[Remark]:
    names = _inputs_of(source.workflow)
    for number, phrase in enumerate(trigger.phrases):
        for hole in _HOLE.findall(phrase):
            if hole not in names:
                fix = nearest(hole, names, otherwise="Declare it under inputs")
                yield error(source, f"{path}.phrases[{number}]", f"{{{hole}}} is no input", fix)


def _inputs(source: Source, path: str, given: dict[str, object]) -> Iterator[Remark]:
    names = _inputs_of(source.workflow)
    for name in given:
        if name not in names:
            fix = nearest(name, names, otherwise="Declare it under workflow.inputs")
            yield error(source, f"{path}.inputs.{name}", "is no input of the workflow", fix)
    for each in source.workflow.inputs:
        if each.required and each.default is None and each.name not in given:
            fix = f"Add `inputs: {{{each.name}: …}}` to the trigger, or give the input a default"
            yield error(source, path, f"cannot start it: the input {each.name} is required", fix)


def _inputs_of(workflow: Workflow) -> frozenset[str]:
    return frozenset(each.name for each in workflow.inputs)
