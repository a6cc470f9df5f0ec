"""Values that a question carries besides services and times: indicator, severity, threshold, host and their like."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from sre_copilot.agents.understanding import words
from sre_copilot.agents.understanding.durations import ZH_NUMBER, compact, number
from sre_copilot.agents.understanding.times import Said
from sre_copilot.agents.understanding.wording import pattern
from sre_copilot.clock import rfc3339
from sre_copilot.domain.signals import Window

SHORTEST_NAME = 4  # letters of a metric's own name: shorter ones are everyday words
MEASURED = frozenset(
    {
        "metric",
        "host",
        "transactions",
        "compare",
        "forecast",
        "anomalies",
        "diagnose",
        "report",
        "write_query",
        "code",
    }
)
"""Intents in which an indicator means anything."""

_TRACE = pattern(
    r"(?<![a-z0-9])(?:trace[\s_-]?id\s*(?:is|是|为|[:=])?\s*|trace\s+|traceid\s*)?(?P<id>[0-9a-f]{16,32})(?![a-z0-9])"
)
_TRACE_NAMED = pattern(r"trace[\s_-]?id\s*(?:is|是|为|[:=])?\s*[\"'`]?(?P<id>[a-z0-9][\w-]{5,63})")
_HOST = pattern(
    r"(?:\b(?:hosts?|machines?|nodes?|servers?|vms?|box)\b|主机|节点|机器|服务器|虚拟机|物理机)\s*(?:named|called|名为|叫|:)?\s*[\"'`]?(?P<a>(?=[\w.-]*[\d.-])[a-z0-9][\w.-]*[a-z0-9])"
    r"|(?<![\w.-])(?P<b>(?=[\w.-]*[\d-])[a-z0-9][\w.-]*[a-z0-9])[\"'`]?\s*(?:(?:这|那)(?:台|个))?(?:\bhosts?\b|\bmachine\b|\bnode\b|\bserver\b|\bbox\b|主机|节点|机器|服务器|虚拟机)"
    r"|(?<![\w.-])(?P<d>(?:[a-z0-9]+[-_])*(?:node|host|vm|srv|server|machine|box)[-_]?\d[\w.-]*)"
    r"|(?<![\d.])(?P<c>(?:\d{1,3}\.){3}\d{1,3})(?![\d.])"
)
_POD = pattern(
    r"(?:\bpods?\b|容器组)\s*(?:named|called|名为|叫|:)?\s*[\"'`]?(?P<a>(?=[\w.-]*[\d-])[a-z0-9][a-z0-9.-]*[a-z0-9])|(?<![\w.-])(?P<b>[a-z][a-z0-9-]*-[a-z0-9]{5,10}-[a-z0-9]{5})(?![\w-])"
)
_NAMESPACE = pattern(
    r"(?:\bnamespaces?\b|命名空间|(?<![a-z])ns)\s*(?:named|called|名为|叫|:|=|是)?\s*[\"'`]?(?P<a>[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)"
    r"|(?<![\w.-])(?!(?:in|the|a|this|that|which|of|from|what|my|our|any|each|every|same|its|whole)\b)(?P<b>[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)[\"'`]?\s*(?:\bnamespace\b|命名空间)"
)
_COUNT = pattern(
    rf"\b(?:top|first|latest|last|bottom)[\s-]+(?P<a>\d+|(?:two|three|four|five|six|seven|eight|nine|ten|twenty))(?![\w%.:])(?!\s*(?:min|hour|day|sec|week|month|hrs|[smhdw]\b))"
    rf"|\b(?P<b>\d+|(?:two|three|four|five|six|seven|eight|nine|ten|twenty))\s+(?:slowest|latest|most|worst|biggest|largest|top|highest|busiest|longest|newest|lowest)\b"
    rf"|(?:前|头|top\s?|最近的?|最新的?|最慢的?|最高的?|最多的?|最大的?|最忙的?|最差的?)(?P<c>{ZH_NUMBER})(?=\s*(?:个|条|名|位|次|项|大|台|种|$|[的,。?慢]))"
    rf"|(?<![a-z])top\s?(?P<d>\d+)|前(?P<e>{ZH_NUMBER})(?!\s*(?:个?小时|分|秒|天|周|个?月|日|半|刻|点|时))"
)
_THRESHOLD = pattern(
    r"(?:\b(?:above|over|below|under|exceed(?:s|ed|ing)?|hit(?:s|ting)?|reach(?:es|ed|ing)?|than|cross(?:es|ed)?|beyond|past|at\s+least|at\s+most|breach(?:es|ed)?|threshold(?:\s+(?:of|is))?|limit(?:\s+(?:of|is))?|up\s+to)\b|超过?了?|高于|低于|大于|小于|达到|到达?|突破|不足|少于|多于|阈值(?:是|为|设为)?|上限(?:是|为)?|越过|>=?|<=?)\s*(?:了|the\s+|its\s+)?"
    r"(?P<value>\d[\d,]*(?:\.\d+)?)\s*(?P<unit>%|percent|per\s?cent|ms|毫秒|us|s(?![a-z])|seconds?|秒|[kmgt]i?b(?![a-z])|[kmg](?![a-z])|qps|tps|rps|万)?(?![\w:])(?!\s*(?:点|时(?!延)|小时|天|分钟|个?小时|am|pm|hours?|days?|minutes?|副本|replicas?))"
    r"|(?:百分之)(?P<zh>" + ZH_NUMBER + r")"
)
_THRESHOLD_BARE = pattern(r"(?<![\w.])(?P<value>\d+(?:\.\d+)?)\s*(?P<unit>%)")
_UNITS = {
    "percent": "%",
    "per cent": "%",
    "percents": "%",
    "毫秒": "ms",
    "秒": "s",
    "seconds": "s",
    "second": "s",
}
_CONTAINS = pattern(
    r"(?:\b(?:contain(?:s|ing)?|with|including|mention(?:s|ing)?|match(?:es|ing)?|say(?:s|ing)?|about|for|keyword)\b|包含|含有|含|带有?|出现|关键[字词](?:是|为)?|搜索?|匹配|提到)\s*(?:the\s+(?:text|word|string|keyword)\s+|了)?$"
)
_CONTAINS_WORD = pattern(
    r"(?:\b(?:containing|contains?|mentioning|matching|keyword)\b|包含|含有|带有?|关键[字词](?:是|为)?|出现)\s*(?:the\s+(?:text|word|string)\s+|了)?(?P<word>[a-z][\w.:-]{2,}(?:\s+[a-z][\w.-]+){0,4}?)(?=\s*(?:的|$|[,.?;]|\b(?:in|on|from|of|for|since|last|during|between|yesterday|today)\b))"
)


def find_parameters(
    text: str,
    *,
    original: str = "",
    pods: str = "",
    quotes: Sequence[str],
    quoted_at: Sequence[tuple[int, int]],
    metrics: Sequence[str] = (),
) -> dict[str, str]:
    """All values that a plain text carries, whatever it asks for.

    Parameters
    ----------
    text : with services blank
    pods : the same text with services readable, for a pod's name begins with its service's
    original : the same text as it was typed, for names whose case matters
    quotes, quoted_at : what is quoted, and where
    metrics : names of metrics as the estate knows them
    """
    found = {
        "metric": ",".join(named_metrics(text, metrics)),
        "severity": _first(words.SEVERITIES, text),
        "level": _first(words.LEVELS, text),
        "text": _searched(text, original, quotes, quoted_at),
        "trace_id": _group(_TRACE_NAMED, text) or _group(_TRACE, text),
        "host": _group(_HOST, text, original),
        "pod": _group(_POD, pods or text, original),
        "namespace": _group(_NAMESPACE, text, original),
        "channel": _first(words.CHANNELS, text) or _named_channel(text),
        "detector": _first(words.DETECTORS, text),
        "threshold": _threshold(text),
        "count": _count(text),
        "language": _first(words.LANGUAGES, text),
        "action": _first(words.ACTIONS, text),
        "direction": _direction(text),
    }
    return {key: value for key, value in found.items() if value}


KEPT: Mapping[str, frozenset[str]] = {
    "level": frozenset({"logs"}),
    "text": frozenset({"logs", "write_query"}),
    "severity": frozenset({"incidents", "anomalies", "report", "diagnose", "similar"}),
    "channel": frozenset({"transactions", "metric", "compare", "forecast", "anomalies", "diagnose"}),
    "threshold": frozenset(
        {"metric", "forecast", "compare", "transactions", "host", "anomalies", "code", "write_query"}
    ),
    "language": frozenset({"code", "write_query", "explain"}),
    "action": frozenset({"act"}),
    "direction": frozenset({"topology"}),
    "host": frozenset(
        {
            "host",
            "metric",
            "forecast",
            "compare",
            "anomalies",
            "diagnose",
            "logs",
            "kubernetes",
            "changes",
            "topology",
        }
    ),
    "namespace": frozenset({"kubernetes", "anomalies", "diagnose", "metric", "logs", "changes", "topology"}),
    "pod": frozenset({"kubernetes", "anomalies", "diagnose", "metric", "logs"}),
    "trace_id": frozenset({"traces", "logs", "diagnose"}),
}
"""Intents in which a parameter means anything; one that is not listed here is kept with every intent."""


def fitting(found: Mapping[str, str], intent: str, text: str) -> dict[str, str]:
    """The values that belong to an intent; words such as "slow" name an indicator where none is named."""
    kept = {key: value for key, value in found.items() if key not in KEPT or intent in KEPT[key]}
    if intent not in MEASURED:
        kept.pop("metric", None)
    if "metric" not in kept and intent in ("metric", "compare", "forecast"):
        implied = "latency" if words.SLOW.search(text) else "error_rate" if words.ERRORS.search(text) else ""
        kept |= {"metric": implied} if implied else {}
    if (
        intent == "transactions"
        and "metric" not in kept
        and re.search(r"how\s+many|多少笔|几笔|number\s+of|多少单", text)
    ):
        kept["metric"] = "volume"
    return kept


def named_metrics(text: str, metrics: Sequence[str] = ()) -> tuple[str, ...]:
    """Indicators in the order in which they are said; a metric's own name stands for itself."""
    places: list[tuple[int, int, str]] = [
        (at, at + len(name), name)
        for name in metrics
        if len(name) >= SHORTEST_NAME and (at := text.find(name.lower())) >= 0
    ]
    for name, pattern_ in words.METRICS:
        for match in pattern_.finditer(text):
            if not any(start < match.end() and match.start() < end for start, end, _ in places):
                places.append((*match.span(), name))
    return tuple(dict.fromkeys(name for _, _, name in sorted(places)))


def reference(said: Iterable[Said], *, chosen: Window | None, text: str) -> str:
    """What a comparison is held against: a shift, or the other window that is said."""
    times = list(said)
    for each in times:
        if each.kind == "shift":
            return compact(each.shift_s)
    others = [each for each in times if each.window is not None and each.window != chosen]
    if others and others[0].window is not None:
        return f"{rfc3339(others[0].window.start)}/{rfc3339(others[0].window.end)}"
    if re.search(r"环比|\b(?:the\s+)?(?:hour|period)\s+before\b|上一?个?小时", text):
        return compact(chosen.seconds if chosen is not None else 3600.0)
    return ""


def _first(table: Sequence[tuple[str, re.Pattern[str]]], text: str) -> str:
    return next((name for name, pattern_ in table if pattern_.search(text)), "")


def _group(pattern_: re.Pattern[str], text: str, original: str = "") -> str:
    match = pattern_.search(text)
    names = [name for name, value in match.groupdict().items() if value] if match else []
    return _as_typed(match, names[0], original) if match and names else ""


def _as_typed(match: re.Match[str], name: str, original: str) -> str:
    start, end = match.span(name)
    return original[start:end] if len(original) >= end else match[name]


def _named_channel(text: str) -> str:
    name = _group(words.NAMED_CHANNEL, text)
    everyday = {
        "the",
        "of",
        "in",
        "by",
        "is",
        "was",
        "which",
        "each",
        "per",
        "all",
        "any",
        "this",
        "that",
        "for",
        "and",
        "has",
        "with",
    }
    return "" if name in everyday else name


def _direction(text: str) -> str:
    """The direction that is asked for; none where both are."""
    if re.search(
        r"上下游|上游.{0,6}下游|\bupstreams?\b.{0,20}\bdownstreams?\b|\bdownstreams?\b.{0,20}\bupstreams?\b",
        text,
    ):
        return ""
    return _first(words.DIRECTIONS, text)


def _count(text: str) -> str:
    found = number(_group(_COUNT, text) or "?")
    return "" if found is None else f"{found:.0f}"


def _threshold(text: str) -> str:
    match = _THRESHOLD.search(text) or _THRESHOLD_BARE.search(text)
    if match is None:
        return ""
    fields = match.groupdict()
    if fields.get("zh"):
        return f"{number(fields['zh']) or 0:.0f}%"
    unit = " ".join((fields["unit"] or "").split())
    unit = _UNITS.get(unit, unit)
    return fields["value"].replace(",", "") + (unit.upper() if re.fullmatch(r"[kmgt]i?b", unit) else unit)


def _searched(text: str, original: str, quotes: Sequence[str], quoted_at: Sequence[tuple[int, int]]) -> str:
    """What log lines shall hold: a quotation, or the words after "containing"."""
    for quote, (start, _) in zip(quotes, quoted_at, strict=True):
        if _CONTAINS.search(text[:start].rstrip()) or len(quotes) == 1:
            return quote
    match = _CONTAINS_WORD.search(text)
    return _as_typed(match, "word", original).strip() if match else ""
