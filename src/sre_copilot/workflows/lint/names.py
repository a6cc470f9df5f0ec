"""Which names a step may use, and the paths that an expression reads (`steps.look.output.holds`)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sre_copilot.workflows.cel import VARIABLES, compiled
from sre_copilot.workflows.order import needs_of
from sre_copilot.workflows.spec import Step, Workflow

_TOKEN = re.compile(
    r"(?P<text>[rRbB]{0,2}(?:'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"))|(?P<word>[A-Za-z_]\w*)|(?P<space>\s+)|(?P<sign>.)",
    re.DOTALL,
)
_MACRO = re.compile(r"\.(?:map|filter|all|exists|exists_one)\(\s*([A-Za-z_]\w*)\s*,")
_GUARD = re.compile(r"\bhas\(\s*([\w.]+)\s*\)")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a step stands: what is over when it begins, whether in a foreach, and the conditions around it."""

    path: str
    step: Step
    before: frozenset[str]
    in_loop: bool
    maybe: frozenset[str]
    """Of the steps before: those that may have been left out together with a block, so that they are not even named."""


def places(workflow: Workflow) -> tuple[Place, ...]:
    """Every step with what it may use."""
    top = [f"workflow.steps[{number}]" for number in range(len(workflow.steps))]
    top += [f"workflow.actions[{number}]" for number in range(len(workflow.actions))]
    return tuple(_list(workflow.sequence, top, frozenset(), frozenset(), in_loop=False))


def _list(
    steps: Sequence[Step],
    paths: Sequence[str],
    outer: frozenset[str],
    maybe: frozenset[str],
    *,
    in_loop: bool,
) -> list[Place]:
    found: list[Place] = []
    over: dict[str, frozenset[str]] = {}
    for number, step in enumerate(steps):
        before = frozenset().union(outer, *(over.get(name, frozenset()) for name in needs_of(steps, number)))
        inside = in_loop or step.foreach is not None
        found.append(Place(paths[number], step, before, inside, maybe))
        inner = _inner(step, paths[number], before, maybe, in_loop=inside)
        found += inner
        names = frozenset(each.step.name for each in inner)
        over[step.name] = before | {step.name} | (frozenset() if step.foreach is not None else names)
        if step.kind == "block" and step.condition is not None:
            maybe = maybe | names
    return found


def _inner(
    step: Step, path: str, before: frozenset[str], maybe: frozenset[str], *, in_loop: bool
) -> list[Place]:
    found: list[Place] = []
    for way, steps in step.inner:
        paths = [f"{path}.{way}[{number}]" for number in range(len(steps))]
        found += _list(steps, paths, before, maybe, in_loop=in_loop)
    return found


def paths_in(expression: str) -> tuple[tuple[str, ...], ...]:
    """The paths that an expression reads, from its variables on; a variable of a macro is none of ours."""
    local = set(_MACRO.findall(expression))
    tokens = [match for match in _TOKEN.finditer(expression) if match.lastgroup != "space"]
    found = []
    for number, token in enumerate(tokens):
        before = tokens[number - 1][0] if number else ""
        if token.lastgroup == "word" and token[0] in VARIABLES and before != "." and token[0] not in local:
            found.append(_path(tokens[number:]))
    return tuple(dict.fromkeys(found))


def guarded(expression: str) -> frozenset[str]:
    """The paths that an expression asks for before it reads them, with `has(…)`, and those whose status it looks at."""
    asked = set(_GUARD.findall(expression))
    asked |= {
        ".".join(path[:2]) for path in paths_in(expression) if path[0] == "steps" and path[2:3] == ("status",)
    }
    return frozenset(asked)


def constant(expression: str) -> object:
    """The value of an expression that reads nothing; None of one that does."""
    made = compiled(expression)
    return made.evaluate({}) if not made.names else None


def _path(tokens: Sequence[re.Match[str]]) -> tuple[str, ...]:
    words = [tokens[0][0]]
    place = 1
    while place + 1 < len(tokens):
        sign, after = tokens[place][0], tokens[place + 1]
        if sign == "." and after.lastgroup == "word":
            called = place + 2 < len(tokens) and tokens[place + 2][0] == "("
            if called:
                break
            words.append(after[0])
            place += 2
        elif (
            sign == "["
            and after.lastgroup == "text"
            and place + 2 < len(tokens)
            and tokens[place + 2][0] == "]"
        ):
            words.append(after[0].strip("'\""))
            place += 3
        else:
            break
    return tuple(words)
