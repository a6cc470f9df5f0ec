"""Paths into JSON documents: `data.items[*].spec.name`.

A path is names with dots between them; `[*]` takes each element of a list or each value of an object, `[2]` one element, and
a name in double quotes may hold dots. `$` or nothing is the document itself. What is not there gives no value.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

_STEP = re.compile(r'(?:^|\.)(?:"(?P<quoted>[^"]+)"|(?P<name>[^."\[\]]+))|\[(?P<index>\*|-?\d+)\]')
EACH = "*"


@cache
def parse(path: str) -> tuple[str | int, ...]:
    """The steps of a path: names, numbers, and `*`.

    Raises
    ------
    ValueError : when it is no path
    """
    rest = path.strip().removeprefix("$").removeprefix(".")
    steps: list[str | int] = []
    position = 0
    while position < len(rest):
        found = _STEP.match(rest, position)
        if found is None or (position == 0 and found.group(0).startswith(".")):
            raise ValueError(
                f"'{path}' is no path at '{rest[position:]}'; write for example data.items[*].name"
            )
        index = found.group("index")
        steps.append(_step(index) if index else found.group("quoted") or found.group("name"))
        position = found.end()
    return tuple(steps)


def values(document: Any, path: str) -> list[Any]:
    """Everything that a path leads to, in the order of the document; a list at its end is one value."""
    found = [document]
    for step in parse(path):
        found = [value for each in found for value in _next(each, step)]
    return found


def each_value(document: Any, path: str) -> list[Any]:
    """As `values`, but lists at the end of the path are taken apart and nulls left out."""
    found = []
    for value in values(document, path):
        found += value if isinstance(value, list) else [value]
    return [value for value in found if value is not None]


def _step(index: str) -> str | int:
    return EACH if index == EACH else int(index)


def _next(value: Any, step: str | int) -> list[Any]:
    if step == EACH:
        return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    if isinstance(step, int):
        return [value[step]] if isinstance(value, list) and -len(value) <= step < len(value) else []
    return [value[step]] if isinstance(value, dict) and step in value else []
