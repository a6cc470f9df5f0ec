"""From YAML to a `Workflow`: whatever is wrong is told with its line, its path and the way out, all of it at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from sre_copilot.workflows.parts import Part
from sre_copilot.workflows.plain_yaml import Path, Place, Read, read_yaml
from sre_copilot.workflows.problems import Problem, WorkflowProblems
from sre_copilot.workflows.providers import KINDS
from sre_copilot.workflows.spec import MOST_DEPTH, MOST_STEPS, Document, Step, Workflow

_NEVER = Place(0, 0)


@dataclass(frozen=True, slots=True)
class Source:
    """A workflow as it was read: `text` is the YAML, `place(path)` says where a part of it stands (`workflow.steps[0].provider`)."""

    workflow: Workflow
    text: str
    places: Mapping[Path, Place] = field(default_factory=dict)

    def place(self, path: str) -> Place:
        """Where a part stands; of a part that is not there, where the nearest one around it stands."""
        return _nearest(self.places, parts_of(path))

    def problem(self, path: str, problem: str, fix: str = "") -> Problem:
        """A problem at a part."""
        place = self.place(path)
        return Problem(place.line, place.column, path, problem, fix)


OTHERWISE = "Write what is asked for; `GET /api/v1/workflows/schema` has all of it"
WAYS_OUT: Mapping[str, str] = {
    "string_t": "Write a text; quote what looks like something else",
    "int_": "Write a whole number",
    "float_": "Write a number",
    "bool_": "Write true or false",
    "tuple_": "Write a list: [one, another], or lines that begin with `- `",
    "list_": "Write a list: [one, another], or lines that begin with `- `",
    "dict_": "Write keys with values: {key: value}, or `key: value` on lines of their own",
    "model_": "Write keys with values: {key: value}, or `key: value` on lines of their own",
    "mapping_": "Write keys with values: {key: value}, or `key: value` on lines of their own",
    "greater_than": "Choose a larger one",
    "less_than": "Choose a smaller one",
    "too_short": "Add what is missing",
    "too_long": "Make it shorter",
    "literal": "Choose one of these",
    "enum": "Choose one of these",
}
"""By a part of pydantic's name of an error; the first that fits."""


def read(text: str) -> Source:
    """Read a workflow.

    Raises
    ------
    WorkflowProblems : all that is wrong with it
    """
    found = read_yaml(text)
    problems = list(_before(found))
    if problems:
        raise WorkflowProblems(problems)
    try:
        workflow = Document.model_validate(found.value).workflow
    except ValidationError as error:
        raise WorkflowProblems(_told(error, found)) from None
    source = Source(workflow, text, found.places)
    if problems := list(_names(source)):
        raise WorkflowProblems(problems)
    return source


def path_of(parts: Sequence[str | int]) -> str:
    """A path as people read it: `workflow.steps[0].provider`."""
    return (
        "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in parts).lstrip(".") or "file"
    )


def parts_of(path: str) -> Path:
    """The steps of a path."""
    parts: list[str | int] = []
    for word in path.replace("[", ".[").split("."):
        if word.startswith("["):
            parts.append(int(word[1:-1]))
        elif word and word != "file":
            parts.append(word)
    return tuple(parts)


def _nearest(places: Mapping[Path, Place], parts: Path) -> Place:
    while parts and parts not in places:
        parts = parts[:-1]
    return places.get(parts, _NEVER)


def _before(found: Read) -> Iterator[Problem]:
    """What would be told badly by types: no mapping at all, an unknown kind of step, too deep nesting."""
    if not isinstance(found.value, dict) or not isinstance(found.value.get("workflow"), dict):
        yield Problem(
            1, 1, "workflow", "is missing", "Begin the file with `workflow:` and indent what belongs to it"
        )
        return
    for path, value in _all(found.value, ()):
        if path[-1:] == ("provider",) and isinstance(value, dict) and "type" in value:
            yield from _kind(found, path, value["type"])
        if sum(1 for each in path if each in ("steps", "else", "parallel")) > MOST_DEPTH:
            place = _nearest(found.places, path)
            yield Problem(
                place.line,
                place.column,
                path_of(path),
                f"is nested deeper than {MOST_DEPTH} blocks",
                "Make a workflow of the inner steps",
            )
            return


def _kind(found: Read, path: Path, written: Any) -> Iterator[Problem]:
    kind = written.partition(".")[0] if isinstance(written, str) else ""
    if kind not in KINDS:
        place = _nearest(found.places, (*path, "type"))
        near = difflib.get_close_matches(str(kind), KINDS, n=1)
        fix = f"Did you mean {near[0]}?" if near else f"Kinds are: {', '.join(KINDS)}"
        if not near and isinstance(written, str):
            fix += f"; a tool is written tool.{written}"
        yield Problem(
            place.line, place.column, path_of((*path, "type")), f"{written!r} is no kind of step", fix
        )


def _all(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    yield path, value
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _all(each, (*path, key))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _all(each, (*path, number))


def _told(error: ValidationError, found: Read) -> list[Problem]:
    """Pydantic's errors in our words; of several about one place the first."""
    told: dict[str, Problem] = {}
    for each in error.errors(include_url=False, include_input=False):
        parts, around = _place(each["loc"], found.value)
        place = _nearest(found.places, parts)
        path = path_of(parts)
        problem, fix = _words(each, parts, around)
        told.setdefault(path, Problem(place.line, place.column, path, problem, fix))
    return list(told.values())


def _place(location: Sequence[str | int], value: Any) -> tuple[Path, Any]:
    """The path in the file, without the names of types that pydantic puts in between; and what stands around its end."""
    parts: list[str | int] = []
    around = value
    for number, step in enumerate(location):
        last = number == len(location) - 1
        inside = (isinstance(value, dict) and step in value) or (
            isinstance(value, list) and isinstance(step, int) and step < len(value)
        )
        if inside:
            around, value = value, value[step]
            parts.append(step)
        elif last and isinstance(value, dict) and isinstance(step, str) and step[:1].islower():
            around = value
            parts.append(step)
    return tuple(parts), around


def _words(error: Mapping[str, Any], parts: Path, around: Any) -> tuple[str, str]:
    kind, last = error["type"], parts[-1] if parts else ""
    if kind == "missing":
        return "is missing", f"Add `{last}: …`"
    if kind == "extra_forbidden":
        return "is no key here", _keys_near(str(last), parts)
    if kind == "value_error":
        problem, _, fix = str(error["ctx"]["error"]).partition(";")
        return problem, fix.strip().capitalize() or OTHERWISE
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return (
            "has no type that is known",
            f"Types are: {error['ctx'].get('expected_tags', ', '.join(KINDS))}",
        )
    if kind == "string_pattern_mismatch":
        return (
            f"does not have the form {error['ctx']['pattern']}",
            "Choose letters, digits and _ only" if last in ("name", "id") else "Rewrite it",
        )
    return _lower(error["msg"]), _hint(around, last) or _way_out(kind)


def _way_out(kind: str) -> str:
    """What to write in place of a value that is of another kind than is asked for."""
    return next((fix for part, fix in WAYS_OUT.items() if part in kind), OTHERWISE)


def _lower(message: str) -> str:
    return (message[:1].lower() + message[1:]).replace("a valid tuple", "a list")


def _hint(around: Any, last: str | int) -> str:
    value = around.get(last) if isinstance(around, dict) else None
    if isinstance(value, dict) and len(value) == 1 and isinstance(next(iter(value)), str):
        return "Quote an expression: '{{ … }}'"
    return ""


def _keys_near(word: str, parts: Path) -> str:
    model = _model_at(parts[:-1])
    known = sorted({each.alias or name for name, each in model.model_fields.items()}) if model else []
    near = difflib.get_close_matches(word, known, n=1)
    if near:
        return f"Did you mean {near[0]}?"
    return f"Keys here are: {', '.join(known)}" if known else "Leave it out"


def _model_at(parts: Path) -> type[Part] | None:
    """The type of a part where it can be told from its path alone."""
    words = [each for each in parts if isinstance(each, str)]
    if not words:
        return Document
    if words == ["workflow"]:
        return Workflow
    inner = isinstance(parts[-1], int) and words[-1] not in (
        "triggers",
        "inputs",
        "filters",
        "form",
        "escalate",
    )
    return Step if inner else None


def _names(source: Source) -> Iterator[Problem]:
    """Names that are there twice, needs that are not there, and too many steps."""
    seen: set[str] = set()
    for number, (path, step) in enumerate(source.workflow.walk()):
        if step.name in seen:
            yield source.problem(
                f"{path}.name", f"another step is called {step.name!r}", "Give each step a name of its own"
            )
        seen.add(step.name)
        if number == MOST_STEPS:
            yield source.problem(path, f"is step number {MOST_STEPS + 1}", "Make several workflows of it")
    yield from _needs(source, "workflow", source.workflow.sequence)
    inputs = [each.name for each in source.workflow.inputs]
    for number, name in enumerate(inputs):
        if name in inputs[:number]:
            yield source.problem(
                f"workflow.inputs[{number}].name", f"another input is called {name!r}", "Rename it"
            )


def _needs(source: Source, path: str, steps: tuple[Step, ...]) -> Iterator[Problem]:
    before: list[str] = []
    names = [step.name for step in steps]
    top = len(source.workflow.steps) if path == "workflow" else None
    for number, step in enumerate(steps):
        if top is None:
            own = f"{path}[{number}]"
        else:
            own = f"workflow.steps[{number}]" if number < top else f"workflow.actions[{number - top}]"
        for place, name in enumerate(step.needs or ()):
            if name not in before:
                later = name in names
                problem = (
                    f"needs {name!r}, which comes {'later' if name != step.name else 'with itself'}"
                    if later
                    else f"needs {name!r}, and no step of this list is called so"
                )
                yield source.problem(
                    f"{own}.needs[{place}]",
                    problem,
                    "Move it behind what it needs"
                    if later
                    else f"Steps before it: {', '.join(before) or 'none'}",
                )
        before.append(step.name)
        for inner, nested in step.inner:
            yield from _needs(source, f"{own}.{inner}", nested)
