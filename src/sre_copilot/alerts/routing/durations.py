"""Durations as Prometheus and Alertmanager write them."""

from __future__ import annotations

import re2  # type: ignore[import-untyped]

from sre_copilot.errors import UsageError

UNITS = {"y": 31_536_000.0, "w": 604_800.0, "d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
"""Seconds of each; a year has 365 days there."""
_FORM = re2.compile("".join(f"(?:([0-9]{{1,18}}){unit})?" for unit in UNITS))


def seconds(text: str) -> float:
    """Read a duration.

    >>> seconds("1h30m")
    5400.0

    Raises
    ------
    UsageError : when it is none
    """
    found = _FORM.fullmatch(text)
    if text == "0":
        return 0.0
    if not text or not found:
        raise UsageError(f"{text!r} is no duration; write one such as 30s, 5m, 4h or 1h30m")
    return sum(
        int(number) * unit for number, unit in zip(found.groups(), UNITS.values(), strict=True) if number
    )


def duration_text(value: float) -> str:
    """Write a duration; `0s` for none.

    >>> duration_text(5400)
    '1h30m'
    """
    rest, parts = round(value * 1000), []
    for unit, length in UNITS.items():
        count, rest = divmod(rest, round(length * 1000))
        if count and unit not in ("y", "w"):
            parts.append(f"{count}{unit}")
        elif count:  # days are easier to read than weeks and years
            rest += count * round(length * 1000)
    return "".join(parts) or "0s"
