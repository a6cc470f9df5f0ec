"""What steps name outside the workflow: tools, actions, receivers, other workflows; and the arguments that they give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jsonschema  # type: ignore[import-untyped]

from sre_copilot.workflows.lint.known import Known, Schema
from sre_copilot.workflows.lint.remark import Remark, error, nearest
from sre_copilot.workflows.providers import ActionCall, HumanCall, NotifyCall, SubWorkflowCall, ToolCall
from sre_copilot.workflows.reading import Source
from sre_copilot.workflows.spec import Step, Workflow

MOST_DEPTH = 5  # of workflows within workflows, as the engine allows


def part_remarks(source: Source, known: Known) -> Iterator[Remark]:
    """What every step names."""
    for path, step in source.workflow.walk():
        yield from _of_step(source, path, step, known)


def _of_step(source: Source, path: str, step: Step, known: Known) -> Iterator[Remark]:
    provider, own = step.provider, f"{path}.provider"
    if isinstance(provider, ToolCall) and known.tools is not None:
        if provider.tool not in known.tools:
            fix = nearest(provider.tool, known.tools)
            yield error(source, f"{own}.type", f"there is no tool {provider.tool!r}", fix)
        else:
            yield from _arguments(source, f"{own}.with", provider.with_, known.tools[provider.tool])
    elif isinstance(provider, ActionCall) and known.actions is not None:
        if provider.action not in known.actions:
            fix = nearest(
                provider.action, known.actions, otherwise="Configure an executor under actions.executors"
            )
            yield error(source, f"{own}.type", f"action {provider.action!r} is not in the catalogue", fix)
        else:
            schema = known.actions[provider.action]
            yield from _arguments(source, f"{own}.with.parameters", provider.with_.parameters, schema)
    elif isinstance(provider, NotifyCall):
        yield from _receivers(source, f"{own}.with.receivers", provider.with_.receivers, known)
    elif isinstance(provider, HumanCall):
        yield from _receivers(source, f"{own}.with.receivers", provider.with_.receivers, known)
        for number, each in enumerate(provider.with_.escalate):
            yield from _receivers(source, f"{own}.with.escalate[{number}].receivers", each.receivers, known)
    elif isinstance(provider, SubWorkflowCall) and known.workflows is not None:
        yield from _nested(source, own, provider, known)


def _receivers(source: Source, path: str, given: Sequence[str], known: Known) -> Iterator[Remark]:
    for number, each in enumerate(given):
        if known.receivers is not None and "{{" not in each and each not in known.receivers:
            fix = nearest(each, known.receivers, otherwise="Configure one under notify.receivers")
            yield error(source, f"{path}[{number}]", f"receiver {each!r} is not configured", fix)


def _arguments(source: Source, path: str, given: Mapping[str, Any], schema: Schema) -> Iterator[Remark]:
    """Arguments against their schema; what is an expression is known only when it runs."""
    fields = schema.get("properties", {})
    for name in given:
        if fields and name not in fields and schema.get("additionalProperties") is False:
            yield error(source, f"{path}.{name}", "is no argument here", nearest(name, fields))
    for name in schema.get("required", ()):
        if name not in given:
            yield error(source, path, f"{name} is missing", f"Add `{name}: …`")
    for name, value in given.items():
        if name in fields and not _has_expression(value) and (wrong := _wrong(value, fields[name], schema)):
            yield error(source, f"{path}.{name}", wrong, "Give a value that fits")


def _wrong(value: Any, part: Any, schema: Schema) -> str:
    whole = {**part, "$defs": schema.get("$defs", {})} if isinstance(part, dict) else part
    found = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(whole).iter_errors(value))
    return "" if found is None else str(found.message)[:200]


def _has_expression(value: Any) -> bool:
    if isinstance(value, str):
        return "{{" in value
    if isinstance(value, Mapping):
        return any(map(_has_expression, value.values()))
    return isinstance(value, (list, tuple)) and any(map(_has_expression, value))


def _nested(source: Source, path: str, call: SubWorkflowCall, known: Known) -> Iterator[Remark]:
    asked, own = call.with_, source.workflow
    assert known.workflows is not None  # noqa: S101 - asked before
    inner = own if asked.id == own.id else known.workflows(asked.id)
    if inner is None:
        fix = "Apply it first, or correct the id"
        yield error(source, f"{path}.with.id", f"workflow {asked.id!r} is not there", fix)
        return
    if (chain := _round(own.id, (asked.id,), own, known)) is not None:
        fix = "Leave out one of the calls; use foreach to do something several times"
        yield error(source, f"{path}.with.id", f"goes round: {' > '.join((own.id, *chain))}", fix)
    names = {each.name for each in inner.inputs}
    for name in sorted(set(asked.inputs) - names):
        yield error(source, f"{path}.with.inputs.{name}", f"is no input of {asked.id}", nearest(name, names))
    for each in inner.inputs:
        if each.required and each.default is None and each.name not in asked.inputs:
            yield error(source, f"{path}.with", f"the input {each.name} of {asked.id} is missing", f"Add `inputs: {{{each.name}: …}}`")  # fmt: skip


def _round(start: str, chain: tuple[str, ...], own: Workflow, known: Known) -> tuple[str, ...] | None:
    """The way on which a workflow comes back to itself."""
    if chain[-1] == start:
        return chain
    inner = own if chain[-1] == own.id else known.workflows(chain[-1]) if known.workflows else None
    if inner is None or len(chain) > MOST_DEPTH:
        return None
    for name in _called(inner):
        if name not in chain[:-1] and (found := _round(start, (*chain, name), own, known)) is not None:
            return found
    return None


def _called(workflow: Workflow) -> list[str]:
    return [
        step.provider.with_.id for _, step in workflow.walk() if isinstance(step.provider, SubWorkflowCall)
    ]
