"""What a query says, read from its own parse tree and not from how it was written; and whether it has a property."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import promql_parser
import sqlglot
from promql_parser import AggregateExpr, BinaryExpr, Call, Expr, NumberLiteral
from sqlglot import exp

from sre_copilot.agents.queries.logql.grammar import length, parse
from sre_copilot.agents.queries.promql.check import seen
from sre_copilot.agents.queries.written import Language

CLOSE = 1e-9
_SQL_OPS: tuple[tuple[type, str], ...] = (
    (exp.EQ, "="),
    (exp.NEQ, "!="),
    (exp.GT, ">"),
    (exp.GTE, ">="),
    (exp.LT, "<"),
    (exp.LTE, "<="),
    (exp.Like, "like"),
    (exp.ILike, "like"),
)


@dataclass
class Facts:
    """What a query says, by property; each a list of values to compare with."""

    said: dict[str, list[Any]] = field(default_factory=dict)

    def add(self, name: str, value: Any) -> None:
        """Note a value of a property."""
        self.said.setdefault(name, []).append(value)


def facts(query: str, language: Language, dialect: str) -> Facts:
    """Everything that a query says."""
    found = Facts()
    if language == "promql":
        _promql(query, found)
    elif language == "logql":
        _logql(query, found)
    elif language == "sql":
        _sql(query, dialect, found)
    elif language == "elasticsearch":
        _search(json.loads(query), found)
    return found


def _promql(query: str, found: Facts) -> None:
    tree, read = seen(query)
    for name in read.metrics:
        found.add("metric", name)
    for _, name, op, value in read.matchers:
        found.add("matcher", {"name": name, "op": op, "value": value})
    for each in read.ranges_s:
        found.add("range", each)
    for each in read.offsets_s:
        found.add("offset", each)
    scales = _scales(tree)

    def visit(node: Expr) -> None:
        if isinstance(node, Call):
            found.add("function", node.func.name)
            if node.func.name.endswith("quantile") and isinstance(node.args[0], NumberLiteral):
                found.add("quantile", node.args[0].val)
        elif isinstance(node, AggregateExpr):
            found.add("function", str(node.op))
            if node.modifier is not None and node.modifier.labels:
                found.add("by", list(node.modifier.labels))
            if isinstance(node.param, NumberLiteral):
                found.add("quantile" if str(node.op) == "quantile" else "k", node.param.val)
        elif isinstance(node, BinaryExpr):
            _comparison(node, scales, found)

    promql_parser.walk(tree, visit)


def _scales(tree: Expr) -> bool:
    """Whether a side is multiplied by 100, so that 10 stands for a tenth."""
    return "100" in tree.prettify()


def _comparison(node: BinaryExpr, scaled: bool, found: Facts) -> None:
    op = str(node.op).split()[0]
    if op in (">", ">=", "<", "<=", "==", "!=") and isinstance(node.rhs, NumberLiteral):
        found.add("comparison", {"op": op, "value": node.rhs.val})
        if scaled:
            found.add("comparison", {"op": op, "value": node.rhs.val / 100})


def _logql(query: str, found: Facts) -> None:
    said = parse(query)
    for name, op, value in said.streams:
        found.add("stream", {"name": name, "op": op, "value": value})
    for op, text in said.lines:
        found.add("line_filter", {"op": op, "text": text})
    for name, op, value in said.fields:
        found.add("field_filter", {"name": name, "op": "=" if op == "==" else op, "value": value})
    many: tuple[tuple[str, Sequence[Any]], ...] = (
        ("parser", said.parsers), ("function", said.functions), ("range", said.ranges_s), ("offset", said.offsets_s),
    )  # fmt: skip
    for name, values in many:
        for each in values:
            found.add(name, each)
    if said.by:
        found.add("by", said.by)
    for name, number in (("quantile", said.quantile), ("k", said.k)):
        if number is not None:
            found.add(name, float(number))
    if said.comparison:
        found.add("comparison", {"op": said.comparison[0], "value": said.comparison[1]})


def _sql(query: str, dialect: str, found: Facts) -> None:
    tree = sqlglot.parse_one(query, dialect=dialect)
    for table in tree.find_all(exp.Table):
        found.add("table", table.name)
    for kind, op in _SQL_OPS:
        for node in tree.find_all(kind):  # type: ignore[var-annotated]
            _sql_condition(node, op, found)
    for node in tree.find_all(exp.In):
        for value in node.expressions:
            found.add("where", {"name": node.this.name, "op": "=", "value": value.name})
    for function in tree.find_all(exp.AggFunc):
        inner = function.this
        distinct = isinstance(inner, exp.Distinct)
        name = (
            inner.expressions[0].name
            if distinct
            else ""
            if inner is None or isinstance(inner, exp.Star)
            else inner.name
        )
        called = function.sql_name().lower()
        found.add("aggregate", {"function": called, "name": name})
        if distinct:
            found.add("aggregate", {"function": "count_distinct", "name": name})
            found.add("aggregate", {"function": "count distinct", "name": name})
    group = tree.args.get("group")
    if group is not None:
        found.add("group_by", [each.name for each in group.expressions])
    order = tree.args.get("order")
    for each in order.expressions if order is not None else ():
        found.add(
            "order_by",
            {"name": _ordered(each.this, tree), "direction": "desc" if each.args.get("desc") else "asc"},
        )
    limit = tree.args.get("limit")
    if limit is not None:
        found.add("limit", int(limit.expression.name))


def _ordered(node: exp.Expr, tree: exp.Expr) -> str:
    if isinstance(node, exp.AggFunc):
        inner = node.this
        return node.sql_name().lower() if isinstance(inner, exp.Star) or inner is None else inner.name
    aliased = next(
        (each.this for each in tree.expressions if isinstance(each, exp.Alias) and each.alias == node.name),
        None,
    )
    return _ordered(aliased, tree) if aliased is not None and aliased is not node else str(node.name)


def _sql_condition(node: exp.Expr, op: str, found: Facts) -> None:
    left, right = node.this, node.expression
    if isinstance(left, exp.Column) and isinstance(right, exp.Literal):
        found.add("where", {"name": left.name, "op": op, "value": right.name})
        found.add("having", {"op": op, "value": right.name})
    elif isinstance(left, exp.AggFunc) and isinstance(right, exp.Literal):
        found.add("having", {"op": op, "value": right.name})
    elif isinstance(left, exp.Column) and op in (">", ">="):
        interval = node.find(exp.Interval)
        said = interval.sql(dialect="mysql") if interval is not None else right.sql()
        match = re.search(r"(\d+)'?\s*'?\s*(second|minute|hour|day|week|month)", said.lower())
        if match:
            found.add(
                "time",
                {
                    "name": left.name,
                    "last": float(match[1])
                    * {
                        "second": 1,
                        "minute": 60,
                        "hour": 3600,
                        "day": 86400,
                        "week": 604800,
                        "month": 2592000,
                    }[match[2]],
                },
            )


def _search(body: Mapping[str, Any], found: Facts) -> None:
    _clause(body.get("query") or {}, found, negated=False)
    found.add("size", body.get("size", 10))
    for each in body.get("sort") or []:
        name, order = next(iter(each.items())) if isinstance(each, Mapping) else (each, "asc")
        found.add(
            "order_by", {"name": name, "direction": order["order"] if isinstance(order, Mapping) else order}
        )
    _aggregations(body.get("aggs") or {}, found)


def _clause(node: Mapping[str, Any], found: Facts, *, negated: bool) -> None:
    signs = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
    for kind, inner in node.items():
        if kind == "bool":
            for key, parts in inner.items():
                for part in parts if isinstance(parts, list) else [parts]:
                    _clause(part, found, negated=key == "must_not")
        elif kind in ("term", "terms"):
            name, value = next(iter(inner.items()))
            for each in value if isinstance(value, list) else [value]:
                found.add("filter", {"name": name, "op": "!=" if negated else "=", "value": each})
        elif kind in ("match", "match_phrase"):
            name, value = next(iter(inner.items()))
            found.add("not_match" if negated else "match", f"{name} {value}")
        elif kind == "range":
            name, bounds = next(iter(inner.items()))
            for bound, value in bounds.items():
                found.add("filter", {"name": name, "op": signs.get(bound, bound), "value": value})
                if str(value).startswith("now-"):
                    found.add("time", {"name": name, "last": length(str(value)[4:])})


def _aggregations(node: Mapping[str, Any], found: Facts) -> None:
    for each in node.values():
        for kind, body in each.items():
            if kind in ("aggs", "aggregations"):
                _aggregations(body, found)
                continue
            found.add("aggregate", {"function": kind, "name": body.get("field", "")})
            if kind == "terms":
                found.add("size", body.get("size", 10))
                found.add(
                    "order_by",
                    {
                        "name": next(iter(body.get("order") or {"_count": "desc"})),
                        "direction": next(iter((body.get("order") or {"_count": "desc"}).values())),
                    },
                )
            for interval in ("fixed_interval", "calendar_interval"):
                if interval in body:
                    found.add("interval", length(body[interval]))
            for percent in body.get("percents") or ():
                found.add("quantile", percent / 100)


def has(found: Facts, name: str, wanted: Any) -> bool:
    """Whether a query has a property with a value."""
    here = found.said.get(name, [])
    if name in ("range", "offset", "interval"):
        return any(abs(each - length(str(wanted))) < CLOSE for each in here)
    if name == "time":
        return any(
            each["name"] == wanted["name"] and abs(each["last"] - length(wanted["last"])) < CLOSE
            for each in here
        )
    if name in ("by", "group_by"):
        return any(
            set(each) == set(wanted) or (name == "group_by" and set(wanted) <= set(each)) for each in here
        )
    if isinstance(wanted, Mapping):
        return any(_equal(each, wanted) for each in here)
    return any(_same(each, wanted) for each in here)


def _equal(one: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    if one.get("op") == "=~" and wanted.get("op") == "=~" and one.get("name") == wanted.get("name"):
        return set(str(one["value"]).split("|")) == set(str(wanted["value"]).split("|"))
    if (
        "direction" in wanted
        and one.get("direction") == wanted["direction"]
        and wanted.get("name") in ("count", "_count", "")
    ):
        return str(one.get("name")) in ("count", "_count", "value")
    return all(_same(one.get(key), value) for key, value in wanted.items())


def _same(one: Any, other: Any) -> bool:
    try:
        return abs(float(one) - float(other)) < CLOSE
    except (TypeError, ValueError):
        return str(one).lower() == str(other).lower()
