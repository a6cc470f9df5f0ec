"""Writing as `kubectl` writes: tables, indented keys, ages. What objects hold stays on its line, so that no value can pose as another field."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

NONE = "<none>"
HIDDEN = "<hidden>"
_SECRET = re.compile(r"passw|secret|token|credential|api_?key|access_?key|private", re.IGNORECASE)
_CREDENTIALS = re.compile(r"(://[^/@\s:]*):[^/@\s]+@")


_UNITS = {1: "s", 60: "m", 3600: "h", 86_400: "d"}


def one_line(value: object) -> str:
    """A value on one line, its white space folded."""
    return " ".join(str(value).split())


def without_secrets(name: str, value: str) -> str:
    """A value whose name does not call it a secret, without the password of an address in it."""
    return HIDDEN if value and _SECRET.search(name) else _CREDENTIALS.sub(r"\1:***@", value)


def epoch(text: object) -> float | None:
    """A time of the API in epoch seconds, or None."""
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return None


def age(seconds: float | None) -> str:
    """A duration as `kubectl` writes it: two units at most, fewer the longer it is."""
    if seconds is None:
        return "<unknown>"
    whole = max(0, int(seconds))
    steps = (
        (120, 1, 0),
        (600, 60, 1),
        (10_800, 60, 0),
        (28_800, 3600, 60),
        (172_800, 3600, 0),
        (691_200, 86_400, 3600),
    )
    unit, rest = next(((unit, rest) for limit, unit, rest in steps if whole < limit), (86_400, 0))
    over = whole % unit // rest if rest else 0
    return f"{whole // unit}{_UNITS[unit]}" + (f"{over}{_UNITS[rest]}" if over else "")


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Columns three blanks apart; a cell that is empty says `<none>`."""
    cells = [list(header), *([one_line(cell) or NONE for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = (
        "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )
    return "\n".join(lines) + "\n"


class Page:
    """Collects the lines of a description."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def say(self, key: str, value: object = "", *, indent: int = 0) -> None:
        """One key and its value."""
        self._lines.append(f"{' ' * indent}{key}:  {one_line(value)}".rstrip())

    def pairs(self, key: str, values: Mapping[str, object], *, indent: int = 0, sign: str = "=") -> None:
        """A key with `name=value` items, each on a line of its own."""
        self.items(key, [f"{name}{sign}{value}" for name, value in sorted(values.items())], indent=indent)

    def items(self, key: str, values: Iterable[object], *, indent: int = 0) -> None:
        """A key with values, each on a line of its own, the first beside the key."""
        first, *rest = [one_line(value) for value in values] or [NONE]
        self.say(key, first, indent=indent)
        margin = " " * (indent + len(key) + 3)
        self._lines += [margin + each for each in rest]

    def block(self, key: str, values: Mapping[str, object], *, indent: int = 0) -> None:
        """A key and below it one line a value; nothing when there is none."""
        if values:
            self._lines.append(f"{' ' * indent}{key}:")
            for name, value in sorted(values.items()):
                self.say(one_line(name), value, indent=indent + 2)

    def rows(
        self, key: str, header: Sequence[str], rows: Sequence[Sequence[object]], *, indent: int = 0
    ) -> None:
        """A key and below it a table, or `<none>`."""
        if not rows:
            self.say(key, NONE, indent=indent)
            return
        self._lines.append(f"{' ' * indent}{key}:")
        ruled = [["-" * len(each) for each in header], *rows]
        self._lines += [" " * (indent + 2) + line for line in table(header, ruled).splitlines()]

    def raw(self, *lines: str) -> None:
        """Lines as they are."""
        self._lines += lines

    def text(self) -> str:
        """All of it."""
        return "\n".join(self._lines) + "\n"


def mapping(value: object) -> dict[str, Any]:
    """A mapping, or an empty one for whatever else an object holds there."""
    return value if isinstance(value, dict) else {}


def mappings(value: object) -> list[dict[str, Any]]:
    """The mappings of a list, or none."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def metadata(item: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata of an object."""
    return mapping(item.get("metadata"))


def name_of(item: Mapping[str, Any]) -> str:
    """Name of an object."""
    return one_line(metadata(item).get("name", ""))


def namespace_of(item: Mapping[str, Any]) -> str:
    """Namespace of an object; '' for one of the cluster."""
    return one_line(metadata(item).get("namespace", ""))


def owner_of(item: Mapping[str, Any]) -> tuple[str, str]:
    """Kind and name of the controller of an object, or empty texts."""
    for each in mappings(metadata(item).get("ownerReferences")):
        if each.get("controller"):
            return one_line(each.get("kind", "")), one_line(each.get("name", ""))
    return "", ""


def born(item: Mapping[str, Any]) -> float | None:
    """When an object was created."""
    return epoch(metadata(item).get("creationTimestamp"))
