"""Numbers, units and times as a reader expects them."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

from sre_copilot.domain.evidence import Query
from sre_copilot.incidents.report.model import Language

NO_NUMBER = "–"
_UNITS = (
    (r"(?:^|[_.\s])(?:percent|pct)$|percentage|success_?rate", "%"),
    (r"_ms$|milliseconds?$|latency_ms", "ms"),
    (r"_us$|microseconds?$", "µs"),
    (r"_seconds(?:_total|_sum)?$|_s$", "s"),
    (r"_bytes(?:_total)?$|bytes$", "bytes"),
    (r"_mi?b$", "MB"),
)
_COUNTED = {
    "logs": "lines",
    "state": "lines",
    "alerts": "alerts",
    "changes": "changes",
    "topology": "edges",
    "traces": "spans",
}


def number(value: float | None, digits: int = 4) -> str:
    """Write a number with `digits` significant digits, whole part in full, and thousands separators; no number gives a dash."""
    if value is None or not math.isfinite(value):
        return NO_NUMBER
    if value == 0:
        return "0"
    magnitude = math.floor(math.log10(abs(value)))
    if magnitude >= 15 or magnitude < -4:
        return f"{value:.{digits - 1}g}".replace("-", "−", 1 if value < 0 else 0)
    decimals = max(0, digits - 1 - magnitude)
    text = f"{abs(value):,.{decimals}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"−{text}" if value < 0 else text


def compact(value: float, lang: Language) -> str:
    """Write a large number short, as on an axis: `4.5M` in English, `450万` in Chinese."""
    steps = {
        "en": ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")),
        "zh": ((1e12, "万亿"), (1e8, "亿"), (1e4, "万")),
    }
    for size, name in steps[lang]:
        if abs(value) >= size:
            return number(value / (1e3 if name == "k" else size)) + name
    return number(value)


def percentage(probability: float) -> str:
    """Write a probability as a percentage; what is not certain is never written as 0 or 100."""
    if not math.isfinite(probability):
        return NO_NUMBER
    return (
        str(min(99, max(1, round(100 * probability))))
        if 0 < probability < 1
        else str(round(100 * probability))
    )


def utc(at: float) -> datetime | None:
    """Turn epoch seconds into a time, or None when they lie outside of the calendar."""
    try:
        return datetime.fromtimestamp(at, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def clock(at: float) -> str:
    """Write a time of day, `09:41:05`."""
    when = utc(at)
    return f"{when:%H:%M:%S}" if when else NO_NUMBER


def date(at: float, lang: Language) -> str:
    """Write a date, `2026-03-01` or `2026年3月1日`."""
    when = utc(at)
    if when is None:
        return NO_NUMBER
    return f"{when.year}年{when.month}月{when.day}日" if lang == "zh" else f"{when:%Y-%m-%d}"


def iso(at: float) -> str:
    """Write a time for machines, `2026-03-01T09:41:05Z`."""
    when = utc(at)
    return f"{when:%Y-%m-%dT%H:%M:%SZ}" if when else ""


def metric_unit(name: str) -> str:
    """Read the unit out of a metric's name: `Cpu(%)`, `wait_seconds`, `heap_bytes`; empty when it names none."""
    if found := re.search(r"\(([^()]{1,12})\)\s*$", name):
        return found.group(1)
    lowered = name.lower()
    return next((unit for pattern, unit in _UNITS if re.search(pattern, lowered)), "")


def unit_of(query: Query) -> str:
    """Name the unit of what a query measures: a symbol, or the key of a word (`unit.lines`)."""
    if query.source == "metrics":
        return metric_unit(dict(query.where).get("metric", ""))
    if query.measure.endswith("_ms"):
        return "ms"
    if query.measure == "rows":
        return _COUNTED.get(query.source, "")
    return {"calls": "calls", "count": "transactions"}.get(query.measure, "")
