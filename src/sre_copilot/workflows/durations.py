"""Durations as people write them (`30s`, `5m`, `1h30m`), as seconds inside."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhd])")
_WHOLE = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhd]))+")
PATTERN = r"^(\d+(\.\d+)?(ms|[smhd]))+$"


def seconds_of(written: object) -> float:
    """A duration in seconds; a bare number is seconds.

    Raises
    ------
    ValueError : when it is none
    """
    if isinstance(written, (int, float)) and not isinstance(written, bool):
        return _positive(float(written))
    if isinstance(written, str) and _WHOLE.fullmatch(text := written.strip()):
        return _positive(sum(float(number) * UNITS[unit] for number, unit in _PART.findall(text)))
    raise ValueError(
        "is no duration; write seconds, or a number with ms, s, m, h or d, such as 90, 30s or 1h30m"
    )


def _positive(seconds: float) -> float:
    if not 0 <= seconds <= 366 * 86_400:
        raise ValueError("a duration lies between 0 and 366 days")
    return seconds


def _read(written: Any) -> float:
    return seconds_of(written)


Seconds = Annotated[
    float,
    BeforeValidator(_read),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": PATTERN}]}),
]
"""Seconds; written as a number of them, or as `30s`, `5m`, `1h30m`, `2d`."""
