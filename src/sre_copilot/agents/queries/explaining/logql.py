"""LogQL in words."""

from __future__ import annotations

from sre_copilot.agents.queries.explaining.explained import Explained, Findings
from sre_copilot.agents.queries.logql.check import check
from sre_copilot.agents.queries.logql.grammar import Said, parse
from sre_copilot.agents.queries.promql.parts import duration
from sre_copilot.agents.queries.written import QueryProblem
from sre_copilot.domain.knowledge import Lang

_OPS = {
    "=": ("is", "为"),
    "!=": ("is not", "不为"),
    "=~": ("matches", "匹配"),
    "!~": ("does not match", "不匹配"),
}
_LINES = {
    "|=": ("hold", "包含"),
    "!=": ("do not hold", "不包含"),
    "|~": ("match", "匹配"),
    "!~": ("do not match", "不匹配"),
}
_FUNCTIONS = {
    "count_over_time": ("counts lines", "统计行数"), "rate": ("computes lines per second", "计算每秒行数"), "bytes_over_time": ("adds up bytes", "累计字节数"), "bytes_rate": ("computes bytes per second", "计算每秒字节数"),
    "absent_over_time": ("tells when there is no line", "判断是否没有任何日志"), "quantile_over_time": ("computes a quantile of a field", "计算字段的分位值"), "avg_over_time": ("averages a field", "计算字段均值"),
    "max_over_time": ("takes the highest value of a field", "取字段最大值"), "min_over_time": ("takes the lowest value of a field", "取字段最小值"), "sum_over_time": ("adds up a field", "累加字段"),
    "sum": ("adds up series", "对序列求和"), "topk": ("keeps the largest", "保留最大的若干个"), "bottomk": ("keeps the smallest", "保留最小的若干个"), "avg": ("averages series", "对序列求均值"), "max": ("takes the highest series", "取最大序列"),
}  # fmt: skip
HOUR_S = 3600.0


def explain(query: str, lang: Lang) -> Explained:
    """A LogQL query in words."""
    found = Findings(lang)
    try:
        said = parse(query)
        check(query, None)
    except QueryProblem as problem:
        found.problem(str(problem), problem.zh)
        return found.explained("logql")
    _streams(said, found)
    for op, value in said.lines:
        found.say(f"Keeps lines that {_LINES[op][0]} “{value}”.", f"保留{_LINES[op][1]}“{value}”的行。")
    for parser in said.parsers:
        found.say(f"Reads fields out of each line as {parser}.", f"按 {parser} 从每行中解析字段。")
    for name, op, value in said.fields:
        word = _OPS.get(op, (op, op))
        found.say(f"Keeps lines whose {name} {word[0]} {value}.", f"保留 {name} {word[1]} {value} 的行。")
    _functions(said, found)
    if not said.lines and not said.is_metric and not any(op == "=" for _, op, _ in said.streams):
        found.danger(
            "low",
            "Cost: no label is given exactly, so many streams are read.",
            "开销：没有精确指定标签，会读取大量日志流。",
        )
    if max(said.ranges_s, default=0.0) > 24 * HOUR_S:
        found.danger(
            "low", "Cost: every point reads more than a day of lines.", "开销：每个点都要读取超过一天的日志。"
        )
    return found.explained("logql")


def _streams(said: Said, found: Findings) -> None:
    en = " and ".join(f"{name} {_OPS[op][0]} {value}" for name, op, value in said.streams)
    zh = "、".join(f"{name} {_OPS[op][1]} {value}" for name, op, value in said.streams)
    found.say(f"Reads the log streams where {en}.", f"读取满足 {zh} 的日志流。")


def _functions(said: Said, found: Findings) -> None:
    for function in reversed(said.functions):
        en, zh = _FUNCTIONS.get(function, (f"applies {function}", f"应用 {function}"))
        window = (
            f" over {duration(said.ranges_s[0])}"
            if function.endswith(("_over_time", "rate")) and said.ranges_s
            else ""
        )
        window_zh = f"（{duration(said.ranges_s[0])} 内）" if window else ""
        by = f", for each {' and '.join(said.by)}" if said.by and not window else ""
        by_zh = f"，按 {'、'.join(said.by)} 分组" if by else ""
        more = (
            f" ({said.k})"
            if function in ("topk", "bottomk") and said.k
            else f" ({said.quantile:g} of {said.unwrap[0]})"
            if function == "quantile_over_time" and said.unwrap and said.quantile
            else ""
        )
        found.say(f"Then {en}{more}{window}{by}.", f"然后{zh}{more}{window_zh}{by_zh}。")
    if said.comparison:
        found.say(
            f"Keeps results {said.comparison[0]} {said.comparison[1]:g}.",
            f"保留 {said.comparison[0]} {said.comparison[1]:g} 的结果。",
        )
