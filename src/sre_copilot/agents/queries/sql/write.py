"""Words to SQL by rules: from which table, which rows, grouped by what, what of them, in which order."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sqlglot import exp

from sre_copilot.agents.queries import fields
from sre_copilot.agents.queries.linking import Linked, ValueLink, grouped, link, linked_values, named_values, surfaces
from sre_copilot.agents.queries.request import Comparison, Request
from sre_copilot.agents.queries.schema import SqlSchema
from sre_copilot.agents.queries.sql import building as build
from sre_copilot.agents.queries.sql.joins import keys, path
from sre_copilot.agents.queries.text import Text, parts
from sre_copilot.agents.queries.written import QueryProblem
from sre_copilot.agents.understanding.wording import overlaps, pattern

ROWS = 100  # of a list where nobody says how many
_COUNTERS = ("笔", "单", "次", "条", "件", "个")
_EACH = pattern(r"\beach\b|\bevery\b|\bper\b|各|每")


@dataclass
class Plan:
    """What the rules decided."""

    request: Request
    schema: SqlSchema
    now: float
    table: str = ""
    named: tuple[str, ...] = ()
    values: list[tuple[str, ValueLink]] = field(default_factory=list)
    groups: list[tuple[str, str]] = field(default_factory=list)

    @property
    def columns(self) -> dict[str, str]:
        """Columns of the main table with their types."""
        return dict(self.schema.tables[self.table])

    @property
    def numbers(self) -> list[str]:
        """Columns of the main table that hold numbers."""
        return [name for name, kind in self.columns.items() if fields.numeric(kind)]


def write(request: Request, schema: SqlSchema, *, now: float) -> str:
    """The statement.

    Raises
    ------
    QueryProblem : when no table is named, or two tables are that nothing joins
    """
    plan = _plan(request, schema, now)
    having, wheres = _conditions(plan)
    time_column = _time_column(plan)
    wheres += _times(plan, time_column)
    measure = _share(plan) if request.wanted("share") and plan.values else _measure(plan)
    if measure is None and (plan.groups or having is not None or (request.interval_s and time_column)):
        measure = build.count()
    bucket = build.bucket(plan.table, time_column, request.interval_s, schema.dialect) if request.interval_s and time_column and measure is not None else None
    statement = _selected(plan, measure, bucket)
    wheres_all = [*wheres, *_value_conditions(plan)]
    for condition in wheres_all:
        statement = statement.where(condition, copy=False)
    if having is not None:
        statement = statement.having(having, copy=False)
    statement = _ordered(statement, plan, measure, bucket, time_column)
    return build.rendered(_joined(statement, plan), schema.dialect)


def _plan(request: Request, schema: SqlSchema, now: float) -> Plan:
    text = request.text
    text.hide(value for each in schema.values.values() for value in each)
    plan = Plan(request=request, schema=schema, now=now)
    hidden = [each.span for each in request.comparisons]
    found = linked_values(text, {name: each for name, each in schema.values.items()}, skip=hidden)
    links = link(text, schema.tables, boost=_boost(found, text, schema))
    if not links and not found and not _by_columns(text, schema):
        raise QueryProblem(
            f"The text names none of the tables. There are: {', '.join(schema.tables)}.", f"文字中没有提到已知的表。现有：{'、'.join(schema.tables)}。"
        )
    if not links and not found:
        links = _by_columns(text, schema)
    plan.named = tuple(each.name for each in links)
    groups = _entities(request, links)
    plan.table = _main(plan, links, found, groups)
    plan.values = _values_of(plan, found)
    plan.groups = _groups(plan, groups)
    for each in links:
        for span in each.spans:
            text.use(span)
    return plan


def _by_columns(text: Text, schema: SqlSchema) -> list[Linked]:
    """The table most of whose columns are named, where no table is."""
    counted = {table: sum(bool(surfaces(text, name)) for name in columns if name != "id") for table, columns in schema.tables.items()}
    best = max(counted, key=lambda name: counted[name])
    return [Linked(best, float(counted[best]), ((0, 0),))] if counted[best] >= 2 else []


def _boost(found: list[ValueLink], text: Text, schema: SqlSchema) -> dict[str, float]:
    """A table is likelier when values of its columns are named."""
    boost = dict.fromkeys(schema.tables, 0.0)
    for each in found:
        boost[each.name.split(".")[0]] = boost.get(each.name.split(".")[0], 0.0) + 0.4
    return boost


def _entities(request: Request, links: list[Linked]) -> list[str]:
    """Tables that stand where one says what to group by: per courier, 每个快递员."""
    return grouped(request.text, request.groups, [each.name for each in links])


def _main(plan: Plan, links: list[Linked], found: list[ValueLink], groups: list[str]) -> str:
    """The table whose rows are counted or listed: that which leads to the one that is grouped by, else the best named."""
    if groups:
        leading = [each.name for each in links if each.name not in groups and path(plan.schema, each.name, groups[0])]
        if leading:
            return leading[0]
        to_it = [a for a, _, c, _ in keys(plan.schema) if c == groups[0]]
        valued = [each.name.split(".")[0] for each in found]
        return next((name for name in to_it if name in valued), groups[0])
    aggregated = plan.request.wanted("count", "sum", "avg") or plan.request.limit is not None or plan.request.order_span is not None
    if aggregated and len(links) > 1:
        names = [each.name for each in links]
        keyed = [name for name in names if any(name != other and _down(plan, name, other) for other in names)]
        if keyed:
            return keyed[0]
    if links:
        best = [each for each in links if each.score >= links[0].score - 0.3]
        return min(best, key=lambda each: (-(each.score), each.spans[0])).name
    return found[0].name.split(".")[0]


def _down(plan: Plan, start: str, end: str) -> tuple[tuple[str, str, str, str], ...]:
    """The joins from one table to another along keys that lead from it, and never back."""
    way = path(plan.schema, start, end)
    owned = {(a, b, c) for a, b, c, _ in keys(plan.schema)}
    return way if all((before, before_column, joined) in owned for joined, _, before, before_column in way) else ()


def _values_of(plan: Plan, found: list[ValueLink]) -> list[tuple[str, ValueLink]]:
    """Values of the main table first; of the same words in another table only when nothing of the main one has them."""
    own = [(plan.table, each) for each in found if each.name.split(".")[0] == plan.table]
    own += [(plan.table, each) for each in _own_values(plan, [each for _, each in own])]
    spans = [each.span for _, each in own]
    others = [(each.name.split(".")[0], each) for each in found if each.name.split(".")[0] != plan.table]
    others = [(table, each) for table, each in others if table in plan.named and not any(overlaps(each.span, span) for span in spans)]
    kept = [pair for pair in (*own, *others) if not _is_time_word(plan, pair[1])]
    kept += _failures(plan, [each for _, each in kept])
    for _, each in kept:
        plan.request.text.use(each.span)
    return kept


_FAILED = pattern(r"\bfail(?:ed|ures?|ing)?\b|\bunsuccessful\w*\b|失败|未成功")
_GOOD = frozenset({"ok", "success", "succeeded", "successful", "captured", "completed", "done"})


def _failures(plan: Plan, found: list[ValueLink]) -> list[tuple[str, ValueLink]]:
    """What failed, where the values name no failure but a success: everything else."""
    match = _FAILED.search(plan.request.text.plain)
    for name, values in plan.schema.values.items():
        table, column = name.split(".", 1)
        good = next((each for each in values if each.lower() in _GOOD), "")
        if match and good and table == plan.table and column in ("status", "result", "outcome", "state") and not any(each.name == name for each in found):
            return [(table, ValueLink(name, good, match.span(), negated=True))]
    return []


def _own_values(plan: Plan, found: list[ValueLink]) -> list[ValueLink]:
    """Values that the linker gave to another table although the main one has the same."""
    own = {name: values for name, values in plan.schema.values.items() if name.split(".")[0] == plan.table}
    hidden = [*(each.span for each in plan.request.comparisons), *(each.span for each in found)]
    return [each for each in linked_values(plan.request.text, own, skip=hidden) if not any(each.name == known.name for known in found)]


def _is_time_word(plan: Plan, value: ValueLink) -> bool:
    """Whether `created` in `created in the last week` names the time and no status."""
    if plan.request.window_s is None and fields.absolute(plan.request, plan.now) is None:
        return False
    times = [name for name, kind in plan.columns.items() if fields.temporal(name, kind)]
    return any(overlaps(span, value.span) for name in times for span in surfaces(plan.request.text, name))


def _groups(plan: Plan, entities: list[str]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for entity in entities:
        if entity != plan.table and path(plan.schema, plan.table, entity):
            columns = plan.schema.tables[entity]
            column = next((name for name in ("name", "title", "label", "id") if name in columns), next(iter(columns)))
            found.append((entity, column))
    own = [name for name in plan.columns if name != "id"]
    named = grouped(plan.request.text, plan.request.groups, own)
    found += [(plan.table, name) for name in named if not any(_same(plan, name, entity) for entity, _ in found)]
    if not found:
        found += _foreign_groups(plan)
    if not found and plan.request.wanted("count", "sum", "avg") and _EACH.search(plan.request.text.plain):
        found += _spoken_groups(plan)
    several = any(name != plan.table and _down(plan, plan.table, name) for name in plan.named)
    ranked = plan.request.limit is not None or (plan.request.order_span is not None and several)
    if not found and ranked and (several or plan.request.wanted("count", "sum", "avg")) and not plan.request.wanted("latest", "distinct"):
        found += _ranked_groups(plan)
    return found


def _same(plan: Plan, column: str, entity: str) -> bool:
    return any(a == plan.table and b == column and c == entity for a, b, c, _ in keys(plan.schema))


def _foreign_groups(plan: Plan) -> list[tuple[str, str]]:
    for other in plan.schema.tables:
        if other != plan.table and path(plan.schema, plan.table, other):
            named = grouped(plan.request.text, plan.request.groups, [name for name in plan.schema.tables[other] if name not in plan.columns and name != "id"])
            if named:
                return [(other, name) for name in named]
    return []


def _spoken_groups(plan: Plan) -> list[tuple[str, str]]:
    """`refund reasons and how often each occurs`: the column that is named and is no number."""
    texts = [name for name, kind in plan.columns.items() if not fields.numeric(kind) and not fields.temporal(name, kind)]
    valued = {each.name.split(".")[1] for _, each in plan.values}
    at = [(span[0], name) for name in texts if name not in valued for span in surfaces(plan.request.text, name)]
    return [(plan.table, min(at)[1])] if at else []


def _ranked_groups(plan: Plan) -> list[tuple[str, str]]:
    """`the five merchants with most refunds`: what is ranked is a table that is named, or a column."""
    for name in plan.named:
        if name != plan.table and path(plan.schema, plan.table, name):
            return _groups_of(plan, name)
    return _spoken_groups(plan)


def _groups_of(plan: Plan, entity: str) -> list[tuple[str, str]]:
    columns = plan.schema.tables[entity]
    return [(entity, next((name for name in ("name", "title", "id") if name in columns), next(iter(columns))))]


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
        plan.groups = _ranked_groups(plan)
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
    places = [(table, name) for name in ("city", "region") for table in (plan.table, *plan.named) if name in plan.schema.tables[table]]
    if places and (where := fields.place(text, taken)):
        by_column.setdefault((*places[0], False), []).append(where[0])
        text.use(where[1])
    for (table, name, negated), values in by_column.items():
        kind = plan.schema.tables[table].get(name, "text")
        found.append(build.equal(table, name, list(dict.fromkeys(values)), negated=negated, number=fields.numeric(kind)))
    return found


def _time_column(plan: Plan) -> str:
    times = [name for name, kind in plan.columns.items() if fields.temporal(name, kind)]
    said = [name for name in times if any(word not in ("at", "time", "date", "ts") and plan.request.text.called(word) for word in parts(name))]
    preferred = [name for name in ("created_at", "at", "ts", "timestamp", "created", "time") if name in times]
    return next(iter((*said, *preferred, *times)), "")


def _times(plan: Plan, column: str) -> list[exp.Expr]:
    if not column:
        return []
    if plan.request.window_s and not (plan.request.interval_s == plan.request.window_s):
        return [build.since(plan.table, column, plan.request.window_s, plan.schema.dialect)]
    window = fields.absolute(plan.request, plan.now)
    if window is None:
        return []
    return [build.compare_text(plan.table, column, ">=", fields.stamp(window.start)), build.compare_text(plan.table, column, "<", fields.stamp(window.end))]


def _measure(plan: Plan) -> exp.Expr | None:
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
            if function == "sum" and request.wanted("count") and not any(surfaces(request.text, name) for name in numbers if name != "id"):
                continue
            if name := fields.measured_field(request, numbers):
                return build.aggregate(function, plan.table, name)
    said = next((name for name in numbers if name != "id" and not name.endswith("_id") and surfaces(request.text, name)), "")
    if said and (plan.groups or request.interval_s) and not request.wanted("count") and not request.comparisons:
        return build.aggregate("sum", plan.table, said)
    if request.wanted("count") or (plan.groups and not ranked):
        return build.count()
    if plan.groups and ranked:
        name = next((name for name in numbers if surfaces(request.text, name)), "")
        return build.aggregate("sum", plan.table, name) if name else build.count()
    return None


def _distinct(plan: Plan) -> str:
    columns = {name: kind for name, kind in plan.columns.items() if name != "id"}
    named = [(span[0], name) for name in columns for span in surfaces(plan.request.text, name)]
    keyed = [b for a, b, c, _ in keys(plan.schema) if a == plan.table and plan.request.text.called(parts(c)[-1])]
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


def _ordered(statement: exp.Select, plan: Plan, measure: exp.Expr | None, bucket: exp.Expr | None, time_column: str) -> exp.Select:
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
    by_time = request.wanted("latest", "oldest") or _newest(request)
    name = "" if by_time else next((name for name in plan.numbers if name != "id" and not name.endswith("_id") and surfaces(request.text, name)), "")
    if not name and not by_time and request.order_span is not None:
        name = fields.measured_field(request, plan.numbers)
    column = name or (time_column if by_time or request.order_span is not None else "")
    if not column:
        return statement
    return statement.order_by(exp.Ordered(this=build.column(plan.table, column), desc=down, nulls_first=False))


def _newest(request: Request) -> bool:
    return bool(pattern(r"\b(?:newest|latest|recent|oldest|earliest)\b|最新|最近|最早|从新到旧|从早到晚|从晚到早|last\s+\d+(?!\s*(?:day|hour|minute|week|month))").search(request.text.plain))


def _joined(statement: exp.Select, plan: Plan) -> exp.Select:
    """Join what is used besides the main table, each table once."""
    needed = [table for table, _ in plan.groups] + [each.table for each in statement.find_all(exp.Column) if each.table]
    have = {plan.table}
    for table in dict.fromkeys(needed):
        if table in have or table not in plan.schema.tables:
            continue
        way = path(plan.schema, plan.table, table)
        if not way:
            raise QueryProblem(
                f"Nothing says how {plan.table} and {table} belong together; declare the key in the schema.", f"没有说明 {plan.table} 与 {table} 的关联键；请在 schema 中声明 keys。"
            )
        for joined, column, before, before_column in way:
            if joined not in have:
                have.add(joined)
                statement = statement.join(build.table(joined), on=exp.EQ(this=build.column(joined, column), expression=build.column(before, before_column)), copy=False)
    return build.unqualified(statement) if len(have) == 1 else statement
