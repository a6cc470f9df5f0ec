"""Words to SQL by rules: from which table, which rows, grouped by what, what of them, in which order."""

from __future__ import annotations

import re

from sqlglot import exp

from sre_copilot.agents.queries import fields
from sre_copilot.agents.queries.linking import (
    named_values,
    surfaces,
)
from sre_copilot.agents.queries.request import Comparison, Request
from sre_copilot.agents.queries.schema import SqlSchema
from sre_copilot.agents.queries.sql import building as build
from sre_copilot.agents.queries.sql.joins import keys, path
from sre_copilot.agents.queries.sql.planning import Plan, newest, plan_of, ranked_groups
from sre_copilot.agents.queries.text import parts
from sre_copilot.agents.queries.written import QueryProblem

ROWS = 100  # of a list where nobody says how many
_COUNTERS = ("笔", "单", "次", "条", "件", "个")


def write(request: Request, schema: SqlSchema, *, now: float) -> str:
    """The statement.

    Raises
    ------
    QueryProblem : when no table is named, or two tables are that nothing joins
    """
    plan = plan_of(request, schema, now)
    having, wheres = _conditions(plan)
    time_column = _time_column(plan)
    wheres += _times(plan, time_column)
    measure = _share(plan) if request.wanted("share") and plan.values else _measure(plan)
    if measure is None and (plan.groups or having is not None or (request.interval_s and time_column)):
        measure = build.count()
    bucket = (
        build.bucket(plan.table, time_column, request.interval_s, schema.dialect)
        if request.interval_s and time_column and measure is not None
        else None
    )
    statement = _selected(plan, measure, bucket)
    wheres_all = [*wheres, *_value_conditions(plan)]
    for condition in wheres_all:
        statement = statement.where(condition, copy=False)
    if having is not None:
        statement = statement.having(having, copy=False)
    statement = _ordered(statement, plan, measure, bucket, time_column)
    return build.rendered(_joined(statement, plan), schema.dialect)


def _conditions(plan: Plan) -> tuple[exp.Expr | None, list[exp.Expr]]:
    """What groups must hold, and what rows must."""
    having, rows = None, list[exp.Expr]()
    for each in plan.request.comparisons:
        name = fields.compared_field(each, plan.request, plan.numbers)
        if _of_groups(each, plan) or not name:
            having = build.compare(build.count(), each.op, each.value)
        else:
            for span in surfaces(plan.request.text, name):
                plan.request.text.use(span)
            rows.append(build.compare(build.column(plan.table, name), each.op, fields.in_unit_of(each, name)))
    if having is not None and not plan.groups:
        plan.groups = ranked_groups(plan)
    return (having if plan.groups else None), rows


def _of_groups(comparison: Comparison, plan: Plan) -> bool:
    """Whether a number counts rows: more than 5 refunds, 超过3笔."""
    if comparison.unit in _COUNTERS:
        return bool(plan.groups or len(plan.named) > 1)
    after = plan.request.text.plain[comparison.span[1] : comparison.span[1] + 24]
    start = comparison.span[1]
    spans = [span for name in plan.named for span in surfaces(plan.request.text, name)]
    return bool(after) and any(start <= span[0] <= start + 16 for span in spans) and len(plan.named) > 1


def _value_conditions(plan: Plan) -> list[exp.Expr]:
    text, found = plan.request.text, []
    taken = [each.span for _, each in plan.values] + [each.span for each in plan.request.comparisons]
    by_column: dict[tuple[str, str, bool], list[str]] = {}
    is_share = plan.request.wanted("share") and bool(plan.values)
    for table, each in () if is_share else plan.values:
        by_column.setdefault((table, each.name.split(".", 1)[1], each.negated), []).append(each.value)
    columns = [name for name in plan.columns if not any(name == b for _, b in plan.groups)]
    for each in named_values(text, columns, taken=taken):
        by_column.setdefault((plan.table, each.name, each.negated), []).append(each.value)
        text.use(each.span)
    code = re.search(r"(?<![A-Za-z])[A-Z]{2}(?![A-Za-z])", text.raw)
    if "country" in plan.columns and code is not None and code[0] not in ("ID", "OK", "IP"):
        by_column.setdefault((plan.table, "country", False), []).append(code[0])
        text.use(code.span())
    if "currency" in plan.columns and (money := fields.currency(text)):
        by_column.setdefault((plan.table, "currency", False), []).append(money[0])
        text.use(money[1])
    places = [
        (table, name)
        for name in ("city", "region")
        for table in (plan.table, *plan.named)
        if name in plan.schema.tables[table]
    ]
    if places and (where := fields.place(text, taken)):
        by_column.setdefault((*places[0], False), []).append(where[0])
        text.use(where[1])
    for (table, name, negated), values in by_column.items():
        kind = plan.schema.tables[table].get(name, "text")
        found.append(
            build.equal(
                table, name, list(dict.fromkeys(values)), negated=negated, number=fields.numeric(kind)
            )
        )
    return found


def _time_column(plan: Plan) -> str:
    times = [name for name, kind in plan.columns.items() if fields.temporal(name, kind)]
    said = [
        name
        for name in times
        if any(
            word not in ("at", "time", "date", "ts") and plan.request.text.called(word)
            for word in parts(name)
        )
    ]
    preferred = [name for name in ("created_at", "at", "ts", "timestamp", "created", "time") if name in times]
    return next(iter((*said, *preferred, *times)), "")


def _times(plan: Plan, column: str) -> list[exp.Expr]:
    if not column:
        return []
    if plan.request.window_s and plan.request.interval_s != plan.request.window_s:
        return [build.since(plan.table, column, plan.request.window_s, plan.schema.dialect)]
    window = fields.absolute(plan.request, plan.now)
    if window is None:
        return []
    return [
        build.compare_text(plan.table, column, ">=", fields.stamp(window.start)),
        build.compare_text(plan.table, column, "<", fields.stamp(window.end)),
    ]


def _measure(plan: Plan) -> exp.Expr | None:  # noqa: PLR0911 - one return a kind
    """What is computed of the rows; None where the rows are listed."""
    request = plan.request
    numbers = plan.numbers
    if request.quantile is not None and (name := fields.measured_field(request, numbers)):
        return build.percentile(plan.table, name, request.quantile, plan.schema.dialect)
    if request.wanted("distinct") and request.wanted("count") and (name := _distinct(plan)):
        return build.aggregate("count", plan.table, name, distinct=True)
    ranked = request.limit is not None or request.order_span is not None
    for function in ("avg", "sum", "max", "min"):
        if request.wanted(function) and not (ranked and function in ("max", "min")):
            if (
                function == "sum"
                and request.wanted("count")
                and not any(surfaces(request.text, name) for name in numbers if name != "id")
            ):
                continue
            if name := fields.measured_field(request, numbers):
                return build.aggregate(function, plan.table, name)
    said = next(
        (
            name
            for name in numbers
            if name != "id" and not name.endswith("_id") and surfaces(request.text, name)
        ),
        "",
    )
    if (
        said
        and (plan.groups or request.interval_s)
        and not request.wanted("count")
        and not request.comparisons
    ):
        return build.aggregate("sum", plan.table, said)
    if request.wanted("count") or (plan.groups and not ranked):
        return build.count()
    if plan.groups and ranked:
        return build.aggregate("sum", plan.table, said) if said else build.count()
    return None


def _distinct(plan: Plan) -> str:
    columns = {name: kind for name, kind in plan.columns.items() if name != "id"}
    named = [(span[0], name) for name in columns for span in surfaces(plan.request.text, name)]
    keyed = [
        b for a, b, c, _ in keys(plan.schema) if a == plan.table and plan.request.text.called(parts(c)[-1])
    ]
    return min(named)[1] if named else next(iter(keyed), "")


def _share(plan: Plan) -> exp.Expr:
    conditions = [build.equal(table, each.name.split(".", 1)[1], [each.value]) for table, each in plan.values]
    return build.share(exp.and_(*conditions))


def _selected(plan: Plan, measure: exp.Expr | None, bucket: exp.Expr | None) -> exp.Select:
    chosen: list[exp.Expr] = [] if bucket is None else [exp.alias_(bucket.copy(), "bucket")]
    chosen += [build.column(table, name) for table, name in plan.groups]
    if measure is not None:
        chosen.append(exp.alias_(measure.copy(), "value"))
    if not chosen:
        distinct = plan.request.wanted("distinct") and _distinct(plan)
        statement = exp.select(build.column(plan.table, distinct) if distinct else _all(plan))
        return (statement.distinct() if distinct else statement).from_(build.table(plan.table))
    statement = exp.select(*chosen).from_(build.table(plan.table))
    if bucket is not None:
        statement = statement.group_by(bucket.copy())
    for table, name in plan.groups:
        statement = statement.group_by(build.column(table, name))
    return statement


def _all(plan: Plan) -> exp.Expr:
    """All columns; of the main table alone where others are joined for their conditions."""
    joined = any(table != plan.table for table, _ in plan.values)
    return exp.Column(this=exp.Star(), table=exp.to_identifier(plan.table)) if joined else exp.Star()


def _ordered(
    statement: exp.Select, plan: Plan, measure: exp.Expr | None, bucket: exp.Expr | None, time_column: str
) -> exp.Select:
    request = plan.request
    down = request.descending is not False
    if request.wanted("oldest") and request.descending is None:
        down = False
    if measure is None:
        statement = _ordered_rows(statement, plan, time_column, down=down)
        return statement.limit(request.limit or ROWS)
    if bucket is not None and request.limit is None:
        return statement.order_by(bucket.copy())
    if plan.groups and (request.limit is not None or request.order_span is not None):
        statement = statement.order_by(exp.Ordered(this=measure.copy(), desc=down, nulls_first=False))
    return statement.limit(request.limit) if request.limit is not None and plan.groups else statement


def _ordered_rows(statement: exp.Select, plan: Plan, time_column: str, *, down: bool) -> exp.Select:
    request = plan.request
    if request.limit is None and request.order_span is None and not request.wanted("latest", "oldest"):
        return statement
    by_time = request.wanted("latest", "oldest") or newest(request)
    name = (
        ""
        if by_time
        else next(
            (
                name
                for name in plan.numbers
                if name != "id" and not name.endswith("_id") and surfaces(request.text, name)
            ),
            "",
        )
    )
    if not name and not by_time and request.order_span is not None:
        name = fields.measured_field(request, plan.numbers)
    column = name or (time_column if by_time or request.order_span is not None else "")
    if not column:
        return statement
    return statement.order_by(
        exp.Ordered(this=build.column(plan.table, column), desc=down, nulls_first=False)
    )


def _joined(statement: exp.Select, plan: Plan) -> exp.Select:
    """Join what is used besides the main table, each table once."""
    needed = [table for table, _ in plan.groups] + [
        each.table for each in statement.find_all(exp.Column) if each.table
    ]
    have = {plan.table}
    for table in dict.fromkeys(needed):
        if table in have or table not in plan.schema.tables:
            continue
        way = path(plan.schema, plan.table, table)
        if not way:
            raise QueryProblem(
                f"Nothing says how {plan.table} and {table} belong together; declare the key in the schema.",
                f"没有说明 {plan.table} 与 {table} 的关联键；请在 schema 中声明 keys。",
            )
        for joined, column, before, before_column in way:
            if joined not in have:
                have.add(joined)
                statement = statement.join(
                    build.table(joined),
                    on=exp.EQ(
                        this=build.column(joined, column), expression=build.column(before, before_column)
                    ),
                    copy=False,
                )
    return build.unqualified(statement) if len(have) == 1 else statement
