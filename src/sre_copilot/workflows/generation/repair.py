"""A workflow that was made, repaired from the errors of lint: what cannot be done as it stands becomes a task for a person, and nothing is added that acts."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sre_copilot.workflows.generation.means import HUMAN_TIMEOUT, human
from sre_copilot.workflows.generation.procedure import text_of
from sre_copilot.workflows.lint.known import Known
from sre_copilot.workflows.lint.linter import lint_text
from sre_copilot.workflows.lint.remark import Remark

Document = dict[str, Any]
MOST_REPAIRS = 60  # one for each step of a long procedure, and some more
_TOKEN = re.compile(r"([A-Za-z_][\w-]*)|\[(\d+)\]")
_DROPPED = ("needs", "timeout", "retry", "on_failure", "concurrency", "title")
"""Keys of a step without which it means the same, or waits for the step before."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """The text, what was changed in it and why, and what lint still remarks."""

    text: str
    repairs: tuple[str, ...]
    remarks: tuple[Remark, ...]


def repaired(document: Document, known: Known) -> Repaired:
    """Repair one error after the other until lint finds none, or none that can be repaired."""
    made, repairs = copy.deepcopy(document), list[str]()
    for _ in range(MOST_REPAIRS):
        text = text_of(made)
        remarks = lint_text(text, known)
        errors = [each for each in remarks if each.weight == "error"]
        tried = ((each.problem, _mended(made, each.problem.path)) for each in errors)
        problem, said = next(((problem, said) for problem, said in tried if said), (None, ""))
        if not said:
            return Repaired(text, tuple(repairs), remarks)
        repairs.append(f"{problem}: {said}")
    text = text_of(made)
    return Repaired(text, tuple(repairs), lint_text(text, known))


def _mended(document: Document, path: str) -> str:
    """What was changed at a path, in words; '' where nothing can be."""
    tokens = [name or int(index) for name, index in _TOKEN.findall(path)]
    step, rest, place = _step_at(document, tokens)
    if step is not None:
        return _of_step(step, rest, place)
    match tokens:
        case ["workflow", "triggers", int(number), *_]:
            return _gone(document["workflow"]["triggers"], number, f"trigger {number} is left out")
        case ["workflow", "outputs", str(name), *_]:
            return _without(document["workflow"]["outputs"], (name,), f"output {name} is left out")
        case ["workflow", "outputs" | "description" | "timeout" as name]:
            return _without(document["workflow"], (name,), f"{name} is left out")
        case _:
            return ""


def _step_at(document: Document, tokens: list[str | int]) -> tuple[Document | None, list[str | int], str]:
    """The innermost step on a path, what is left of the path, and the step's name."""
    here: Any = document
    found: tuple[Document | None, list[str | int], str] = (None, [], "")
    for number, token in enumerate(tokens):
        try:
            here = here[token]
        except (KeyError, IndexError, TypeError):
            break
        if (
            isinstance(token, int)
            and isinstance(here, dict)
            and {"provider", "steps", "parallel"} & set(here)
        ):
            found = (here, tokens[number + 1 :], str(here.get("name", "")))
    return found


def _of_step(step: Document, rest: list[str | int], name: str) -> str:
    match rest:
        case ["provider", "with", "receivers", int(number)] if len(step["provider"]["with"]["receivers"]) > 1:
            return _gone(step["provider"]["with"]["receivers"], number, f"{name} tells one receiver less")
        case ["provider", "with", "receivers", *_] if step["provider"]["type"] == "human":
            return _without(step["provider"]["with"], ("receivers",), f"{name} tells nobody of its task")
        case [str(key), *_] if key in _DROPPED and key in step:
            return _without(step, (key,), f"{name} has no {key} any more")
        case _:
            return _to_a_person(step, name)


def _to_a_person(step: Document, name: str) -> str:
    """A person does what the step says; its condition goes with it, for the person sees what was found."""
    asked = human(str(step.get("title") or name))
    again = {"name": name, **({"title": step["title"]} if "title" in step else {}), **({"needs": step["needs"]} if "needs" in step else {})}  # fmt: skip
    made = {**again, "provider": asked, "timeout": HUMAN_TIMEOUT}
    if step == made:
        return ""
    step.clear()
    step.update(made)
    return f"{name} is a task for a person"


def _gone(items: list[Any], number: int, said: str) -> str:
    if number >= len(items):
        return ""
    del items[number]
    return said


def _without(mapping: Document, keys: Iterable[str], said: str) -> str:
    gone = [key for key in keys if mapping.pop(key, None) is not None]
    return said if gone else ""
