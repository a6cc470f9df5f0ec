"""Durations in the symbols that both languages read."""

from __future__ import annotations


def length(seconds: float) -> str:
    """A duration in the symbols that both languages read: `45 s`, `12 min`, `2 h 5 min`, `3 d 4 h`."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    days, rest = divmod(hours, 24)
    return f"{days} d {rest} h" if rest else f"{days} d"
