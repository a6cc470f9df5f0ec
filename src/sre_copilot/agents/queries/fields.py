"""Which field or column is meant: by a number with its unit, by a time, by what is measured; the same for tables and for indices."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from sre_copilot.agents.queries.linking import surfaces
from sre_copilot.agents.queries.request import Comparison, Request
from sre_copilot.agents.queries.text import Text, parts
from sre_copilot.agents.understanding.moments import Calendar
from sre_copilot.agents.understanding.times import find_times
from sre_copilot.agents.understanding.wording import Span, overlaps, pattern
from sre_copilot.domain.signals import Window

LATENCIES = frozenset({"duration", "latency", "elapsed", "took", "rt", "response", "cost"})
MONEY = frozenset({"amount", "price", "total", "fee", "revenue", "value", "sum"})
CODES = ("status_code", "http_status", "response_code", "status", "code")
_SLOW = pattern(
    r"\b(?:slow|slower|slowest|fast|faster|fastest|latency|duration|took|longer|response\s+time)\b|慢|耗时|延迟|时延|快"
)
_KILOGRAM = pattern(r"公斤|kg|千克")
CURRENCIES = frozenset(
    {
        "EUR",
        "USD",
        "CNY",
        "GBP",
        "JPY",
        "CHF",
        "SEK",
        "NOK",
        "DKK",
        "PLN",
        "CZK",
        "AUD",
        "CAD",
        "HKD",
        "SGD",
        "INR",
        "KRW",
        "BRL",
        "MXN",
        "TRY",
    }
)


def numeric(kind: str) -> bool:
    """Whether a type holds numbers."""
    return bool(
        re.match(
            r"(?:small|big|tiny|medium)?int|integer|decimal|numeric|float|double|real|long|short|byte|half_float|scaled_float|unsigned|number|serial",
            kind.lower(),
        )
    )


def temporal(name: str, kind: str) -> bool:
    """Whether a column holds times: by its type, in SQLite by its name."""
    if re.match(r"timestamp|date|datetime", kind.lower()):
        return True
    return kind.lower() in ("text", "varchar", "integer") and bool(
        re.search(r"(?:_at|_time|^at|^ts|^time|timestamp)$", name)
    )


def nearest(text: Text, names: Iterable[str], place: int) -> str:
    """The name that is mentioned closest to a place; '' where none is."""
    found = [
        (min(abs(span[1] - place), abs(span[0] - place)), name)
        for name in names
        for span in surfaces(text, name)
    ]
    return min(found)[1] if found else ""


def compared_field(comparison: Comparison, request: Request, numbers: Sequence[str]) -> str:
    """The field that a number bounds: named beside it, else by its unit, else the one amount that there is."""
    text = request.text
    beside = nearest(
        text, [name for name in numbers if not name.endswith("_id") and name != "id"], comparison.span[0]
    )
    if beside:
        return beside
    unit = comparison.unit.lower()
    latency = [name for name in numbers if set(parts(name)) & LATENCIES]
    if latency and (unit.startswith(("ms", "毫秒", "s", "秒", "milli")) or _SLOW.search(text.plain)):
        return latency[0]
    if (weight := [name for name in numbers if "weight" in parts(name)]) and _KILOGRAM.search(unit):
        return weight[0]
    code = [name for name in CODES if name in numbers]
    if code and 100 <= comparison.value < 600 and comparison.value == int(comparison.value) and not unit:
        return code[0]
    plain_ones = [name for name in numbers if name != "id" and not name.endswith("_id")]
    money = [name for name in plain_ones if set(parts(name)) & MONEY]
    return money[0] if money else plain_ones[0] if len(plain_ones) == 1 else ""


def in_unit_of(comparison: Comparison, name: str) -> float:
    """The number in the unit that a field's name tells."""
    unit = comparison.unit.lower()
    is_milliseconds = name.endswith(("_ms", "millis", "_msec"))
    if unit.startswith(("s", "秒")) and is_milliseconds:
        return comparison.value * 1000
    if unit.startswith(("ms", "毫秒", "milli")) and name.endswith(("_s", "seconds", "_sec")):
        return comparison.value / 1000
    return comparison.value


def measured_field(request: Request, numbers: Sequence[str], *, of: str = "") -> str:
    """The field that is averaged, added up or ranked."""
    plain_ones = [name for name in numbers if name != "id" and not name.endswith("_id")]
    placed = sorted((span[0], name) for name in plain_ones for span in surfaces(request.text, name))
    if placed:
        request.text.use(next(span for span in surfaces(request.text, placed[0][1])))
        return placed[0][1]
    if _SLOW.search(request.text.plain) and (
        latency := [name for name in plain_ones if set(parts(name)) & LATENCIES]
    ):
        return latency[0]
    money = [name for name in plain_ones if set(parts(name)) & MONEY]
    return money[0] if money else plain_ones[0] if len(plain_ones) == 1 else of


def absolute(request: Request, now: float) -> Window | None:
    """A stretch of the calendar that is named (today, yesterday, last Monday); None where the last so long is meant, or nothing."""
    if request.window_s is not None or request.wanted("compare"):
        return None
    for each in find_times(request.text.plain, Calendar(now=now, offset_s=0.0), ahead=False):
        is_order = request.limit is not None and request.text.plain[slice(*each.span)] in (
            "最近",
            "recent",
            "recently",
        )
        if each.window is not None and each.kind == "past" and not is_order:
            request.text.use(each.span)
            return each.window
    return None


def stamp(at: float, *, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """A time as a database reads it, UTC."""
    return datetime.fromtimestamp(at, UTC).strftime(form)


def speaks_of_time(text: Text) -> bool:
    """Whether a text says how long something took."""
    return bool(_SLOW.search(text.plain))


def currency(text: Text) -> tuple[str, Span] | None:
    """A currency by its code."""
    for match in re.finditer(r"(?<![A-Za-z])[A-Z]{3}(?![A-Za-z])", text.raw):
        if match[0] in CURRENCIES:
            return match[0], match.span()
    return None


_CITY = re.compile(r"\b(?:in|from|to|at|of|city)\s+(?P<name>[A-Z][a-zü-]+(?:\s[A-Z][a-z]+)?)\b")
_ZH_CITY = re.compile(
    r"北京|上海|广州|深圳|杭州|南京|苏州|成都|重庆|武汉|西安|天津|长沙|郑州|青岛|大连|厦门|宁波|合肥|福州|济南|沈阳|昆明|无锡|东莞|佛山"
)


def place(text: Text, taken: Sequence[Span]) -> tuple[str, Span] | None:
    """A city by its name."""
    for words in (_CITY, _ZH_CITY):
        for match in words.finditer(text.raw):
            span = match.span("name") if words is _CITY else match.span()
            if not any(overlaps(span, each) for each in taken):
                return text.raw[slice(*span)], span
    return None
