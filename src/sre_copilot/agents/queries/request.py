"""What a request says that holds for every query language: times, limits, numbers to compare with, functions, what to group by."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from sre_copilot.agents.queries import wants
from sre_copilot.agents.queries.text import Text
from sre_copilot.agents.understanding.durations import (
    DURATION,
    EN_NUMBER,
    ZH_NUMBER,
    number,
    seconds,
    unit_seconds,
)
from sre_copilot.agents.understanding.wording import Span, blanked, language, overlaps, pattern
from sre_copilot.domain.knowledge import Lang

_LAST_UNIT = pattern(
    r"\b(?:last|past|previous)\s+(second|minute|hour|day|week|month)\b|(?:上|过去|最近|近)一?个?(小时|分钟|天|周|星期|月)"
)
_EACH_UNIT = pattern(
    r"\b(?:per|by|each|every|an?)\s+(minute|hour|day|week|month)\b|\b(hourly|daily|weekly|monthly)\b|(?:每一?个?|按|逐)(分钟|小时|天|日|周|月)(?!\d)"
)
_ADVERB = {"hourly": 3600.0, "daily": 86400.0, "weekly": 604800.0, "monthly": 2592000.0}
_AFTER_LIMIT = r"\s*(?:seconds?\b|secs?\b|s\b|秒)"
_NUMBER = r"(?P<value>\d[\d,]*(?:\.\d+)?)\s*(?P<times>万|千|百万|亿|k\b|million\b|thousand\b)?\s*(?P<unit>%|percent\b|ms\b|毫秒|milliseconds?\b|seconds?\b|secs?\b|s\b|秒钟?|[kmgt]i?b\b|[kmgt]\b|公斤|kg\b|元|条|次|个|笔|分钟|minutes?\b|min\b)?"
_OPERATORS: tuple[tuple[str, str], ...] = (
    (">=", r"\b(?:at\s+least|no(?:t)?\s+(?:less|fewer|lower)\s+than|greater\s+than\s+or\s+equal\s+to|from)|>=|≥|大于等于|大于或等于|不低于|不少于|至少|不小于"),
    ("<=", r"\b(?:at\s+most|no(?:t)?\s+(?:more|higher|greater)\s+than|less\s+than\s+or\s+equal\s+to|up\s+to)|<=|≤|小于等于|小于或等于|不超过|不高于|不大于|最多|至多"),
    ("!=", r"\b(?:not\s+equal(?:\s+to)?|other\s+than|different\s+from)|!=|<>|≠|不等于|不是"),
    (">", r"\b(?:more\s+than|(?:greater|higher|larger|bigger|longer|slower|heavier|worse)\s+than|over|above|exceed(?:s|ed|ing)?|beyond|took\s+longer\s+than)|>|超过|大于|高于|多于|超出|长于|重于|慢于|不止"),
    ("<", r"\b(?:(?:less|fewer|lower|smaller|shorter|faster|lighter)\s+than|under|below|drops?\s+below|fall(?:s|en)?\s+below)|<|小于|低于|少于|不足|不到|短于|轻于|快于"),
    ("==", r"\b(?:equals?(?:\s+to)?|exactly|is|was|of\s+exactly)|==|等于|恰好|为(?=\s*\d)|是(?=\s*\d)"),
)  # fmt: skip
_COMPARISONS = tuple(
    (operator, pattern(rf"(?:{words})\s*(?:了|的|the\s+)?\s*{_NUMBER}")) for operator, words in _OPERATORS
)
_OR_MORE = pattern(
    rf"{_NUMBER}\s*(?P<after>(?:or|and)\s+(?:more|above|higher|over|longer)|\+|及?以上|(?:or|and)\s+(?:less|below|lower|under)|及?以下)"
)
_MULTIPLES = {"万": 1e4, "千": 1e3, "百万": 1e6, "亿": 1e8, "k": 1e3, "million": 1e6, "thousand": 1e3}
_OFFSETS = (
    (pattern(r"\byesterday(?:'s)?\b|(?:昨天|昨日)"), 86400.0),
    (pattern(r"\blast\s+week(?:'s)?\b|\ba\s+week\s+(?:ago|earlier|before)\b|\bweek[- ]over[- ]week\b|上个?(?:周|星期)|周同比"), 604800.0),
    (pattern(r"\b(?:the\s+)?day\s+before\b|\ba\s+day\s+(?:ago|earlier|before)\b|\bday[- ]over[- ]day\b|日同比|前一天"), 86400.0),
    (pattern(r"\b(?:the\s+)?(?:hour\s+before|previous\s+hour)\b|前一个?小时"), 3600.0),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Comparison:
    """A number that something is held against; `unit` as it is written."""

    op: str
    value: float
    unit: str
    span: Span


@dataclass(kw_only=True)
class Request:
    """What was read; spans that mean something are marked as used in `text`."""

    text: Text
    lang: Lang
    window_s: float | None = None
    interval_s: float | None = None
    offset_s: float | None = None
    horizon_s: float | None = None
    comparisons: list[Comparison] = field(default_factory=list)
    limit: int | None = None
    descending: bool | None = None
    order_span: Span | None = None
    quantile: float | None = None
    wants: frozenset[str] = frozenset()
    groups: list[Span] = field(default_factory=list)

    def wanted(self, *names: str) -> bool:
        """Whether any of them is asked for."""
        return bool(self.wants.intersection(names))


def read(raw: str) -> Request:
    """Read a request."""
    text = Text(raw)
    request = Request(text=text, lang=language(raw))
    bare = blanked(text.plain, [span for _, span in text.quotes])
    request.comparisons = list(_compared(bare))
    found = wants.found(bare)
    request.wants = frozenset(found)
    _read_times(request, bare)
    _read_offset(request, bare)
    request.quantile, spans = wants.quantile(bare)
    request.limit, request.descending, request.order_span, limits = wants.ranked(bare)
    request.groups = wants.groups(bare)
    for span in (
        *spans,
        *limits,
        *(span for each in found.values() for span in each),
        *(each.span for each in request.comparisons),
    ):
        text.use(span)
    return request


def _compared(text: str) -> Iterator[Comparison]:
    taken: list[Span] = []
    for operator, words in _COMPARISONS:
        for match in words.finditer(text):
            if not any(overlaps(match.span(), each) for each in taken) and not _is_time(match, text):
                taken.append(match.span())
                yield _comparison(operator, match)
    for match in _OR_MORE.finditer(text):
        if not any(overlaps(match.span(), each) for each in taken):
            less = any(word in match["after"] for word in ("less", "below", "lower", "under", "下"))
            taken.append(match.span())
            yield _comparison("<=" if less else ">=", match)


def _comparison(operator: str, match: re.Match[str]) -> Comparison:
    value = float(match["value"].replace(",", "")) * _MULTIPLES.get((match["times"] or "").strip(), 1.0)
    return Comparison(operator, value, match["unit"] or "", match.span())


def _is_time(match: re.Match[str], text: str) -> bool:
    """Whether `over 10 minutes` names a stretch of time and no limit: people do not hold what is measured against minutes."""
    rest = text[match.end("value") :]
    is_long = re.match(
        r"\s*(?:个?小时|分钟|天|周|days?\b|hours?\b|h\b|d\b|minutes?\b|mins?\b|m\b|weeks?\b|月)", rest
    )
    is_class = re.match(r"xx\b|x\b", rest)
    return bool(is_long or is_class)


def _read_times(request: Request, text: str) -> None:
    for match in pattern(rf"(?<![a-z0-9_.\-/])(?:{DURATION})").finditer(text):
        length = None if re.fullmatch(r"an?[a-z]\w*", match[0]) else seconds(match[0])  # `and` is no `an d`
        if length is None or any(overlaps(match.span(), each.span) for each in request.comparisons):
            continue
        before, after = text[max(0, match.start() - 26) : match.start()], text[match.end() : match.end() + 14]
        kind = _kind(before, after, match[0])
        if kind == "rate":
            request.wants |= {"rate"}
        elif kind and (kind != "window_s" or request.window_s is None or _LAST.search(before)):
            setattr(request, kind, length)
        if kind:
            lead = re.search(_LEAD, before)
            request.text.use((match.start() - (len(lead[0]) if lead else 0), match.end()))
    for match in _LAST_UNIT.finditer(text):
        if request.wanted("compare") and re.search(
            r"(?:with|to|than|versus|vs\.?|比|与|和|较)\s*$", text[: match.start()]
        ):
            continue
        request.window_s = request.window_s or unit_seconds(match[1] or match[2])
        request.text.use(match.span())
    for match in _EACH_UNIT.finditer(text):
        if _AGO_AFTER.match(text[match.end() :]):
            continue
        unit = next(each for each in match.groups() if each)
        request.interval_s = request.interval_s or _ADVERB.get(unit) or unit_seconds(unit)
        request.text.use(match.span())


_LAST = pattern(r"(?:\b(?:last|past|previous|recent)\s*|过去的?\s*|最近的?\s*|近\s*)$")
_LEAD = pattern(
    r"(?:\b(?:in|over|within|during|for|of|from|since)\s+)?(?:\bthe\s+)?(?:\b(?:last|past|previous|recent|next|every|per|each)\s+)?$|(?:过去|最近|近|每|窗口|未来|看|用|在)*的?\s*$"
)
_INTERVAL_BEFORE = pattern(
    r"(?:\b(?:every|per|each|in\s+steps\s+of|buckets?\s+of)\s+(?:single\s+)?|每隔?|按每?|粒度为?|间隔为?)\s*$"
)
_INTERVAL_AFTER = pattern(
    r"[\s-]*(?:buckets?|intervals?|steps?|bins?|granularity|slices?|粒度|间隔|一个点|一档|一次)"
)
_AHEAD_BEFORE = pattern(r"(?:\b(?:next|coming|in)\s+(?:the\s+next\s+)?|未来|接下来|再过?)\s*$")
_AHEAD_AFTER = pattern(r"\s*(?:之?后|以后|later|ahead|from\s+now|into\s+the\s+future)")
_AGO_AFTER = pattern(r"\s*(?:ago\b|earlier\b|before\b|之?前)")
_A_UNIT = pattern(r"(?:an?)\s+(?:second|minute|hour)")


def _kind(before: str, after: str, said: str) -> str:
    if _A_UNIT.fullmatch(said) and not pattern(
        r"\b(?:last|past|over|in|within|for|half|of|from|than)\s+$"
    ).search(before):
        return "offset_s" if _AGO_AFTER.match(after) else "rate" if "second" in said else "interval_s"
    if _INTERVAL_BEFORE.search(before) or _INTERVAL_AFTER.match(after):
        return "interval_s"
    if _AGO_AFTER.match(after):
        return "offset_s"
    ahead = _AHEAD_BEFORE.search(before) and not pattern(
        r"\b(?:in|within)\s+(?:the\s+)?(?:last|past)\s+$"
    ).search(before)
    if _AHEAD_AFTER.match(after) or ahead:
        return "horizon_s"
    return "window_s"


def _read_offset(request: Request, text: str) -> None:
    if request.offset_s is not None or not request.wanted("compare", "same_time"):
        return
    for words, away in _OFFSETS:
        if match := words.search(text):
            request.offset_s = away
            request.text.use(match.span())
            return


__all__ = ["EN_NUMBER", "ZH_NUMBER", "Comparison", "Request", "number", "read"]
