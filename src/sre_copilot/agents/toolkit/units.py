"""The unit in which a metric counts, as far as its name tells it."""

from __future__ import annotations

import re

_IN_BRACKETS = re.compile(r"\(([^()]{1,12})\)\s*$")
_BY_ENDING = (
    (re.compile(r"(?:^|[_.\s-])(?:percent|percentage|pct)$"), "%"),
    (re.compile(r"(?:_ms|_milliseconds?|_millis)$"), "ms"),
    (re.compile(r"(?:_us|_microseconds?)$"), "µs"),
    (re.compile(r"_seconds(?:_total|_sum)?$"), "s"),
    (re.compile(r"_bytes(?:_total)?$"), "bytes"),
    (re.compile(r"_(?:ki?b|mi?b|gi?b)$"), ""),
)


def unit_of(metric: str) -> str:
    """The unit; '' where the name tells none."""
    if found := _IN_BRACKETS.search(metric):
        return found.group(1)
    lowered = metric.lower()
    return next((unit for ending, unit in _BY_ENDING if ending.search(lowered)), "")


def amount(value: float, unit: str = "") -> str:
    """A number of four digits, its whole part in full, with its unit."""
    size = abs(value)
    text = f"{value:,.0f}" if size >= 1000 else f"{value:.4g}"
    return f"{text} {unit}" if unit else text


def instance_of(service: str, instance: str) -> str:
    """Which one is spoken of: the service, and the instance where there is one of another name."""
    return f"{service} ({instance})" if instance and instance != service else service
