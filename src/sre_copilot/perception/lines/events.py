"""Events out of lines: a stack trace, an indented block or an XML record is one event."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sre_copilot.perception.lines.formats import Format

_CONTINUES = re.compile(
    r"\s|$|(?:Caused by|Suppressed|Traceback \(most|During handling of|The above exception|\.\.\. \d+ more|goroutine \d+ \[|"
    r"at \S+\(|created by |panic: |\)|\]|\})"
)
"""Beginnings of lines that go on with the line before: white space, and what Java, Python and Go write in stack traces."""
_PYTHON_END = re.compile(
    r"[A-Za-z_][\w.]*(?:Error|Exception|Warning|Interrupt|Exit|Iteration|Group|Fault|Timeout)\b:?"
)
_XML_START = re.compile(r"\s*<(?P<tag>[A-Za-z_][\w.:-]*)[\s/>]")
MOST_LINES = 2000  # of one event: more is no event but a text without ends


@dataclass(slots=True)
class Event:
    """A text, and the bytes of the file that it takes: `start <= byte < end`."""

    text: str
    start: int
    end: int


Line = tuple[str, int, int]


class Joiner:
    """Joins lines to events.

    `start` is the user's own expression for how an event begins; without it the form decides. Wrapping elements of an XML
    document (its root, its declaration) are no events.
    """

    def __init__(self, form: Format, *, start: Any = None, record: str = "", multiline: bool = True) -> None:
        self._start = start
        self._form = form
        self._record = record
        self._multiline = multiline and form not in {"json", "logfmt", "access"}

    @property
    def waits(self) -> bool:
        """Whether the last event may go on with the next line."""
        return self._multiline

    @property
    def records(self) -> bool:
        """Whether events have an end of their own."""
        return self._form == "xml"

    def events(self, lines: Iterable[Line]) -> Iterator[Event]:
        """Join lines; the last event may be unfinished."""
        if self._form == "xml":
            yield from self._records(lines)
            return
        held: list[Line] = []
        for line in lines:
            if held and not (self._goes_on(line[0], held) and len(held) < MOST_LINES):
                yield _event(held)
                held = []
            held.append(line)
        if held:
            yield _event(held)

    def _goes_on(self, text: str, held: list[Line]) -> bool:
        if not self._multiline:
            return False
        if self._start is not None:
            return self._start.search(text) is None
        first = held[0][0]
        if first.startswith("{") and first.endswith("}"):  # a JSON line is complete
            return False
        if _CONTINUES.match(text):
            return True
        return (
            any("Traceback (most" in line for line, _, _ in held[:8]) and _PYTHON_END.match(text) is not None
        )

    def _records(self, lines: Iterable[Line]) -> Iterator[Event]:
        held: list[Line] = []
        tag = ""
        for line in lines:
            if not held:
                tag = self._opens(line[0])
                if not tag:
                    continue
            held.append(line)
            if _closed(line[0], tag, first=len(held) == 1) or len(held) >= MOST_LINES:
                yield _event(held)
                held = []
        if held:
            yield _event(held)

    def _opens(self, text: str) -> str:
        found = _XML_START.match(text)
        if found is None:
            return ""
        tag = found["tag"]
        if self._record:
            return tag if tag.rpartition(":")[2] == self._record else ""
        return "" if tag.rpartition(":")[2].lower() in WRAPPERS else tag


WRAPPERS = frozenset({"events", "log", "logs", "entries", "records", "root", "eventset", "logfile"})
"""Elements that hold records and are none."""


def finished(event: Event) -> bool:
    """Whether an XML record has its end."""
    found = _XML_START.match(event.text)
    lines = event.text.split("\n")
    return found is not None and _closed(lines[-1], found["tag"], first=len(lines) == 1)


def _closed(text: str, tag: str, *, first: bool) -> bool:
    return f"</{tag}>" in text or (first and text.rstrip().endswith("/>") and text.count("<") == 1)


def _event(lines: list[Line]) -> Event:
    return Event("\n".join(text for text, _, _ in lines).rstrip(), lines[0][1], lines[-1][2])
