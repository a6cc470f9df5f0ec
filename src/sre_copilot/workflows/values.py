"""Values that people and systems give to a workflow, checked against what is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sre_copilot.errors import UsageError
from sre_copilot.workflows.spec import Workflow

_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,), "list": (list,), "object": (dict,),
}  # fmt: skip


def inputs_of(workflow: Workflow, given: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of a run: what is given, else the defaults.

    Raises
    ------
    UsageError : names the input, and the way out
    """
    known = [each.name for each in workflow.inputs]
    if unknown := sorted(set(given) - set(known)):
        raise UsageError(
            f"inputs.{unknown[0]}: is no input of {workflow.id}. Inputs are: {', '.join(known) or 'none'}."
        )
    found: dict[str, Any] = {}
    for each in workflow.inputs:
        value = given.get(each.name)
        value = each.default if value is None else value
        if value is None and each.required:
            raise UsageError(f"inputs.{each.name}: is missing. Give it.")
        found[each.name] = (
            value if value is None else checked(f"inputs.{each.name}", value, each.type, each.choices)
        )
    return found


def checked(name: str, value: Any, kind: str, choices: Sequence[Any] = ()) -> Any:
    """A value of a type; text that reads as one is taken for it.

    Raises
    ------
    UsageError : names the value's place
    """
    found = (
        _read(value, kind) if isinstance(value, str) and kind in ("integer", "number", "boolean") else value
    )
    right = isinstance(found, _KINDS[kind]) and (kind == "boolean" or not isinstance(found, bool))
    if not right:
        raise UsageError(f"{name}: {str(value)[:100]!r} is no {kind}. Give one.")
    if choices and found not in choices:
        raise UsageError(
            f"{name}: {str(value)[:100]!r} is none of {', '.join(map(str, choices))}. Choose one."
        )
    return found


def _read(text: str, kind: str) -> Any:
    try:
        if kind == "boolean":
            return {"true": True, "false": False}.get(text.strip().lower(), text)
        return int(text) if kind == "integer" else float(text)
    except ValueError:
        return text
