"""YAML read so that every place in it is known by its line, and every scalar is the text that was written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from sre_copilot.errors import SettingsError

Path = tuple[str | int, ...]
NULL = "tag:yaml.org,2002:null"
MERGE = "tag:yaml.org,2002:merge"
MAX_NODES = 200_000
"""Values that are read at most; aliases can make a small text mean as many as one likes."""


@dataclass(frozen=True, slots=True)
class Document:
    """What a text says, and in which line each place of it stands, counted from 1."""

    name: str
    data: Any
    lines: Mapping[Path, int]

    def line(self, path: Path) -> int:
        """The line of a place, or of the nearest place around it that stands in the text."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_document(text: str, *, name: str) -> Document:
    """Read YAML.

    Raises
    ------
    SettingsError : when it is none, or a key stands twice; names the line, and repeats nothing of the text, in which secrets may stand
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        reader = _Reader(name)
        data = None if root is None else reader.value(root, ())
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        place = f"{name}, line {mark.line + 1}" if mark else name
        raise SettingsError(
            f"{place}: is no YAML: {problem or type(error).__name__}. Correct it there."
        ) from None
    except RecursionError:
        raise SettingsError(f"{name}: is nested too deeply to be read.") from None
    return Document(name, data, reader.lines)


class _Reader:
    """Turns nodes into plain values and notes their lines."""

    def __init__(self, name: str) -> None:
        self.lines: dict[Path, int] = {}
        self._name = name
        self._nodes = 0

    def value(self, node: yaml.Node, path: Path) -> Any:
        """The plain value of a node: mapping, list, text or None."""
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise SettingsError(f"{self._name}: holds more than {MAX_NODES} values; take aliases out of it.")
        self.lines[path] = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(each, (*path, place)) for place, each in enumerate(node.value)]
        return None if node.tag == NULL else node.value

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self._wrong(key, "a key must be a plain text")
            if key.tag == MERGE:
                for each in _merged(value):
                    merged = {**self._mapping(each, path), **merged}
                continue
            if key.value in own:
                raise self._wrong(key, f"the key '{key.value}' stands twice")
            own[key.value] = self.value(value, (*path, key.value))
            self.lines[(*path, key.value)] = key.start_mark.line + 1
        return {**merged, **own}

    def _wrong(self, node: yaml.Node, problem: str) -> SettingsError:
        return SettingsError(f"{self._name}, line {node.start_mark.line + 1}: {problem}. Correct it there.")


def _merged(node: yaml.Node) -> Iterator[yaml.MappingNode]:
    """The mappings that a merge key names."""
    for each in node.value if isinstance(node, yaml.SequenceNode) else [node]:
        if isinstance(each, yaml.MappingNode):
            yield each
