"""Moments as people and systems write them."""

from __future__ import annotations

from datetime import UTC, datetime

from sre_copilot.errors import UsageError


def said(moment: float) -> str:
    """RFC 3339, UTC."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def moment_of(written: object) -> float:
    """Epoch seconds of a moment in RFC 3339, or as a number of them.

    Raises
    ------
    UsageError : when it is none
    """
    if isinstance(written, (int, float)) and not isinstance(written, bool):
        return float(written)
    try:
        found = datetime.fromisoformat(str(written))
    except ValueError:
        raise UsageError(
            f"until: {written!r} is no moment. Write RFC 3339, such as 2026-01-31T14:00:00Z."
        ) from None
    return found.replace(tzinfo=found.tzinfo or UTC).timestamp()
