"""Times as a person writes them: RFC 3339, epoch seconds, `now`, or so long ago (`90m`, `2h`, `1d`)."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import typer

_AGO = re.compile(r"^-?(\d+(?:\.\d+)?)\s*([smhd])$")
_UNIT = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def moment(text: str, *, now: float, option: str) -> float:
    """Epoch seconds of a time.

    Raises
    ------
    typer.BadParameter : names the option and the forms that are understood
    """
    text = text.strip()
    if text == "now":
        return now
    if ago := _AGO.match(text):
        return now - float(ago.group(1)) * _UNIT[ago.group(2)]
    if re.fullmatch(r"\d{9,11}(\.\d+)?", text):
        return float(text)
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise typer.BadParameter(
            f"{option} {text!r} is no time; write 2026-02-06T14:30:22Z, epoch seconds, now, or 90m, 2h, 1d for so long ago"
        ) from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def length_of(seconds: float) -> str:
    """A length as a person says it: `90 s`, `30 min`, `1 h`, `2 days`."""
    for unit, size in (("days", 86_400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= (2 if unit == "days" else 1) * size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def duration(text: str, *, option: str) -> float:
    """Seconds of `30s`, `10m`, `2h`, `7d`."""
    found = _AGO.match(text.strip())
    if found is None or text.startswith("-"):
        raise typer.BadParameter(f"{option} {text!r} is no duration; write 30s, 10m, 2h or 7d")
    return float(found.group(1)) * _UNIT[found.group(2)]
