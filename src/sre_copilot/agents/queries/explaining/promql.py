"""PromQL in words."""

from __future__ import annotations

from promql_parser import (
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    MatrixSelector,
    NumberLiteral,
    ParenExpr,
    StringLiteral,
    SubqueryExpr,
    UnaryExpr,
    VectorSelector,
)

from sre_copilot.agents.queries.explaining.explained import Explained, Findings
from sre_copilot.agents.queries.promql.check import check, seen
from sre_copilot.agents.queries.promql.parts import duration, number
from sre_copilot.agents.queries.written import QueryProblem
from sre_copilot.domain.knowledge import Lang

DAY_S = 86_400.0
_CALLS = {
    "rate": ("the rate per second of {0}", "{0} 的每秒速率"),
    "irate": ("the rate per second between the last two samples of {0}", "{0} 最后两个样本之间的每秒速率"),
    "increase": ("by how much {0} grew", "{0} 的增量"),
    "delta": ("by how much {0} changed", "{0} 的变化量"),
    "deriv": ("the slope per second of {0}", "{0} 的每秒斜率"),
    "absent": ("1 when there is no {0} at all", "当 {0} 不存在时为 1"),
    "absent_over_time": ("1 when there was no {0} at all", "当 {0} 一直不存在时为 1"),
    "histogram_quantile": ("the quantile {0} out of the buckets of {1}", "由 {1} 的分桶求出的 {0} 分位值"),
    "predict_linear": (
        "what {0} will be in {1} seconds if its trend goes on",
        "按线性趋势，{0} 在 {1} 秒后的值",
    ),
    "quantile_over_time": ("the quantile {0} over time of {1}", "{1} 随时间的 {0} 分位值"),
    "avg_over_time": ("the mean over time of {0}", "{0} 随时间的均值"),
    "max_over_time": ("the highest value over time of {0}", "{0} 随时间的最大值"),
    "min_over_time": ("the lowest value over time of {0}", "{0} 随时间的最小值"),
    "sum_over_time": ("the sum over time of {0}", "{0} 随时间之和"),
    "count_over_time": ("the number of samples of {0}", "{0} 的样本数"),
    "last_over_time": ("the last value of {0}", "{0} 的最后一个值"),
    "time": ("the present time", "当前时间"),
    "changes": ("how often {0} changed", "{0} 的变化次数"),
    "resets": ("how often {0} began anew", "{0} 的归零次数"),
}
_AGGREGATES = {
    "sum": ("the sum", "之和"), "avg": ("the mean", "均值"), "max": ("the highest", "最大值"), "min": ("the lowest", "最小值"), "count": ("the number of series", "序列数"),
    "stddev": ("the standard deviation", "标准差"), "group": ("the groups", "分组"),
}  # fmt: skip
_MATCHES = {
    "=": ("{0} is {1}", "{0} 为 {1}"),
    "!=": ("{0} is not {1}", "{0} 不为 {1}"),
    "=~": ("{0} matches {1}", "{0} 匹配 {1}"),
    "!~": ("{0} does not match {1}", "{0} 不匹配 {1}"),
}
_OPERATORS = {
    "/": ("{0}, divided by {1}", "{0} 除以 {1}"),
    "*": ("{0}, times {1}", "{0} 乘以 {1}"),
    "-": ("{0}, less {1}", "{0} 减去 {1}"),
    "+": ("{0}, plus {1}", "{0} 加上 {1}"),
}


def explain(query: str, lang: Lang) -> Explained:
    """A PromQL query in words."""
    found = Findings(lang)
    try:
        tree, read = seen(query)
    except QueryProblem as problem:
        found.problem(str(problem), problem.zh)
        return found.explained("promql")
    found.say(f"It computes {words(tree, 'en')}.", f"计算：{words(tree, 'zh')}。")
    found.say(
        f"It reads {', '.join(dict.fromkeys(name or 'all metrics' for name in read.metrics))}.",
        f"读取指标：{', '.join(dict.fromkeys(name or '全部' for name in read.metrics))}。",
    )
    try:
        reach = check(query, None).window_seconds or 0.0
    except QueryProblem as problem:
        found.danger("medium", f"Cost: {problem}", f"开销：{problem.zh}")
        return found.explained("promql")
    if reach > DAY_S:
        found.danger(
            "low",
            f"Cost: it reaches back {duration(reach)} at every step.",
            f"开销：每一步都回溯 {duration(reach)}。",
        )
    if any(op in ("=~", "!~") and value.startswith(".*") for _, _, op, value in read.matchers):
        found.danger(
            "low",
            "Cost: a regular expression that begins with .* is held against every value of the label.",
            "开销：以 .* 开头的正则会与标签的每个取值比较。",
        )
    return found.explained("promql")


def words(node: Expr, lang: Lang) -> str:  # noqa: PLR0911 - one return a kind
    """A part of a query in words."""
    zh = lang == "zh"
    if isinstance(node, ParenExpr):
        return words(node.expr, lang)
    if isinstance(node, NumberLiteral):
        return number(node.val)
    if isinstance(node, StringLiteral):
        return repr(node.val)
    if isinstance(node, VectorSelector):
        return _selector(node, lang)
    if isinstance(node, MatrixSelector):
        length = duration(node.range.total_seconds())
        return (
            f"{_selector(node.vector_selector, lang)}（{length} 内）"
            if zh
            else f"{_selector(node.vector_selector, lang)} over {length}"
        )
    if isinstance(node, SubqueryExpr):
        length = duration(node.range.total_seconds() if node.range is not None else 0.0)
        return (
            f"{words(node.expr, lang)}（{length} 内逐点计算）"
            if zh
            else f"{words(node.expr, lang)}, computed again and again over {length}"
        )
    if isinstance(node, UnaryExpr):
        return f"负的 {words(node.expr, lang)}" if zh else f"minus {words(node.expr, lang)}"
    if isinstance(node, Call):
        return _call(node, lang)
    if isinstance(node, AggregateExpr):
        return _aggregate(node, lang)
    return _binary(node, lang) if isinstance(node, BinaryExpr) else str(node)


def _selector(node: VectorSelector, lang: Lang) -> str:
    zh = lang == "zh"
    ops = {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}
    conditions = [
        _MATCHES[ops.get(str(each.op), "=")][zh].format(each.name, each.value or '""')
        for each in node.matchers.matchers
    ]
    name = node.name or ("全部指标" if zh else "all metrics")
    said = name
    if conditions:
        said += f"（{'、'.join(conditions)}）" if zh else f" where {' and '.join(conditions)}"
    if node.offset is not None and node.offset.total_seconds():
        shift = duration(abs(node.offset.total_seconds()))
        said += f"（{shift} 之前）" if zh else f" {shift} earlier"
    return said


def _call(node: Call, lang: Lang) -> str:
    given = [words(each, lang) for each in node.args]
    form = _CALLS.get(node.func.name)
    if form is None or form[0].count("{") > len(given):
        return f"{node.func.name}({', '.join(given)})"
    return form[lang == "zh"].format(*given)


def _aggregate(node: AggregateExpr, lang: Lang) -> str:
    zh, op, inner = lang == "zh", str(node.op), words(node.expr, lang)
    by = ""
    if node.modifier is not None and node.modifier.labels:
        labels = ("、" if zh else " and ").join(node.modifier.labels)
        without = "Without" in str(node.modifier.type)
        by = (
            (f"除 {labels} 外分组" if without else f"按 {labels} 分组")
            if zh
            else (f" over all but {labels}" if without else f" for each {labels}")
        )
    if op in ("topk", "bottomk"):
        k = words(node.param, lang) if node.param is not None else "k"
        most = ("最大" if zh else "largest") if op == "topk" else ("最小" if zh else "smallest")
        return f"{inner} 中{most}的 {k} 个{by}" if zh else f"the {k} {most}{by} of: {inner}"
    word = _AGGREGATES.get(op, (f"the {op}", op))[zh]
    return f"{inner} 的{word}{f'（{by}）' if by else ''}" if zh else f"{word}{by} of {inner}"


def _binary(node: BinaryExpr, lang: Lang) -> str:
    op = str(node.op).split()[0]
    left, right = words(node.lhs, lang), words(node.rhs, lang)
    if op in _OPERATORS:
        return _OPERATORS[op][lang == "zh"].format(left, right)
    if op in ("and", "or", "unless"):
        return f"{left} {op} {right}"
    return f"满足 {op} {right} 的 {left}" if lang == "zh" else f"{left}, only where that is {op} {right}"


__all__ = ["explain", "words"]
