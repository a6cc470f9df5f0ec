"""Paths into JSON: those JSONPath expressions (RFC 9535) that name exactly one place, so that reading costs the same whatever is sent.

>>> value_at(parse_path("$.hosts[0]['host name']"), {"hosts": [{"host name": "db-1"}]})
'db-1'
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

Step = str | int
_STEP = re.compile(
    r"""\.(?P<plain>[^\W\d][\w-]*)|\[(?P<index>-?\d{1,6})\]|\['(?P<single>[^'\\]*)'\]|\["(?P<double>[^"\\]*)"\]"""
)
HELP = "write for example $.check.host, $.hosts[0].name or $['odd name']"


def is_path(text: str) -> bool:
    """Whether a text of a mapping is a path; any other is a value that stands for itself."""
    return text.startswith("$")


def parse_path(text: str) -> tuple[Step, ...]:
    """The steps of a path.

    Raises
    ------
    ValueError : when it is none, or names more than one place
    """
    if not is_path(text):
        raise ValueError(f"a path begins with $; {HELP}")
    steps: list[Step] = []
    place = 1
    while place < len(text):
        found = _STEP.match(text, place)
        if found is None:
            raise ValueError(f"cannot be read from character {place + 1} on, or names several places; {HELP}")
        name = found["plain"] or found["single"] or found["double"] or ""
        steps.append(int(found["index"]) if found["index"] else name)
        place = found.end()
    return tuple(steps)


def value_at(steps: Sequence[Step], document: Any) -> Any:
    """What lies there; None where nothing does."""
    for step in steps:
        if isinstance(step, str):
            document = document.get(step) if isinstance(document, dict) else None
        elif isinstance(document, list) and -len(document) <= step < len(document):
            document = document[step]
        else:
            return None
    return document
