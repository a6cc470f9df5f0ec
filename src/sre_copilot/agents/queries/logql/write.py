"""Words to LogQL by rules: which streams, which lines, which fields, and what is counted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sre_copilot.agents.queries.linking import (
    ValueLink,
    error_value,
    grouped,
    linked_values,
    named_values,
    surfaces,
)
from sre_copilot.agents.queries.logql.parts import (
    Compared,
    FieldFilter,
    FieldOp,
    LineFilter,
    Matcher,
    MetricPart,
    Over,
    OverTime,
    Parser,
    Pipeline,
    Stage,
)
from sre_copilot.agents.queries.logql.wording import NEGATED, texts
from sre_copilot.agents.queries.promql.parts import MatchOp
from sre_copilot.agents.queries.request import Comparison, Request
from sre_copilot.agents.queries.schema import LogSchema
from sre_copilot.agents.queries.text import parts
from sre_copilot.agents.queries.written import QueryProblem
from sre_copilot.agents.understanding.wording import Span, overlaps, pattern

USUAL_RANGE_S = 300.0
LEVELS = ("level", "severity", "detected_level", "lvl", "loglevel")
_LATENCIES = ("duration", "latency", "elapsed", "cost", "took", "rt", "response")
_CODES = ("status", "code", "status_code", "http_status")
_ERRORS = pattern(r"\berrors?\b|\berroneous\b|\bfail(?:ed|ures?)\b|错误|报错|出错|异常")
_WARNINGS = pattern(r"\bwarn(?:ing)?s?\b|警告|告警日志")
_PATTERN_COUNTS = pattern(r"\bpatterns?\b|\btemplates?\b|模式|模板|聚类")


@dataclass
class Plan:
    """What the rules decided."""

    matchers: tuple[Matcher, ...]
    stages: tuple[Stage, ...]
    by: tuple[str, ...]
    request: Request
    schema: LogSchema

    @property
    def pipeline(self) -> Pipeline:
        """Streams and stages."""
        return Pipeline(self.matchers, self.stages)


def write(request: Request, schema: LogSchema) -> str:
    """The query.

    Raises
    ------
    QueryProblem : when there is no stream to select
    """
    plan = _plan(request, schema)
    metric = _metric(plan)
    if metric is None:
        return plan.pipeline.text
    return _finished(metric, plan).text


def _plan(request: Request, schema: LogSchema) -> Plan:
    text = request.text
    text.hide(value for each in schema.labels.values() for value in each)
    if not schema.labels:
        raise QueryProblem(
            "No label of any log stream is known; give a schema, or configure Loki.",
            "没有已知的日志流标签；请提供 schema 或配置 Loki。",
        )
    by = tuple(grouped(text, request.groups, [*schema.labels, *schema.fields]))
    hidden = [each.span for each in request.comparisons]
    found = linked_values(text, schema.labels, skip=hidden)
    found = [each for each in found if not _is_by_name(each, by, text)]
    found += _level(request, schema, found)
    taken = [*hidden, *(each.span for each in found)]
    unknown = named_values(
        text,
        [name for name in schema.labels if name not in by and not any(each.name == name for each in found)],
        taken=taken,
    )
    found += [each for each in unknown if each.name not in LEVELS]
    fields = _fields(request, schema, [*taken, *(each.span for each in unknown)])
    lines = _lines(request, [*taken, *(span for _, span in fields)], [*schema.labels, *schema.fields])
    for each in found:
        text.use(each.span)
    needs_parser = bool(fields) or bool(set(by) & schema.fields.keys()) or bool(_measured(request, schema))
    stages: list[Stage] = [*lines]
    if needs_parser and schema.form in ("json", "logfmt"):
        stages.append(Parser(schema.form))
    stages += [each for each, _ in fields]
    matchers = _matchers(found) or _all_streams(schema)
    if not by and request.limit is not None:
        by = _subject(request, schema, {each.name for each in matchers if each.op == "="})
    if (
        set(by) & schema.fields.keys()
        and not any(isinstance(each, Parser) for each in stages)
        and schema.form in ("json", "logfmt")
    ):
        stages.insert(len(lines), Parser(schema.form))
    return Plan(matchers, tuple(stages), by, request, schema)


def _is_by_name(each: ValueLink, by: tuple[str, ...], text: object) -> bool:
    return each.name in by and each.value.lower() in parts(each.name)


def _level(request: Request, schema: LogSchema, found: list[ValueLink]) -> list[ValueLink]:
    """The level of error lines, where nothing else was said of the level."""
    label = next((name for name in LEVELS if name in schema.labels), "")
    if not label or any(each.name == label for each in found):
        return []
    match = _ERRORS.search(request.text.plain)
    value = error_value(schema.labels[label])
    if match is None or not value or any(overlaps(match.span(), span) for _, span in request.text.quotes):
        return []
    return [ValueLink(label, value, match.span())]


def _matchers(found: list[ValueLink]) -> tuple[Matcher, ...]:
    values: dict[tuple[str, bool], list[str]] = {}
    for each in found:
        values.setdefault((each.name, each.negated), []).append(each.value)
    made = []
    for (name, negated), given in values.items():
        one = len(set(given)) == 1
        op: MatchOp = ("!=" if one else "!~") if negated else ("=" if one else "=~")
        made.append(Matcher(name, op, given[0] if one else "|".join(map(re.escape, dict.fromkeys(given)))))
    if made and all(each.op in ("!=", "!~") for each in made):
        made.append(Matcher(made[0].name, "=~", ".+"))
    return tuple(made)


def _all_streams(schema: LogSchema) -> tuple[Matcher, ...]:
    preferred = ("service", "app", "job", "service_name")
    label = next((name for name in preferred if name in schema.labels), next(iter(schema.labels)))
    return (Matcher(label, "=~", ".+"),)


def _fields(request: Request, schema: LogSchema, taken: list[Span]) -> list[tuple[FieldFilter, Span]]:
    """Conditions on fields in the lines."""
    text, found = request.text, []
    for each in request.comparisons:
        if _is_of_result(each, request, schema):
            continue
        if name := _field_of(each, request, schema):
            op: FieldOp = "=" if each.op == "==" else each.op  # type: ignore[assignment]
            found.append((FieldFilter(name, op, _number(each, name)), each.span))
    strings = [name for name in schema.fields if name not in schema.labels]
    for link in named_values(text, strings, taken=taken):
        is_number = schema.fields[link.name] == "number" and re.fullmatch(r"\d+(?:\.\d+)?", link.value)
        value: str | float = float(link.value) if is_number else link.value
        negated = link.negated or bool(re.match(r"\s*(?:以外|之外|除外)", text.plain[link.span[1] :]))
        found.append((FieldFilter(link.name, "!=" if negated else "=", value), link.span))
        text.use(link.span)
    found += _codes(request, schema, [*taken, *(span for _, span in found)])
    for name, _ in ((each.name, 0) for each, _ in found):
        for span in surfaces(text, name):
            text.use(span)
    return found


def _is_of_result(comparison: Comparison, request: Request, schema: LogSchema) -> bool:
    """Whether a number bounds how many there are, and not what a line says."""
    near = request.text.plain[comparison.span[1] : comparison.span[1] + 12]
    said = re.match(
        r"\s*(?:lines?|errors?|times|entries|logs|occurrences)|\s*[条次个]", near
    ) or comparison.unit in ("条", "次")
    return bool(said) or not schema.fields


def _field_of(comparison: Comparison, request: Request, schema: LogSchema) -> str:
    numbers = [name for name, kind in schema.fields.items() if kind == "number"]
    unit = comparison.unit.lower()
    is_time = unit.startswith(("ms", "毫秒", "milli", "s", "秒")) or re.match(
        r"slower|faster|longer|shorter|慢|快|长", request.text.plain[comparison.span[0] :]
    )
    if is_time:
        latency = [name for name in numbers if set(parts(name)) & set(_LATENCIES)]
        if latency:
            return latency[0]
    near = [
        (abs(span[1] - comparison.span[0]), name) for name in numbers for span in surfaces(request.text, name)
    ]
    if near:
        return min(near)[1]
    is_code = 100 <= comparison.value < 600 and comparison.value == int(comparison.value)
    code = next((name for name in _CODES if name in numbers), "")
    return (
        code
        if is_code and code and "slow" not in request.text.plain
        else next((name for name in numbers if set(parts(name)) & set(_LATENCIES)), "")
    )


def _number(comparison: Comparison, name: str) -> float:
    unit = comparison.unit.lower()
    if unit.startswith(("s", "秒")) and not unit.startswith("single"):
        return comparison.value * (1 if name.endswith(("_s", "seconds")) else 1000)
    return comparison.value


def _codes(request: Request, schema: LogSchema, taken: list[Span]) -> list[tuple[FieldFilter, Span]]:
    """A status code that is named by its number, or by its class."""
    name = next((each for each in _CODES if each in schema.fields), "")
    if not name:
        return []
    text = request.text
    for match in pattern(r"(?<![\w.:/-])([1-5])xx\b").finditer(text.plain):
        text.use(match.span())
        first = float(match[1]) * 100
        return [
            (FieldFilter(name, ">=", first), match.span()),
            *([(FieldFilter(name, "<", first + 100), match.span())] if first < 500 else []),
        ]
    for match in pattern(
        r"(?<![\w.:/-])([1-5]\d\d)(?![\w.:/%-])(?!\s*(?:ms|lines?|条|次|毫秒|秒|seconds?))"
    ).finditer(text.plain):
        if not any(
            overlaps(match.span(), span) for span in (*taken, *(each.span for each in request.comparisons))
        ):
            text.use(match.span())
            negated = bool(
                NEGATED.search(text.plain[: match.start()])
                or re.match(r"\s*(?:以外|之外|除外)", text.plain[match.end() :])
            )
            value: str | float = float(match[1]) if schema.fields[name] == "number" else match[1]
            return [(FieldFilter(name, "!=" if negated else "=", value), match.span())]
    return []


def _lines(request: Request, taken: list[Span], names: Iterable[str]) -> list[LineFilter]:
    """Texts that lines must hold, or must not."""
    return [
        LineFilter("!=" if negated else "|=", said)
        for negated, said in texts(request.text, taken, names=names)
    ]


def _measured(request: Request, schema: LogSchema) -> str:
    """The field whose values are wanted: of a percentile, a mean, a maximum."""
    if request.quantile is None and not request.wanted("avg", "max", "min", "sum"):
        return ""
    numbers = [name for name, kind in schema.fields.items() if kind == "number"]
    named = [(span[0], name) for name in numbers for span in surfaces(request.text, name)]
    if named:
        return min(named)[1]
    if request.limit is not None and request.quantile is None and not request.wanted("avg", "sum"):
        return ""
    return (
        next((name for name in numbers if set(parts(name)) & set(_LATENCIES)), "")
        if request.quantile is not None
        else ""
    )


def _metric(plan: Plan) -> MetricPart | None:  # noqa: PLR0911 - one return a kind
    """What is counted or measured; None where lines are wanted."""
    request = plan.request
    range_s = request.interval_s or request.window_s or USUAL_RANGE_S
    if request.wanted("absent") and not request.text.quotes:
        return OverTime("absent_over_time", plan.pipeline, range_s)
    field = _measured(request, plan.schema)
    if field and request.quantile is not None:
        return OverTime("quantile_over_time", plan.pipeline, range_s, field, request.quantile)
    if (field and request.wanted("avg", "max", "min", "sum") and request.limit is None) or (
        field and request.wanted("avg")
    ):
        function = next(name for name in ("avg", "max", "min", "sum") if request.wanted(name))
        return OverTime(f"{function}_over_time", plan.pipeline, range_s, field)
    if request.wanted("share"):
        return _share(plan, range_s)
    if request.wanted("rate"):
        return OverTime("rate", plan.pipeline, range_s)
    of_result = (
        any(_is_of_result(each, request, plan.schema) for each in request.comparisons)
        and not plan.schema.fields
    )
    if (
        request.wanted("count", "increase", "timeline", "compare")
        or plan.by
        or of_result
        or (request.limit is not None and request.window_s)
    ):
        return OverTime("count_over_time", plan.pipeline, range_s)
    return None


def _share(plan: Plan, range_s: float) -> MetricPart:
    """Lines of the level, or with the field's value, among all lines of the streams."""
    whole = tuple(each for each in plan.matchers if each.name not in LEVELS)
    stages = tuple(each for each in plan.stages if isinstance(each, Parser))
    rest = Pipeline(
        whole or _all_streams(plan.schema),
        stages if any(name in plan.schema.fields for name in plan.by) else (),
    )
    both = [Over("sum", OverTime("rate", each, range_s), plan.by) for each in (plan.pipeline, rest)]
    return Compared("/", both[0], both[1])


def _finished(metric: MetricPart, plan: Plan) -> MetricPart:
    request = plan.request
    if isinstance(metric, OverTime):
        op = metric.function.removesuffix("_over_time")
        op = op if op in ("avg", "max", "min") else "sum"
        is_measured = bool(metric.unwrap)
        if (plan.by or not is_measured) and metric.function != "absent_over_time":
            metric = Over("max" if metric.function == "quantile_over_time" else op, metric, plan.by)
        if request.offset_s:
            metric = (
                Compared("/", metric, _shifted(metric, request.offset_s))
                if request.wanted("compare")
                else _shifted(metric, request.offset_s)
            )
    if request.limit is not None:
        metric = Over("bottomk" if request.descending is False else "topk", metric, (), request.limit)
    for each in request.comparisons:
        if _is_of_result(each, request, plan.schema):
            return Compared(each.op, metric, each.value)
    return metric


def _shifted(part: MetricPart, offset_s: float) -> MetricPart:
    if isinstance(part, OverTime):
        return replace(part, offset_s=offset_s)
    if isinstance(part, Over):
        return replace(part, inner=_shifted(part.inner, offset_s))
    return part


def _subject(request: Request, schema: LogSchema, matched: set[str]) -> tuple[str, ...]:
    names = [name for name in (*schema.labels, *schema.fields) if name not in matched and name not in LEVELS]
    at = [(span[0], name) for name in names for span in surfaces(request.text, name)]
    return (min(at)[1],) if at else ()
