"""Readers of what `kubectl` prints: tables, the indented tree of `describe`, and lists of events. None of them raises on odd text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_FIELD = re.compile(r"([^:]{1,120}?):(?:\s+(.*))?$")
_GAP = re.compile(r"\s{2,}")
_AGE = re.compile(r"(?:(\d{1,9})y)?(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?$")
_REPEATED = re.compile(r"\(x(\d{1,9})")
_WHOLE = re.compile(r"[0-9]{1,9}")
_UNITS = (31_536_000, 86_400, 3_600, 60, 1)
LONGEST = 4_096  # characters of one message that are looked at: longer ones come from an attacker or a dump
EVENT_KINDS = frozenset({"Normal", "Warning"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an indented tree: `key: value`, or a bare value with an empty key."""

    key: str
    value: str
    indent: int
    line: str
    children: list[Entry] = field(default_factory=list)

    def get(self, key: str) -> Entry:
        """The first child called `key`, or an empty entry."""
        return next((child for child in self.children if child.key == key), _NOTHING)

    def all(self, *keys: str) -> list[Entry]:
        """All children called one of `keys`, in their order."""
        return [child for child in self.children if child.key in keys]

    def values(self) -> list[str]:
        """The value on the line itself and those on the lines that continue it, without `<none>`."""
        found = [self.value, *(child.line.strip() for child in self.children)]
        return [value for value in found if value and value not in {"<none>", "<unset>"}]


_NOTHING = Entry("", "", 0, "")


@dataclass(frozen=True, slots=True)
class Event:
    """One event: `age_s` seconds since it was last seen (None where it cannot be read), `count` how often."""

    kind: str
    reason: str
    message: str
    line: str
    key: str
    object: str = ""
    age_s: float | None = None
    count: int = 1


def fold(line: str) -> str:
    """A line with its runs of white space folded, as checks compare it."""
    return " ".join(line.split())


def tree(text: str) -> Entry:
    """Read indented `key: value` lines; indentation alone says what belongs to what."""
    root = Entry("", "", -1, "")
    stack = [root]
    for line in text.splitlines():
        content = line.strip()
        if not content:
            continue
        indent = len(line) - len(line.lstrip())
        while stack[-1].indent >= indent:
            stack.pop()
        match = _FIELD.match(content)
        entry = (
            Entry(match[1], (match[2] or "").strip(), indent, line)
            if match
            else Entry("", content, indent, line)
        )
        stack[-1].children.append(entry)
        stack.append(entry)
    return root


def table(text: str) -> Iterator[tuple[dict[str, str], str]]:
    """Rows of a `kubectl get` table by column name, with the line itself.

    Cells are told apart by runs of white space; a row with blank cells is aligned to the header by position.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines or not lines[0].isupper():
        return
    header = [(match.group(), match.start()) for match in re.finditer(r"\S+(?: \S+)*", lines[0])]
    for line in lines[1:]:
        cells = [(match.group(), match.start()) for match in re.finditer(r"\S+(?: \S+)*", line)]
        if len(cells) == len(header):
            yield {name: cell for (name, _), (cell, _) in zip(header, cells, strict=True)}, line
        else:
            yield _aligned(header, cells), line


def _aligned(header: list[tuple[str, int]], cells: list[tuple[str, int]]) -> dict[str, str]:
    row: dict[str, str] = {}
    for cell, start in cells:
        free = [(abs(start - at), name) for name, at in header if name not in row]
        if free:
            row[min(free, key=lambda pair: pair[0])[1]] = cell
    return row


def whole(text: str) -> int | None:
    """A whole number of at most nine digits, or None: `int` refuses what `isdigit` accepts, such as `²` or thousands of digits."""
    return int(text) if _WHOLE.fullmatch(text) else None


def seconds(age: str) -> float | None:
    """An age such as `2m15s` in seconds, or None."""
    match = _AGE.match(age.strip())
    if match is None or not any(match.groups()):
        return None
    return float(sum(int(group) * unit for group, unit in zip(match.groups(), _UNITS, strict=True) if group))


def described_events(root: Entry, key: str, owner: str) -> tuple[Event, ...]:
    """Events of a `describe` (type, reason, age, from, message), oldest first as printed."""
    found = []
    for child in root.get("Events").children:
        cells = _GAP.split(child.line.strip(), maxsplit=4)
        if len(cells) >= 4 and cells[0] in EVENT_KINDS:
            message = cells[4] if len(cells) > 4 else cells[3]
            found.append(_event((cells[0], cells[1], message), cells[2], child.line, key=key, owner=owner))
    return tuple(found)


def listed_events(text: str, key: str) -> tuple[Event, ...]:
    """Events of `kubectl get events` (last seen, type, reason, object, message); the header may be cut off."""
    found = []
    for line in text.splitlines():
        cells = _GAP.split(line.strip(), maxsplit=4)
        if len(cells) >= 5 and cells[2] in EVENT_KINDS:  # a column with the namespace stands before
            cells = _GAP.split(line.strip(), maxsplit=5)[1:]
        if len(cells) >= 5 and cells[1] in EVENT_KINDS:
            found.append(_event((cells[1], cells[2], cells[4]), cells[0], line, key=key, owner=cells[3]))
    return tuple(found)


def _event(said: tuple[str, str, str], age: str, line: str, *, key: str, owner: str) -> Event:
    kind, reason, message = said
    repeated = _REPEATED.search(age)
    return Event(
        kind=kind,
        reason=reason,
        message=message[:LONGEST],
        line=line,
        key=key,
        object=owner,
        age_s=seconds(age.split("(", maxsplit=1)[0]),
        count=int(repeated[1]) if repeated else 1,
    )


_QUANTITY = re.compile(r"([\d.]+)\s*([a-zA-Z]*)$")
_SCALES = {
    "": 1.0, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50,
}  # fmt: skip


def quantity(text: str) -> float | None:
    """A Kubernetes quantity such as `250m` or `3Gi` as a number, or None."""
    match = _QUANTITY.match(text.strip())
    if match is None or match[2] not in _SCALES or match[1].count(".") > 1 or match[1] == ".":
        return None
    return float(match[1]) * _SCALES[match[2]]


def pairs(values: list[str]) -> dict[str, str]:
    """`a=b` items, on one line with commas or one a line, as a mapping."""
    items = (item.strip() for value in values for item in value.split(","))
    return {name: value for name, equals, value in (item.partition("=") for item in items) if equals}
