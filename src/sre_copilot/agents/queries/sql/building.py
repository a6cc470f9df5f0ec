"""Pieces of a statement as expressions of sqlglot: values are always literals, names always identifiers."""

from __future__ import annotations

from collections.abc import Sequence

import sqlglot
from sqlglot import exp

from sre_copilot.agents.queries.promql.parts import number as shown
from sre_copilot.agents.queries.written import QueryProblem

_COMPARE = {">": exp.GT, ">=": exp.GTE, "<": exp.LT, "<=": exp.LTE, "==": exp.EQ, "!=": exp.NEQ}
_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
_TRUNC = {60.0: "minute", 3600.0: "hour", 86400.0: "day", 604800.0: "week", 2592000.0: "month"}
_MYSQL = {
    60.0: "%Y-%m-%d %H:%i:00",
    3600.0: "%Y-%m-%d %H:00:00",
    86400.0: "%Y-%m-%d",
    604800.0: "%x-%v",
    2592000.0: "%Y-%m",
}
_SQLITE = {
    60.0: "%Y-%m-%d %H:%M:00",
    3600.0: "%Y-%m-%d %H:00:00",
    86400.0: "%Y-%m-%d",
    604800.0: "%Y-%W",
    2592000.0: "%Y-%m",
}


def table(name: str) -> exp.Table:
    """A table."""
    return exp.Table(this=exp.to_identifier(name))


def column(table_name: str, name: str) -> exp.Column:
    """A column of a table."""
    return exp.column(name, table=table_name)


def count() -> exp.Expr:
    """The count of rows."""
    return exp.Count(this=exp.Star())


def aggregate(function: str, table_name: str, name: str, *, distinct: bool = False) -> exp.Expr:
    """An aggregate of a column."""
    kinds = {"count": exp.Count, "sum": exp.Sum, "avg": exp.Avg, "max": exp.Max, "min": exp.Min}
    inner: exp.Expr = column(table_name, name)
    return kinds[function](this=exp.Distinct(expressions=[inner]) if distinct else inner)


def percentile(table_name: str, name: str, quantile: float, dialect: str) -> exp.Expr:
    """A percentile, where the dialect has one.

    Raises
    ------
    QueryProblem : where it has none
    """
    if dialect != "postgres":
        raise QueryProblem(
            f"{dialect} has no percentile; ask for the maximum or the mean.",
            f"{dialect} 没有分位函数；请改问最大值或均值。",
        )
    ordered = exp.Order(expressions=[exp.Ordered(this=column(table_name, name), nulls_first=False)])
    return exp.WithinGroup(
        this=exp.PercentileCont(this=exp.Literal.number(shown(quantile))), expression=ordered
    )


def share(condition: exp.Expr) -> exp.Expr:
    """The share of rows for which a condition holds."""
    one, none = exp.Literal.number("1.0"), exp.Literal.number("0")
    return exp.Avg(this=exp.Case(ifs=[exp.If(this=condition, true=one)], default=none))


def compare(left: exp.Expr, op: str, value: float) -> exp.Expr:
    """A comparison with a number."""
    return _COMPARE[op](this=left, expression=exp.Literal.number(shown(value)))


def compare_text(table_name: str, name: str, op: str, value: str) -> exp.Expr:
    """A comparison with a text or a time."""
    return _COMPARE[op](this=column(table_name, name), expression=exp.Literal.string(value))


def equal(
    table_name: str, name: str, values: Sequence[str], *, negated: bool = False, number: bool = False
) -> exp.Expr:
    """Whether a column has one of some values."""
    is_number = number and all(each.replace(".", "", 1).isdigit() for each in values)
    literals = [exp.Literal.number(each) if is_number else exp.Literal.string(each) for each in values]
    left = column(table_name, name)
    if len(literals) == 1:
        return (exp.NEQ if negated else exp.EQ)(this=left, expression=literals[0])
    inside = exp.In(this=left, expressions=literals)
    return exp.Not(this=inside) if negated else inside


def since(table_name: str, name: str, window_s: float, dialect: str) -> exp.Expr:
    """Whether a time lies in the last so many seconds."""
    length, unit = next(
        (round(window_s / size), unit) for size, unit in _UNITS if window_s >= size and window_s % size == 0
    )
    text = {
        "postgres": f"NOW() - INTERVAL '{length} {unit}'",
        "mysql": f"NOW() - INTERVAL {length} {unit.upper()}",
        "sqlite": f"DATETIME('now', '-{length} {unit}s')",
    }[dialect]
    return exp.GTE(this=column(table_name, name), expression=sqlglot.parse_one(text, dialect=dialect))


def bucket(table_name: str, name: str, interval_s: float, dialect: str) -> exp.Expr:
    """The stretch of time that a row belongs to."""
    where = column(table_name, name).sql(dialect=dialect)
    if interval_s not in _TRUNC:
        raise QueryProblem(
            "Rows are grouped by minute, hour, day, week or month; name one of these.",
            "只能按分钟、小时、天、周或月分组；请指定其一。",
        )
    even = interval_s
    if dialect == "postgres":
        text = f"DATE_TRUNC('{_TRUNC[even]}', {where})"
    elif dialect == "mysql":
        text = f"DATE_FORMAT({where}, '{_MYSQL[even]}')"
    else:
        text = f"STRFTIME('{_SQLITE[even]}', {where})"
    return sqlglot.parse_one(text, dialect=dialect)


def unqualified(statement: exp.Select) -> exp.Select:
    """The statement without the table before each column, where there is but one table."""
    for each in statement.find_all(exp.Column):
        each.set("table", None)
    return statement


def rendered(statement: exp.Select, dialect: str) -> str:
    """The text of a statement; names that are words of the language are quoted."""
    for each in statement.find_all(exp.Identifier):
        if each.name.lower() in _RESERVED:
            each.set("quoted", True)
    return statement.sql(dialect=dialect)


_RESERVED = frozenset(
    {
        "at",
        "order",
        "group",
        "user",
        "table",
        "select",
        "from",
        "to",
        "key",
        "index",
        "limit",
        "desc",
        "check",
        "end",
        "column",
        "default",
        "references",
        "when",
    }
)
