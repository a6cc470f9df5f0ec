"""YAML read so that every place in it is known by its line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from sre_copilot.errors import SettingsError

Path = tuple[str | int, ...]
MOST_NODES = 50_000
"""Values that are read at most; aliases can make a small text mean as many as one likes."""


@dataclass(frozen=True, slots=True)
class Located:
    """What a text says, and in which line each place of it stands, from 1."""

    name: str
    data: Any
    lines: Mapping[Path, int]

    def place(self, path: Path) -> str:
        """A place as errors name it: file, line of the nearest place that stands in the text, path."""
        inner = path
        while inner and inner not in self.lines:
            inner = inner[:-1]
        dotted = ".".join(map(str, path))
        return f"{self.name}, line {self.lines.get(inner, 1)}" + (f": {dotted}" if dotted else "")


def read_located(text: str, name: str) -> Located:
    """Read YAML.

    Raises
    ------
    SettingsError : when it is none, is too large, or has a key twice; names the line, and repeats nothing of the text
    """
    lines: dict[Path, int] = {}
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        if root is not None:
            _note(root, (), lines, name)
        return Located(name, None if root is None else loader.construct_document(root), lines)
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        place = f"{name}, line {mark.line + 1}" if mark else name
        raise SettingsError(
            f"{place}: is no YAML: {problem or type(error).__name__}. Correct it there."
        ) from None
    except (RecursionError, ValueError) as error:  # too deep; or a date such as 2026-13-40
        raise SettingsError(f"{name}: cannot be read ({type(error).__name__}); write it plainer.") from None


def _note(node: yaml.Node, path: Path, lines: dict[Path, int], name: str) -> None:
    lines[path] = node.start_mark.line + 1
    if len(lines) > MOST_NODES:
        raise SettingsError(f"{name}: holds more than {MOST_NODES:,} values; take aliases out of it.")
    if isinstance(node, yaml.SequenceNode):
        for place, each in enumerate(node.value):
            _note(each, (*path, place), lines, name)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*path, str(key.value))
            if here in lines:
                line = key.start_mark.line + 1
                raise SettingsError(
                    f"{name}, line {line}: {'.'.join(map(str, here))}: stands twice. Keep one."
                )
            _note(value, here, lines, name)
            lines[here] = key.start_mark.line + 1
