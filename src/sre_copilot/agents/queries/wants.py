"""Words that ask for a function, a rank or a grouping, in both languages."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sre_copilot.agents.understanding.durations import EN_NUMBER, ZH_NUMBER, number
from sre_copilot.agents.understanding.wording import Span, pattern

WANTS: Mapping[str, re.Pattern[str]] = {
    name: pattern(words)
    for name, words in {
        "rate": r"\bper\s+second\b|/\s?s(?:ec)?\b|\b(?:qps|tps|rps|throughput)\b|\brates?\b|\bper\s+sec\b|每秒|速率|频率|吞吐|速度",
        "increase": r"\bhow\s+(?:often|many\s+times)\b|\bincrease(?:s|d)?\b|\b(?:number|count)\s+of\b|\bhow\s+many\b|\bgrew\b|\bin\s+total\b|次数|多少次?|几次|增加了?|增量|新增|总共|总数|一共|数量",
        "count": r"\bhow\s+(?:many|often)\b|\bnumber\s+of\b|\bcounts?\b|\bcounted\b|\btally\b|\bvolume\b|\bfrequency\b|多少|几[笔条个次单件]|条数|笔数|次数|个数|单数|单量|件数|数量|总数|日志量|有多少|计数|统计.{0,6}数",
        "distinct": r"\b(?:distinct|different|unique)\b|去重|不同的?|独立|唯一",
        "avg": r"\b(?:average|averaged|mean|avg)\b|平均|均值",
        "max": r"\b(?:maximum|maximal|max|peak|largest|highest|biggest|longest|heaviest|greatest)\b|最大|最高|峰值|最长|最重",
        "min": r"\b(?:minimum|minimal|(?<!\d\s)(?<!minute\s)min|lowest|smallest|shortest|lightest|least)\b|最小|最低|最短|最轻|最少",
        "sum": r"\b(?:total|sum|summed|overall|altogether|add\s+up)\b|合计|总和|总额|求和|总计|一共|总量|总金额|之和|总共|共计",
        "share": r"\b(?:share|ratio|percentage|proportion|fraction|percent|utili[sz]ation)\b|\b(?:error|failure|success|hit|decline)\s+(?:rate|ratio)\b|占比|比例|百分比|(?:错误|失败|成功|命中|拒绝|使用|利用|占用|报错|可用|空闲)率",
        "busy": r"\b(?:busy|utili[sz]ation|usage|used|utili[sz]ed)\b|使用率|利用率|占用率|忙",
        "absent": r"\b(?:absent|absence|no\s+data|no\s+longer\s+report\w*|stopped\s+report\w*|not\s+report\w*|disappeared|gone|missing)\b|没有(?:任何)?(?:数据|上报|指标)|不存在|缺失|没有上报|未上报|无数据|断数|消失|停止上报",
        "zero": r"\bwithout\s+(?:a\s+single|any)\b|\b(?:zero|none)\b|\bno\b(?!\s+(?:data|longer|more|less|fewer))|一个.{0,6}都没有|没有一个|没有(?:任何)?可用|为\s?[0零](?!\.)",
        "predict": r"\b(?:predict|forecast|projected|extrapolat\w+|expected|will\s+be|run\s+out)\b|预测|预计|推算|外推|预估|将会|写满|耗尽",
        "change": r"\b(?:change[ds]?|delta|growth|difference|grown|grew|grow(?:s|ing)?|trend)\b|变化|增长|差值|涨了|趋势|增速",
        "compare": r"\b(?:compar\w+|versus|vs\.?|relative\s+to)\b|\bthan\s+(?:yesterday|last\s+week|a\s+(?:day|week)\s+ago)\b|比昨|比上周|同比|环比|对比|相比|较昨|相较|与昨|和昨|跟昨",
        "same_time": r"\bsame\s+(?:time|hour|period)\b|同期|同一时(?:间|刻|段)|这个时候|此时",
        "happened": r"(?<!经)过的|\bthat\s+(?:\w+ed|were|was)\b",
        "not": r"\b(?:not|without|except|excluding|other\s+than|but\s+no[t]?|no)\b|不含|不包含|不包括|排除|除了|没有|非(?=[\u3400-\u9fff])|不是|不带",
        "list": r"\b(?:show|list|give|find|display|which|everything|all)\b|列出|显示|查|列表|哪些|所有|全部|明细",
        "deviation": r"\b(?:standard\s+deviation|stddev)\b|标准差",
        "latest": r"\b(?:latest|newest|most\s+recent)\b|最新|最近的(?=\d|[一二三四五六七八九十几])",
        "oldest": r"\b(?:oldest|earliest)\b|最早|最旧|最老",
        "timeline": r"\bover\s+time\b|\btime\s*series\b|\bhistogram\b|\btimeline\b|随时间|时间分布|走势|趋势图|直方图",
    }.items()
}
_QUANTILE = (
    pattern(r"\bp\s?(?P<p>50|75|80|90|95|98|99(?:\.?9+)?)(?:th)?\b|(?<![a-z])p(?P<q>50|75|80|90|95|98|99(?:\.?9+)?)"),
    pattern(r"\b(?P<p>\d{1,2}(?:\.\d+)?)\s?(?:st|nd|rd|th)?[\s-]*(?:percentile|quantile|pct)\b|(?<![\d.])(?P<q>\d{1,2}(?:\.\d+)?)\s*(?:百)?分位"),
    pattern(r"\b(?P<m>median)\b|(?P<z>中位数)"),
)  # fmt: skip
_SMALL = r"(?:\d{1,4}|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|fifty|hundred)"
_MOST = r"(?:most|highest|largest|biggest|slowest|longest|busiest|worst|latest|newest|heaviest|greatest|loudest|hottest|fullest|top|most\s+\w+)"
_FEWEST = (
    r"(?:fewest|least|lowest|smallest|fastest|shortest|oldest|earliest|lightest|bottom|quietest|emptiest)"
)
_ZH_MOST, _ZH_FEWEST = (
    r"最(?:多|高|大|慢|长|忙|新|重|频繁|差|热|满|严重|繁忙|晚)",
    r"最(?:少|低|小|快|短|早|轻|旧|闲|空)",
)
_LIMITS: tuple[re.Pattern[str], ...] = (
    pattern(rf"\b(?:top[kn]?|bottom[kn]?|first|last|limit(?:\s+to)?|up\s+to)[\s-]+(?P<n>{_SMALL})\b(?!\s*(?:seconds?|minutes?|mins?|hours?|days?|weeks?|months?|[smhd]\b|%|ms))"),
    pattern(rf"\b(?P<n>{_SMALL})\s+(?:{_MOST}|{_FEWEST})\b"),
    pattern(rf"\b(?P<n>{_SMALL})\s+(?:[a-z_-]+\s+){{1,5}}?(?:with|having|that\s+have|are|is|by|had|has|were|use|uses|using|log|logged|writes?|produce|cause)\s+(?:the\s+)?(?:{_MOST}|{_FEWEST})\b"),
    pattern(rf"(?:前|头|top\s?)(?P<n>{ZH_NUMBER})(?!\s*(?:个?小时|分钟|分|秒|天|周|个?月|日|%))\s*(?:条|个|笔|台|名|家|位|行|大|种|项|件|单)?"),
    pattern(rf"(?:{_ZH_MOST}|{_ZH_FEWEST})的?(?P<n>{ZH_NUMBER})\s*(?:条|个|笔|台|名|家|位|行|种|项|件|单)?"),
    pattern(rf"(?:最近|最后)的?(?P<n>{ZH_NUMBER})\s*(?:条|笔|单|件|行)"),
    pattern(rf"的(?P<n>{ZH_NUMBER})\s*(?:条|笔|单)"),
    pattern(rf"\b(?:{_MOST}|{_FEWEST})\s+(?P<n>{_SMALL})\b(?!\s*(?:seconds?|minutes?|hours?|days?|%|ms))"),
    pattern(rf"(?:取|列|看|给我|显示|返回|只要|限)(?P<n>{ZH_NUMBER})\s*(?:条|个|笔|台|名|家|行)"),
    pattern(rf"\b(?:show|list|give\s+me|return)\s+(?P<n>{_SMALL})\s+(?=[a-z])(?!seconds?|minutes?|hours?|days?)"),
)  # fmt: skip
_ONE = pattern(
    rf"\b(?:which|what)\s+(?:single\s+)?[a-z]+\s+(?:has|have|had|is|was|causes?|uses?|produces?|writes?|logs?|gets?|receives?)\s+(?:the\s+)?{_MOST}\b|哪个?[一-龥]{{1,6}}{_ZH_MOST}"
)
_DOWN = pattern(
    rf"\b{_MOST}\b|\b(?:descending|desc|(?:highest|largest|newest|latest|biggest|most\s+\w+|slowest|longest)\s+first)\b|{_ZH_MOST}|从(?:多到少|高到低|大到小|新到旧|长到短|慢到快|晚到早)|降序|倒序|逆序|倒排|由(?:多到少|高到低|大到小|新到旧)"
)
_UP = pattern(
    rf"\b{_FEWEST}\b|\b(?:ascending|asc|(?:oldest|lowest|smallest|earliest|shortest)\s+first)\b|{_ZH_FEWEST}|从(?:少到多|低到高|小到大|旧到新|短到长|快到慢|早到晚)|升序|正序|由(?:少到多|低到高|小到大|旧到新|早到晚)"
)
_ALWAYS_UP = pattern(
    r"\b(?:oldest|earliest|smallest|lowest)\s+first\b|\basc(?:ending)?\b|升序|正序|从(?:少到多|低到高|小到大|旧到新|早到晚)"
)
_ALWAYS_DOWN = pattern(
    r"\b(?:newest|latest|largest|highest|most\s+\w+)\s+first\b|\bdesc(?:ending)?\b|降序|倒序|从(?:多到少|高到低|大到小|新到旧|晚到早)"
)
_GROUPS = (
    pattern(r"\b(?:grouped\s+by|group\s+by|split\s+by|broken\s+down\s+by|breakdown\s+by|separately\s+for|for\s+each|for\s+every|in\s+each|on\s+each|of\s+each|per|each|every|by)\s+"),
    pattern(r"(?:每一?[个台条只位家张种款类名]?|各个?|按照?(?![^,，。]{1,8}(?:排名|排序|最))|分别按|逐个?|分(?=[\u3400-\u9fff]{2}))"),
)  # fmt: skip
_NOT_A_GROUP = pattern(
    r"\b(?:ordered|order|sorted|sort|ranked|made|sent|caused|written|done|handled|followed|called|issued)\s+$"
)
STRETCH = 22  # characters after `by` in which the first name of a label must begin


def found(text: str) -> dict[str, tuple[Span, ...]]:
    """What is asked for, and where."""
    hits = {name: tuple(match.span() for match in words.finditer(text)) for name, words in WANTS.items()}
    return {name: spans for name, spans in hits.items() if spans}


def quantile(text: str) -> tuple[float | None, list[Span]]:
    """The quantile that is asked for, between 0 and 1."""
    for words in _QUANTILE:
        if match := words.search(text):
            fields = match.groupdict()
            said = fields.get("p") or fields.get("q")
            if said is None:
                return 0.5, [match.span()]
            value = float(said)
            value = value / 10 ** (len(said) - 2) if "." not in said and value > 100 else value
            return round(value / 100, 6), [match.span()]
    return None, []


def ranked(text: str) -> tuple[int | None, bool | None, Span | None, list[Span]]:
    """How many are wanted, whether the largest come first, where that is said, and all that says it."""
    limit, spans = None, []
    for words in _LIMITS:
        match = words.search(text)
        if match and (count := number(match["n"]) if match["n"] != "hundred" else 100.0):
            limit = int(count)
            spans.append(match.span())
            break
    if limit is None and (single := _ONE.search(text)):
        limit = 1
        spans.append(single.span())
    down, up = _DOWN.search(text), _UP.search(text)
    if said := _ALWAYS_UP.search(text):
        return limit, False, said.span(), [*spans, said.span()]
    if said := _ALWAYS_DOWN.search(text):
        return limit, True, said.span(), [*spans, said.span()]
    if down or up:
        first = down if down and (up is None or down.start() <= up.start()) else up
        if first is not None:
            return limit, first is down, first.span(), [*spans, first.span()]
    return limit, None, None, spans


def groups(text: str) -> list[Span]:
    """Stretches that begin with the name of what to group by."""
    spans = []
    for words in _GROUPS:
        spans += [
            (match.end(), min(len(text), match.end() + STRETCH))
            for match in words.finditer(text)
            if not _NOT_A_GROUP.search(text[: match.start()])
        ]
    return sorted(spans)


__all__ = ["EN_NUMBER", "WANTS", "found", "groups", "quantile", "ranked"]
