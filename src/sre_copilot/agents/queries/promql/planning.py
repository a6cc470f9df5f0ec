"""Which metric, series and labels a request means."""

from __future__ import annotations

from dataclasses import dataclass

from sre_copilot.agents.queries.linking import (
    ValueLink,
    error_value,
    grouped,
    link,
    linked_values,
    named_values,
    surfaces,
)
from sre_copilot.agents.queries.promql.parts import Matcher, Selector
from sre_copilot.agents.queries.request import Request
from sre_copilot.agents.queries.schema import Metric, MetricSchema
from sre_copilot.agents.queries.written import QueryProblem
from sre_copilot.agents.understanding.wording import pattern

USUAL_RANGE_S = (
    300.0  # of a rate where nobody says: five minutes hold enough samples at any usual scrape interval
)


_OUTCOME_WORDS = frozenset({"error", "ok", "success", "failed", "fail"})


_CLASS = pattern(r"(?<![\w.])([1-5])xx\b")


_CODE = pattern(r"(?<![\w.:/-])([1-5]\d\d)(?![\w.:/%-])")


_CODES = (
    "code",
    "status",
    "status_code",
    "response_code",
    "http_status",
    "http_response_status_code",
    "http_status_code",
)


_SERVER_ERRORS = pattern(r"\berrors?\b|\berroneous\b|\bfail(?:ed|ures?|ing)?\b|错误|报错|失败|异常")


_FAILURES = pattern(r"\bfail(?:ed|ures?|ing)?\b|\berrors?\b|失败|出错|报错|错误")


@dataclass
class Plan:
    """What the rules decided."""

    metric: Metric
    matchers: tuple[Matcher, ...]
    by: tuple[str, ...]
    range_s: float
    request: Request
    schema: MetricSchema

    def selector(self, metric: str = "", *, ranged: bool = True, extra: tuple[Matcher, ...] = ()) -> Selector:
        """The series, over the range where one is asked for."""
        return Selector(metric or self.metric.name, (*self.matchers, *extra), self.range_s if ranged else 0.0)


def plan_of(request: Request, schema: MetricSchema) -> Plan:
    request.text.hide(value for each in schema.values.values() for value in each)
    metric = _metric(request, schema)
    values = {name: each for name, each in schema.values.items() if name in metric.labels}
    hidden = [each.span for each in request.comparisons]
    found = linked_values(request.text, values, skip=hidden)
    names = [name for name in metric.labels if name != "le"]
    by = tuple(grouped(request.text, request.groups, names))
    found = [each for each in found if not (each.name in by and each.value.lower() == each.name.lower())]
    found += named_values(
        request.text,
        [name for name in names if name not in by or name not in values],
        taken=[*hidden, *(each.span for each in found)],
    )
    for each in found:
        request.text.use(each.span)
    matchers = (*_matchers(found), *_codes(request, metric, found, schema))
    if not by and metric.kind != "gauge" and request.limit is not None:
        by = _subject(request, names, {each.name for each in matchers})
    return Plan(metric, matchers, by, request.window_s or USUAL_RANGE_S, request, schema)


def _metric(request: Request, schema: MetricSchema) -> Metric:
    boost = {name: _fit(request, each) for name, each in schema.metrics.items()}
    links = link(request.text, schema.metrics, boost=boost)
    shared = _by_labels(request, schema)
    if not links and not shared:
        near = ", ".join(sorted(schema.metrics)[:6])
        raise QueryProblem(
            f"The text names none of the metrics. There are, for example: {near}.",
            f"文字中没有提到已知的指标。现有的例如：{near}。",
        )
    best = max(links, key=lambda each: each.score + shared.get(each.name, 0.0)) if links else None
    name = best.name if best else max(shared, key=lambda each: shared[each])
    for span in best.spans if best else ():
        request.text.use(span)
    return schema.metrics[name]


def _fit(request: Request, metric: Metric) -> float:
    """How well the kind of a metric fits what is asked of it."""
    fit = 0.0
    if request.quantile is not None:
        fit += 3.0 if metric.kind == "histogram" else -1.0
    elif metric.kind == "histogram":
        fit -= 0.3
    if request.wanted("rate", "increase", "happened") and metric.kind == "counter":
        fit += 0.8
    if request.wanted("predict", "change") and metric.kind == "gauge":
        fit += 0.4
    return fit


def _by_labels(request: Request, schema: MetricSchema) -> dict[str, float]:
    """Metrics by how many of the values that are named their labels may have: a value decides between metrics of like names."""
    found = [
        each
        for each in linked_values(request.text, schema.values)
        if each.value.lower() not in _OUTCOME_WORDS
    ]
    return {
        name: 0.9 * count
        for name, metric in schema.metrics.items()
        if (count := sum(each.name in metric.labels for each in found))
    }


def _matchers(found: list[ValueLink]) -> tuple[Matcher, ...]:
    """Conditions; several values of one label are alternatives."""
    grouped_: dict[tuple[str, bool], list[str]] = {}
    for each in found:
        grouped_.setdefault((each.name, each.negated), []).append(each.value)
    made = []
    for (name, negated), values in grouped_.items():
        unique = list(dict.fromkeys(values))
        if len(unique) == 1:
            made.append(Matcher(name, "!=" if negated else "=", unique[0]))
        else:
            pattern_ = "|".join(_escaped(each) for each in unique)
            made.append(Matcher(name, "!~" if negated else "=~", pattern_))
    return tuple(made)


def _escaped(text: str) -> str:
    return "".join("\\" + c if c in r"\.+*?()|[]{}^$" else c for c in text)


def _codes(
    request: Request, metric: Metric, found: list[ValueLink], schema: MetricSchema
) -> tuple[Matcher, ...]:
    """Status codes and their classes, and what an error is where only errors are asked for."""
    outcome = next(
        (name for name in ("result", "outcome") if name in metric.labels and name in schema.values), ""
    )
    if (
        outcome
        and not any(each.name == outcome for each in found)
        and (match := _FAILURES.search(request.text.plain))
    ) and (bad := error_value(schema.values[outcome])):
        request.text.use(match.span())
        return (Matcher(outcome, "=", bad),)
    label = next((name for name in _CODES if name in metric.labels), "")
    if not label or any(each.name == label for each in found):
        return ()
    text = request.text
    if match := _CLASS.search(text.plain):
        text.use(match.span())
        return (Matcher(label, "=~", f"{match[1]}.."),)
    taken = [each.span for each in request.comparisons]
    for match in _CODE.finditer(text.plain):
        if not any(start <= match.start() < end for start, end in taken):
            text.use(match.span())
            return (Matcher(label, "=", match[1]),)
    if (match := _SERVER_ERRORS.search(text.plain)) and not any(
        each.name in ("result", "outcome") for each in found
    ):
        text.use(match.span())
        return (Matcher(label, "=~", "5.."),)
    return ()


def _subject(request: Request, names: list[str], matched: set[str]) -> tuple[str, ...]:
    """What a ranking is of: the label that is named right after the number."""
    at = [(span[0], name) for name in names if name not in matched for span in surfaces(request.text, name)]
    return (min(at)[1],) if at else ()
