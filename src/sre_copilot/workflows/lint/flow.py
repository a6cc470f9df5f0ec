"""Steps that are never reached, and waits that nothing bounds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sre_copilot.errors import UsageError
from sre_copilot.workflows.lint.names import constant
from sre_copilot.workflows.lint.remark import Remark, error, warning
from sre_copilot.workflows.order import needs_of
from sre_copilot.workflows.providers import WaitCall
from sre_copilot.workflows.reading import Source
from sre_copilot.workflows.spec import Step
from sre_copilot.workflows.templates import bare


def flow_remarks(source: Source) -> Iterator[Remark]:
    """Of all steps."""
    workflow = source.workflow
    top = [f"workflow.steps[{number}]" for number in range(len(workflow.steps))]
    top += [f"workflow.actions[{number}]" for number in range(len(workflow.actions))]
    yield from _list(source, workflow.sequence, top)
    for path, step in workflow.walk():
        yield from _bounded(source, path, step)


def _list(source: Source, steps: Sequence[Step], paths: Sequence[str]) -> Iterator[Remark]:
    ended: dict[str, str] = {}
    for number, step in enumerate(steps):
        path = paths[number]
        after = next((ended[name] for name in needs_of(steps, number) if name in ended), None)
        if after is not None:
            fix = f"Give {after} an `if`, or leave this step out"
            yield error(source, path, f"is never reached, for {after} ends the workflow before", fix)
            ended[step.name] = after
        elif _ends(step):
            ended[step.name] = step.name
        value = _always(step)
        if value is False and step.otherwise is None:
            yield error(source, f"{path}.if", "is never true", "Correct the condition, or leave the step out")
        elif isinstance(value, bool):
            yield warning(source, f"{path}.if", f"is always {str(value).lower()}", "Leave the condition out")
        for way, inner in step.inner:
            yield from _list(source, inner, [f"{path}.{way}[{place}]" for place in range(len(inner))])


def _ends(step: Step) -> bool:
    """Whether the workflow cannot go on behind it."""
    if step.on_failure == "continue" or step.condition is not None or step.foreach is not None:
        return False
    return step.kind == "fail" or (step.steps is not None and any(map(_ends, step.steps)))


def _always(step: Step) -> object:
    if step.condition is None:
        return None
    try:
        return constant(bare(step.condition))
    except UsageError:  # said elsewhere
        return None


def _bounded(source: Source, path: str, step: Step) -> Iterator[Remark]:
    whole = source.workflow.timeout
    if step.kind == "human" and step.timeout is None:
        fix = "Add `timeout: 4h`, or how long people may take"
        yield warning(source, path, "waits for a person without a time-out of its own", fix)
    if step.timeout is not None and step.timeout > whole:
        fix = f"Shorten it, or set workflow.timeout to more than {step.timeout:.0f}"
        yield warning(source, f"{path}.timeout", f"is longer than the workflow may take ({whole:.0f} s)", fix)
    if isinstance(step.provider, WaitCall):
        yield from _wait(source, path, step, step.provider)


def _wait(source: Source, path: str, step: Step, call: WaitCall) -> Iterator[Remark]:
    length, whole = call.with_.for_, source.workflow.timeout
    if isinstance(length, float):
        limit = min(whole, step.timeout or whole)
        if length > limit:
            fix = "Wait shorter, or set a longer timeout"
            yield error(
                source, f"{path}.provider.with.for", f"waits {length:.0f} s, and may take {limit:.0f} s", fix
            )
    elif step.timeout is None:
        fix = "Add `timeout: 1h`, or how long it may be at most"
        yield warning(
            source, path, "waits for a time that is known only when it runs, without a time-out", fix
        )
