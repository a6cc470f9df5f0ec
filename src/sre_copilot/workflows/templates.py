"""Texts with `{{ expression }}` in them: a text that is one expression gives its value, any other gives text. What was put in is never read again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sre_copilot.workflows.cel import ExpressionProblem, compiled

_OPEN = "{{"
_STRING = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a text: plain, or an expression; `at` is its place in the text, from 0."""

    text: str
    expression: bool
    at: int


@lru_cache(maxsize=4_096)
def parts(text: str) -> tuple[Part, ...]:
    """The pieces of a text.

    Raises
    ------
    ExpressionProblem : when an expression is not closed
    """
    found: list[Part] = []
    place = 0
    while (start := text.find(_OPEN, place)) >= 0:
        if start > place:
            found.append(Part(text[place:start], False, place))
        end = _end(text, start + 2)
        found.append(Part(text[start + 2 : end].strip(), True, start + 2))
        place = end + 2
    if place < len(text):
        found.append(Part(text[place:], False, place))
    return tuple(found)


def fill(value: Any, scope: Mapping[str, Any]) -> Any:
    """A value with all expressions in it replaced; keys stay as they are.

    Raises
    ------
    ExpressionProblem : when one has no value
    """
    if isinstance(value, str):
        return _filled(value, scope) if _OPEN in value else value
    if isinstance(value, Mapping):
        return {key: fill(each, scope) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [fill(each, scope) for each in value]
    return value


def bare(text: str) -> str:
    """The expression of a text that may stand in braces: `{{ x }}` and `x` are the same where an expression is asked for."""
    if not text.strip().startswith(_OPEN):
        return text
    found = parts(text.strip())
    return found[0].text if len(found) == 1 and found[0].expression else text


def expressions_in(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every expression in a value, with its path (`.with.query`)."""
    if isinstance(value, str):
        yield from ((path, each) for each in _expressions(value))
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from expressions_in(each, f"{path}.{key}")
    elif isinstance(value, (list, tuple)):
        for number, each in enumerate(value):
            yield from expressions_in(each, f"{path}[{number}]")


def _expressions(text: str) -> list[str]:
    """The expressions of a text; one that is not closed is given as it stands, braces and all, which is none that compiles."""
    try:
        return [each.text for each in parts(text) if each.expression] if _OPEN in text else []
    except ExpressionProblem as problem:
        return [problem.expression]


def _filled(text: str, scope: Mapping[str, Any]) -> Any:
    found = parts(text)
    values = [compiled(each.text).evaluate(scope) if each.expression else each.text for each in found]
    return values[0] if len(found) == 1 else "".join(map(shown, values))


def shown(value: Any) -> str:
    """A value within a text."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)


def _end(text: str, start: int) -> int:
    """Where the braces close that opened before `start`: not within a string or within braces of the expression's own."""
    depth, place = 0, start
    while place < len(text):
        string = _STRING.match(text, place)
        if string is not None:
            place = string.end()
            continue
        if text[place] == "{":
            depth += 1
        elif text[place] == "}":
            if depth == 0 and text[place : place + 2] == "}}":
                return place
            depth -= 1
        place += 1
    raise ExpressionProblem(text[start - 2 :], "is not closed; write }} at its end")
