"""Which tables, values and groups a request means."""

from __future__ import annotations

from dataclasses import dataclass, field

from sre_copilot.agents.queries import fields
from sre_copilot.agents.queries.linking import (
    Linked,
    ValueLink,
    grouped,
    link,
    linked_values,
    surfaces,
)
from sre_copilot.agents.queries.request import Request
from sre_copilot.agents.queries.schema import SqlSchema
from sre_copilot.agents.queries.sql.joins import keys, path
from sre_copilot.agents.queries.text import Text
from sre_copilot.agents.queries.written import QueryProblem
from sre_copilot.agents.understanding.wording import overlaps, pattern

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


def plan_of(request: Request, schema: SqlSchema, now: float) -> Plan:
    text = request.text
    text.hide(value for each in schema.values.values() for value in each)
    plan = Plan(request=request, schema=schema, now=now)
    hidden = [each.span for each in request.comparisons]
    found = linked_values(text, dict(schema.values.items()), skip=hidden)
    links = link(text, schema.tables, boost=_boost(found, text, schema))
    if not links and not found and not _by_columns(text, schema):
        raise QueryProblem(
            f"The text names none of the tables. There are: {', '.join(schema.tables)}.",
            f"文字中没有提到已知的表。现有：{'、'.join(schema.tables)}。",
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
    counted = {
        table: sum(bool(surfaces(text, name)) for name in columns if name != "id")
        for table, columns in schema.tables.items()
    }
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
        leading = [
            each.name for each in links if each.name not in groups and path(plan.schema, each.name, groups[0])
        ]
        if leading:
            return leading[0]
        to_it = [a for a, _, c, _ in keys(plan.schema) if c == groups[0]]
        valued = [each.name.split(".")[0] for each in found]
        return next((name for name in to_it if name in valued), groups[0])
    aggregated = (
        plan.request.wanted("count", "sum", "avg")
        or plan.request.limit is not None
        or plan.request.order_span is not None
    )
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
    return (
        way
        if all((before, before_column, joined) in owned for joined, _, before, before_column in way)
        else ()
    )


def _values_of(plan: Plan, found: list[ValueLink]) -> list[tuple[str, ValueLink]]:
    """Values of the main table first; of the same words in another table only when nothing of the main one has them."""
    own = [(plan.table, each) for each in found if each.name.split(".")[0] == plan.table]
    own += [(plan.table, each) for each in _own_values(plan, [each for _, each in own])]
    spans = [each.span for _, each in own]
    others = [(each.name.split(".")[0], each) for each in found if each.name.split(".")[0] != plan.table]
    others = [
        (table, each)
        for table, each in others
        if table in plan.named and not any(overlaps(each.span, span) for span in spans)
    ]
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
        if (
            match
            and good
            and table == plan.table
            and column in ("status", "result", "outcome", "state")
            and not any(each.name == name for each in found)
        ):
            return [(table, ValueLink(name, good, match.span(), negated=True))]
    return []


def _own_values(plan: Plan, found: list[ValueLink]) -> list[ValueLink]:
    """Values that the linker gave to another table although the main one has the same."""
    own = {name: values for name, values in plan.schema.values.items() if name.split(".")[0] == plan.table}
    hidden = [*(each.span for each in plan.request.comparisons), *(each.span for each in found)]
    return [
        each
        for each in linked_values(plan.request.text, own, skip=hidden)
        if not any(each.name == known.name for known in found)
    ]


def _is_time_word(plan: Plan, value: ValueLink) -> bool:
    """Whether `created` in `created in the last week` names the time and no status."""
    ordered = plan.request.limit is not None and newest(plan.request)
    if plan.request.window_s is None and fields.absolute(plan.request, plan.now) is None and not ordered:
        return False
    times = [name for name, kind in plan.columns.items() if fields.temporal(name, kind)]
    return any(overlaps(span, value.span) for name in times for span in surfaces(plan.request.text, name))


def _groups(plan: Plan, entities: list[str]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for entity in entities:
        if entity != plan.table and path(plan.schema, plan.table, entity):
            columns = plan.schema.tables[entity]
            column = _beside(plan, entity) or next(
                (name for name in ("name", "title", "label", "id") if name in columns), next(iter(columns))
            )
            found.append((entity, column))
    own = [name for name in plan.columns if name != "id"]
    named = grouped(plan.request.text, plan.request.groups, own)
    found += [
        (plan.table, name) for name in named if not any(_same(plan, name, entity) for entity, _ in found)
    ]
    if not found:
        found += _foreign_groups(plan)
    if not found and plan.request.wanted("count", "sum", "avg") and _EACH.search(plan.request.text.plain):
        found += _spoken_groups(plan)
    several = any(name != plan.table and _down(plan, plan.table, name) for name in plan.named)
    ranked = plan.request.limit is not None or (plan.request.order_span is not None and several)
    if (
        not found
        and ranked
        and (several or plan.request.wanted("count", "sum", "avg"))
        and not plan.request.wanted("latest", "distinct")
    ):
        found += ranked_groups(plan)
    return found


def _beside(plan: Plan, entity: str) -> str:
    """The column of a table that is named right after it: per customer city."""
    text = plan.request.text
    ends = [span[1] for span in surfaces(text, entity)]
    at = [
        (span[0], name) for name in plan.schema.tables[entity] if name != "id" for span in surfaces(text, name) if any(0 <= span[0] - end <= 2 for end in ends)
    ]  # fmt: skip
    return min(at)[1] if at else ""


def _same(plan: Plan, column: str, entity: str) -> bool:
    return any(a == plan.table and b == column and c == entity for a, b, c, _ in keys(plan.schema))


def _foreign_groups(plan: Plan) -> list[tuple[str, str]]:
    for other in plan.schema.tables:
        if other != plan.table and path(plan.schema, plan.table, other):
            named = grouped(
                plan.request.text,
                plan.request.groups,
                [name for name in plan.schema.tables[other] if name not in plan.columns and name != "id"],
            )
            if named:
                return [(other, name) for name in named]
    return []


def _spoken_groups(plan: Plan) -> list[tuple[str, str]]:
    """`refund reasons and how often each occurs`: the column that is named and is no number."""
    texts = [
        name
        for name, kind in plan.columns.items()
        if not fields.numeric(kind) and not fields.temporal(name, kind)
    ]
    valued = {each.name.split(".")[1] for _, each in plan.values}
    at = [
        (span[0], name) for name in texts if name not in valued for span in surfaces(plan.request.text, name)
    ]
    return [(plan.table, min(at)[1])] if at else []


def ranked_groups(plan: Plan) -> list[tuple[str, str]]:
    """`the five merchants with most refunds`: what is ranked is a table that is named, or a column."""
    for name in plan.named:
        if name != plan.table and path(plan.schema, plan.table, name):
            return _groups_of(plan, name)
    return _spoken_groups(plan)


def _groups_of(plan: Plan, entity: str) -> list[tuple[str, str]]:
    columns = plan.schema.tables[entity]
    return [
        (entity, next((name for name in ("name", "title", "id") if name in columns), next(iter(columns))))
    ]


def newest(request: Request) -> bool:
    return bool(
        pattern(
            r"\b(?:newest|latest|recent|oldest|earliest)\b|最新|最近|最早|从新到旧|从早到晚|从晚到早|last\s+\d+(?!\s*(?:day|hour|minute|week|month))"
        ).search(request.text.plain)
    )
