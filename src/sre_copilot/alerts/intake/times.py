"""Points in time as payloads write them, in epoch seconds UTC."""

from __future__ import annotations

from datetime import datetime
from math import isfinite
from typing import Any

from sre_copilot.alerts.intake.reader import Unreadable

SHORTEST = len("2026-11-21T06:04:19Z")
UNITS = (1.0, 1e3, 1e6, 1e9)  # a second in seconds, milliseconds, microseconds, nanoseconds
LATEST_S = 32_503_680_000.0  # the year 3000: a number beyond it is in a smaller unit
_FORM = "must be RFC 3339 with its zone, such as 2026-11-21T06:04:19Z"


def moment(value: Any, field: str) -> float | None:
    """A time in RFC 3339; None for one that is not set (absent, empty, or the year 1, as Go writes it)."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise Unreadable(field, _FORM)
    if len(value) < SHORTEST or value[4:17:3] != "--T::" or "," in value:
        raise Unreadable(field, _FORM)
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise Unreadable(field, _FORM) from None
    if found.tzinfo is None:
        raise Unreadable(field, _FORM)
    if found.year == 1:
        return None
    return _possible(found.timestamp(), field)


def moment_or_number(value: Any, field: str) -> float | None:
    """A time in RFC 3339, or as a number of seconds, milli-, micro- or nanoseconds since 1970; 0 is one that is not set."""
    if isinstance(value, str) and value.replace(".", "", 1).isascii() and value.replace(".", "", 1).isdigit():
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return moment(value, field)
    if value == 0:
        return None
    if not isfinite(value) or abs(value) > LATEST_S * UNITS[-1]:
        raise Unreadable(field, "is no time that can be")
    return _possible(next(value / unit for unit in UNITS if value / unit <= LATEST_S), field)


def _possible(seconds: float, field: str) -> float:
    if not 0.0 <= seconds <= LATEST_S:
        raise Unreadable(field, "lies before 1970 or after 3000; check the clock of the sender")
    return seconds
