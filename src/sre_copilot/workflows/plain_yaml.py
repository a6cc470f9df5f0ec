"""YAML without its tricks: no aliases, tags, merge keys or doubled keys, of a bounded size and depth; each value knows its place.

Plain words mean what they look like: `on`, `yes` and `12:30` are text, as in YAML 1.2.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.reader import Reader

from sre_copilot.workflows.problems import Problem, WorkflowProblems

MOST_CHARACTERS = 200_000  # of a file: a thousand long steps
MOST_NESTED = 40  # of values within values
MOST_VALUES = 20_000  # in a file
_CORE = "tag:yaml.org,2002:"
_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Path = tuple[str | int, ...]


class _Loader(_BASE):  # type: ignore[misc]
    """Knows null, true, false, whole numbers and decimals; everything else is text."""

    yaml_implicit_resolvers: Mapping[Any, Any] = {}


def _resolve(tag: str, pattern: str, first: str) -> None:
    _Loader.add_implicit_resolver(_CORE + tag, re.compile(pattern), list(first))


_resolve("null", r"^(?:~|null|Null|NULL|)$", "~nN")
_Loader.add_implicit_resolver(_CORE + "null", re.compile(r"^$"), [""])
_resolve("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF")
_resolve("int", r"^[-+]?\d{1,18}$", "-+0123456789")
_resolve("float", r"^[-+]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d{1,3})?$", "-+.0123456789")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands; both count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Read:
    """Plain values, and the place of each by its path."""

    value: Any
    places: Mapping[Path, Place]


def read_yaml(text: str) -> Read:
    """Read plain values.

    Raises
    ------
    WorkflowProblems : names line and column
    """
    if len(text) > MOST_CHARACTERS:
        raise _stop(1, 1, f"has more than {MOST_CHARACTERS} characters", "Make several workflows of it")
    try:
        _guard(text)
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise _stop(
            line, column, f"is no YAML: {error.problem or error.context}", "Look at indentation and quotes"
        ) from None
    except (yaml.YAMLError, UnicodeEncodeError):  # of its text, no character of which it may hold
        line, column, code = _unprintable(text)
        raise _stop(
            line,
            column,
            f"is no YAML: has a control character (U+{code:04X})",
            "Leave it out",
        ) from None
    if node is None:
        raise _stop(1, 1, "is empty", "Begin with `workflow:`")
    places: dict[Path, Place] = {}
    return Read(_value(node, (), places), places)


def _unprintable(text: str) -> tuple[int, int, int]:
    """Line, column and number of the first character that YAML does not take."""
    found = Reader.NON_PRINTABLE.search(text)
    place = found.start() if found else 0
    before = text[:place]
    return before.count("\n") + 1, place - before.rfind("\n"), ord(text[place]) if text else 0


def _stop(line: int, column: int, problem: str, fix: str) -> WorkflowProblems:
    return WorkflowProblems([Problem(line, column, "file", problem, fix)])


def _guard(text: str) -> None:
    """Refuse what would be expensive or surprising, before anything is made of it."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=_Loader)):
        mark: Any = event.start_mark
        line, column = mark.line + 1, mark.column + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _stop(line, column, "has an anchor or alias (& or *)", "Write the value out")
        if isinstance(event, yaml.NodeEvent) and (tag := getattr(event, "tag", None)):
            raise _stop(line, column, f"has a tag ({tag})", "Leave it out")
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            depth += 1
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            depth -= 1
        if depth > MOST_NESTED or count > MOST_VALUES:
            raise _stop(
                line,
                column,
                "is nested too deeply or has too many values",
                "Make it flatter, or several workflows",
            )


def _value(node: yaml.Node, path: Path, places: dict[Path, Place]) -> Any:
    places[path] = Place(node.start_mark.line + 1, node.start_mark.column + 1)
    if isinstance(node, yaml.MappingNode):
        return {key: _value(value, (*path, key), places) for key, value in _entries(node, path, places)}
    if isinstance(node, yaml.SequenceNode):
        return [_value(each, (*path, number), places) for number, each in enumerate(node.value)]
    return _scalar(node)


def _entries(
    node: yaml.MappingNode, path: Path, places: dict[Path, Place]
) -> Iterator[tuple[str, yaml.Node]]:
    known: set[Hashable] = set()
    for key, value in node.value:
        line, column = key.start_mark.line + 1, key.start_mark.column + 1
        if not isinstance(key, yaml.ScalarNode) or key.value == "<<":
            raise _stop(
                line,
                column,
                "has a key that is no plain word",
                "Write a word before the colon; quote an expression that begins with {{",
            )
        if key.value in known:
            raise _stop(line, column, f"has the key {key.value!r} twice", "Leave one of them out")
        known.add(key.value)
        yield key.value, value
        places[(*path, key.value)] = Place(line, column)


def _scalar(node: yaml.Node) -> Any:
    tag, text = node.tag.removeprefix(_CORE), str(node.value)
    if tag == "null":
        return None
    if tag == "bool":
        return text.lower() == "true"
    if tag == "int":
        return int(text)
    return float(text) if tag == "float" else text
