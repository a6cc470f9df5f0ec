"""Words to a search by rules: which documents, grouped by what, what of them, in which order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from sre_copilot.agents.queries import fields
from sre_copilot.agents.queries.linking import (
    ValueLink,
    error_value,
    grouped,
    linked_values,
    named_values,
    surfaces,
)
from sre_copilot.agents.queries.logql.wording import texts
from sre_copilot.agents.queries.logql.write import LEVELS
from sre_copilot.agents.queries.promql.parts import duration
from sre_copilot.agents.queries.request import Request
from sre_copilot.agents.queries.schema import IndexSchema
from sre_copilot.agents.queries.search.parts import (
    Bound,
    Buckets,
    Clause,
    Measure,
    Phrase,
    Range,
    Search,
    Term,
)
from sre_copilot.agents.queries.text import parts
from sre_copilot.agents.understanding.wording import Span, overlaps, pattern

HITS = 100
GROUPS = 10
_BOUNDS: dict[str, Bound] = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}
_ERRORS = pattern(r"\berrors?\b|\berroneous\b|错误|报错|出错")
_FAILED = pattern(r"\bfail(?:ed|ures?|ing)?\b|\bunsuccessful\b|失败")
_OUTCOMES = ("result", "outcome", "status", "state")


@dataclass
class Plan:
    """What the rules decided."""

    request: Request
    schema: IndexSchema
    filters: list[Clause]
    without: list[Clause]
    texts: list[Clause]
    by: list[str]

    @property
    def numbers(self) -> list[str]:
        """Fields that hold numbers."""
        return [name for name, kind in self.schema.fields.items() if fields.numeric(kind)]


def write(request: Request, schema: IndexSchema, *, now: float) -> str:
    """The body of the search."""
    plan = _plan(request, schema, now)
    aggregation = _aggregation(plan)
    if aggregation is not None:
        return _search(plan, size=0, aggregation=aggregation).text
    if request.wanted("count") and not plan.by:
        return _search(plan, size=0, counts=True).text
    return _search(plan, size=request.limit or HITS, sort=_sort(plan)).text


def _search(
    plan: Plan,
    *,
    size: int,
    aggregation: Buckets | Measure | None = None,
    sort: tuple[tuple[str, Literal["asc", "desc"]], ...] = (),
    counts: bool = False,
) -> Search:
    return Search(
        tuple(plan.filters), tuple(plan.without), size, sort, aggregation, counts, tuple(plan.texts)
    )


def _plan(request: Request, schema: IndexSchema, now: float) -> Plan:
    text = request.text
    text.hide(value for each in schema.values.values() for value in each)
    groupable = [name for name, kind in schema.fields.items() if kind != "text" and name != schema.time_field]
    by = grouped(text, request.groups, groupable)
    hidden = [each.span for each in request.comparisons]
    found = linked_values(text, schema.values, skip=hidden)
    found = [each for each in found if not (each.name in by and each.value.lower() in parts(each.name))]
    found += _implied(request, schema, found)
    taken = [*hidden, *(each.span for each in found)]
    open_ = [name for name, kind in schema.fields.items() if kind not in ("text", "date") and name not in by]
    found += named_values(
        text, [name for name in open_ if not any(each.name == name for each in found)], taken=taken
    )
    plan = Plan(request, schema, [], [], [], by)
    _put_values(plan, found)
    for each in found:
        text.use(each.span)
    _put_comparisons(plan)
    _put_codes(plan, [*taken, *(each.span for each in found)])
    _put_texts(plan, [*taken, *(each.span for each in found)])
    _put_times(plan, now)
    return plan


def _implied(request: Request, schema: IndexSchema, found: list[ValueLink]) -> list[ValueLink]:
    """The level of errors, the result of failures, where nothing else was said of them."""
    for names, words in ((LEVELS, _ERRORS), (_OUTCOMES, _FAILED), (_OUTCOMES, _ERRORS)):
        name = next((each for each in names if schema.values.get(each)), "")
        match = words.search(request.text.plain)
        if name and match and not any(each.name == name for each in found):
            value = error_value(schema.values[name])
            inside = any(
                overlaps(match.span(), span)
                for span in (*(each.span for each in found), *(span for _, span in request.text.quotes))
            )
            about = any(
                overlaps(match.span(), span)
                for other in schema.fields
                if "error" in parts(other)
                for span in surfaces(request.text, other)
            )
            if value and not inside and not about:
                return [ValueLink(name, value, match.span())]
    return []


def _put_values(plan: Plan, found: list[ValueLink]) -> None:
    values: dict[tuple[str, bool], list[str]] = {}
    for each in found:
        values.setdefault((each.name, each.negated), []).append(each.value)
    for (name, negated), given in values.items():
        is_number = fields.numeric(plan.schema.fields.get(name, "")) and all(
            re.fullmatch(r"\d+(?:\.\d+)?", each) for each in given
        )
        typed: tuple[str | float, ...] = (
            tuple(_number(each) for each in dict.fromkeys(given))
            if is_number
            else tuple(dict.fromkeys(given))
        )
        (plan.without if negated else plan.filters).append(Term(name, typed))


def _number(text: str) -> float:
    value = float(text)
    return int(value) if value == int(value) else value


def _put_comparisons(plan: Plan) -> None:
    for each in plan.request.comparisons:
        name = fields.compared_field(each, plan.request, plan.numbers)
        if not name:
            continue
        for span in surfaces(plan.request.text, name):
            plan.request.text.use(span)
        value = _number(str(fields.in_unit_of(each, name)))
        if each.op in _BOUNDS:
            plan.filters.append(Range(name, ((_BOUNDS[each.op], value),)))
        else:
            (plan.without if each.op == "!=" else plan.filters).append(Term(name, (value,)))


def _put_codes(plan: Plan, taken: list[Span]) -> None:
    name = next((each for each in fields.CODES if each in plan.numbers), "")
    if not name or any(isinstance(each, Term | Range) and each.field == name for each in plan.filters):
        return
    text = plan.request.text
    if match := pattern(r"(?<![\w.:/-])([1-5])xx\b").search(text.plain):
        first = int(match[1]) * 100
        plan.filters.append(Range(name, (("gte", first), ("lt", first + 100))))
        text.use(match.span())
        return
    for match in pattern(
        r"(?<![\w.:/-])([1-5]\d\d)(?![\w.:/%-])(?!\s*(?:ms|lines?|条|次|毫秒|秒|documents?|hits?))"
    ).finditer(text.plain):
        if not any(overlaps(match.span(), span) for span in taken) and plan.request.limit != int(match[1]):
            plan.filters.append(Term(name, (int(match[1]),)))
            text.use(match.span())
            return


def _put_texts(plan: Plan, taken: list[Span]) -> None:
    name = next(
        (each for each, kind in plan.schema.fields.items() if kind in ("text", "match_only_text")), ""
    )
    if not name:
        return
    for negated, phrase in texts(plan.request.text, taken, names=plan.schema.fields):
        (plan.without if negated else plan.texts).append(Phrase(name, phrase))


def _put_times(plan: Plan, now: float) -> None:
    name = plan.schema.time_field
    if not name:
        return
    request = plan.request
    if request.window_s:
        plan.filters.append(Range(name, (("gte", f"now-{duration(request.window_s)}"),)))
    elif (window := fields.absolute(request, now)) is not None:
        form = "%Y-%m-%dT%H:%M:%SZ"
        plan.filters.append(
            Range(
                name,
                (("gte", fields.stamp(window.start, form=form)), ("lt", fields.stamp(window.end, form=form))),
            )
        )


def _aggregation(plan: Plan) -> Buckets | Measure | None:
    request = plan.request
    measure = _measure(plan)
    by = plan.by or _ranked(plan, measure)
    if request.interval_s and plan.schema.time_field:
        inner = _terms(by, measure, plan) if by else measure
        return Buckets(
            "date_histogram", plan.schema.time_field, interval=duration(request.interval_s), inner=inner
        )
    if by:
        return _terms(by, measure, plan)
    return measure


def _terms(by: list[str], measure: Measure | None, plan: Plan) -> Buckets:
    request = plan.request
    ordered = request.limit is not None or request.order_span is not None
    order: Literal["", "asc", "desc"] = (
        ("asc" if request.descending is False else "desc")
        if ordered and (measure is None or measure.kind != "percentiles")
        else ""
    )
    inner: Buckets | Measure | None = measure
    for name in reversed(by[1:]):
        inner = Buckets("terms", name, GROUPS, inner=inner)
    if isinstance(inner, Buckets) or (inner is None and order == "desc"):
        order = ""
    return Buckets("terms", by[0], request.limit or GROUPS, order=order, inner=inner)


def _measure(plan: Plan) -> Measure | None:
    request = plan.request
    numbers = plan.numbers
    if request.quantile is not None and (name := fields.measured_field(request, numbers)):
        return Measure("percentiles", name, (round(100 * request.quantile, 4),))
    if request.wanted("distinct") and (name := _named(plan)):
        return Measure("cardinality", name)
    ranked = request.limit is not None or request.order_span is not None
    for function in ("avg", "sum", "max", "min"):
        if request.wanted(function) and not (ranked and function in ("max", "min") and not plan.by):
            is_count = (
                function == "sum"
                and request.wanted("count")
                and not any(surfaces(request.text, each) for each in numbers)
            )
            if not is_count and (name := fields.measured_field(request, numbers)):
                return Measure(function, name)
    return None


def _named(plan: Plan) -> str:
    names = [
        name
        for name, kind in plan.schema.fields.items()
        if kind not in ("text", "date") and name not in plan.by
    ]
    filtered = {each.field for each in plan.filters if isinstance(each, Term)}
    at = [
        (span[0], name)
        for name in names
        if name not in filtered
        for span in surfaces(plan.request.text, name)
    ]
    return min(at)[1] if at else ""


def _ranked(plan: Plan, measure: Measure | None) -> list[str]:
    """What a ranking is of: the field that is named and no number (the five hosts with most errors)."""
    request = plan.request
    most = request.order_span is not None and request.text.plain[slice(*request.order_span)] in (
        "most",
        "最多",
        "fewest",
        "最少",
    )
    if (request.limit is None and not most) or (
        measure is not None and measure.kind in ("percentiles", "cardinality")
    ):
        return []
    keywords = [
        name
        for name, kind in plan.schema.fields.items()
        if kind in ("keyword", "ip", "constant_keyword", "integer")
    ]
    filtered = {each.field for each in plan.filters if isinstance(each, Term)}
    at = [
        (span[0], name) for name in keywords if name not in filtered for span in surfaces(request.text, name)
    ]
    by_rows = not most and (
        any(surfaces(request.text, name) for name in plan.numbers) or fields.speaks_of_time(request.text)
    )
    return [min(at)[1]] if at and (measure is not None or not by_rows) else []


def _sort(plan: Plan) -> tuple[tuple[str, Literal["asc", "desc"]], ...]:
    request = plan.request
    time_field = plan.schema.time_field
    order: Literal["asc", "desc"] = (
        "asc"
        if request.descending is False or (request.wanted("oldest") and request.descending is None)
        else "desc"
    )
    newest = request.wanted("latest", "oldest") or pattern(
        r"\b(?:newest|latest|recent|oldest|earliest)\b|最新|最早|最近的?\d"
    ).search(request.text.plain)
    if newest and time_field:
        return ((time_field, order),)
    if request.limit is not None or request.order_span is not None:
        name = fields.measured_field(request, plan.numbers) if request.order_span is not None else ""
        if name:
            return ((name, order),)
    return ((time_field, order if request.order_span else "desc"),) if time_field else ()
