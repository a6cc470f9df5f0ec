"""Whether PromQL may be sent: it parses, names metrics and labels that there are, and reaches back no further than is sensible."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import promql_parser
from promql_parser import Call, Expr, MatrixSelector, SubqueryExpr, VectorSelector

from sre_copilot.agents.queries.schema import MetricSchema
from sre_copilot.agents.queries.written import Cost, QueryProblem
from sre_copilot.perception.promql.queries import parsed

LONGEST_REACH_S = 31 * 86_400.0  # a month: what servers commonly keep, and more than any alert looks at
MOST_STEPS = 2_000  # of a subquery: each is an evaluation of its own
SCRAPE_S = 15.0  # common distance of samples, to estimate how many are read
ALWAYS = frozenset({"__name__", "le", "quantile"})


@dataclass
class Seen:
    """What a query reads."""

    metrics: list[str] = field(default_factory=list)
    ranges_s: list[float] = field(default_factory=list)
    offsets_s: list[float] = field(default_factory=list)
    matchers: list[tuple[str, str, str, str]] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)
    steps: float = 0.0
    selectors: list[str] = field(default_factory=list)


def seen(query: str) -> tuple[Expr, Seen]:
    """Parse a query and collect what it reads.

    Raises
    ------
    QueryProblem : when it is no PromQL, or has no value to show
    """
    try:
        tree = parsed(query)
    except ValueError as error:
        raise QueryProblem(f"The query {error}", f"查询无法解析为 PromQL：{error}") from None
    found = Seen()

    def visit(node: Expr) -> None:
        _visit(node, found)

    promql_parser.walk(tree, visit)
    return tree, found


def _visit(node: Expr, found: Seen) -> None:
    if isinstance(node, VectorSelector):
        name = node.name or ""
        found.metrics.append(name)
        found.selectors.append(node.prettify().split(" offset")[0])
        found.matchers += [
            (name, each.name, _op(str(each.op)), each.value) for each in node.matchers.matchers
        ]
        if node.offset is not None:
            found.offsets_s.append(node.offset.total_seconds())
    elif isinstance(node, MatrixSelector):
        found.ranges_s.append(_seconds(node.range))
    elif isinstance(node, SubqueryExpr):
        length = _seconds(node.range)
        found.ranges_s.append(length)
        found.steps += length / (node.step.total_seconds() if node.step else 60.0)
    elif isinstance(node, Call):
        found.functions.append(node.func.name)


def _seconds(length: timedelta | None) -> float:
    return length.total_seconds() if length is not None else 0.0


def _op(text: str) -> str:
    return {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}.get(
        text, text
    )


def check(query: str, schema: MetricSchema | None) -> Cost:
    """The cost of a query that may be sent.

    Raises
    ------
    QueryProblem : says what is wrong, and what there is instead
    """
    _, found = seen(query)
    if any(not name for name in found.metrics):
        raise QueryProblem(
            "A selector without a metric name reads all there is; name the metric.",
            "没有指标名的选择器会读取全部序列；请写明指标名。",
        )
    reach = sum(found.ranges_s[:1] or [0.0]) if len(found.ranges_s) < 2 else max(found.ranges_s)
    reach += max((abs(each) for each in found.offsets_s), default=0.0)
    if reach > LONGEST_REACH_S:
        raise QueryProblem(
            f"It reaches back {reach / 86400:.0f} days; at most {LONGEST_REACH_S / 86400:.0f} are allowed. Ask for less.",
            f"查询回溯 {reach / 86400:.0f} 天，最多允许 {LONGEST_REACH_S / 86400:.0f} 天；请缩短范围。",
        )
    if found.steps > MOST_STEPS:
        raise QueryProblem(
            f"Its subquery has {found.steps:.0f} steps; at most {MOST_STEPS} are allowed. Give a longer step.",
            f"子查询有 {found.steps:.0f} 步，最多 {MOST_STEPS} 步；请加大步长。",
        )
    if schema is not None:
        _check_names(found, schema)
    return Cost(window_seconds=reach, points=None)


def _check_names(found: Seen, schema: MetricSchema) -> None:
    for name in found.metrics:
        if name not in schema.metrics:
            near = ", ".join(sorted(schema.metrics)[:6])
            raise QueryProblem(
                f"There is no metric {name}. There are, for example: {near}.",
                f"没有指标 {name}。现有的例如：{near}。",
            )
    for metric, label, _, _ in found.matchers:
        known = schema.metrics[metric].labels if metric in schema.metrics else ()
        if known and label not in known and label not in ALWAYS:
            raise QueryProblem(
                f"{metric} has no label {label}. It has: {', '.join(known)}.",
                f"{metric} 没有标签 {label}。它有：{', '.join(known)}。",
            )
