"""Words to PromQL by rules: which metric, what is done with it, of which series, by which labels."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sre_copilot.agents.queries.linking import ValueLink, error_value, grouped, link, linked_values, named_values, surfaces
from sre_copilot.agents.queries.promql.parts import Aggregate, Apply, Binary, Matcher, Number, Part, Selector
from sre_copilot.agents.queries.promql.ratios import busy, partner, share_of
from sre_copilot.agents.queries.request import Comparison, Request
from sre_copilot.agents.queries.schema import Metric, MetricSchema
from sre_copilot.agents.queries.text import parts as metric_words
from sre_copilot.agents.queries.written import QueryProblem
from sre_copilot.agents.understanding.wording import pattern

USUAL_RANGE_S = 300.0  # of a rate where nobody says: five minutes hold enough samples at any usual scrape interval
USUAL_TREND_S = 6 * 3600.0  # a trend to extrapolate from needs hours
_OUTCOME_WORDS = frozenset({"error", "ok", "success", "failed", "fail"})
"""Values that many metrics have: they tell nothing of which is meant."""
_COUNTING = ("increase", "count")
LONG_S = 1800.0  # "in the last hour" asks how many there were, not how many a second
_FUNCTIONS = {"avg": "avg_over_time", "max": "max_over_time", "min": "min_over_time", "sum": "sum_over_time", "deviation": "stddev_over_time"}
_CLASS = pattern(r"(?<![\w.])([1-5])xx\b")
_CODE = pattern(r"(?<![\w.:/-])([1-5]\d\d)(?![\w.:/%-])")
_CODES = ("code", "status", "status_code", "response_code", "http_status", "http_response_status_code", "http_status_code")
_SERVER_ERRORS = pattern(r"\berrors?\b|\berroneous\b|\bfail(?:ed|ures?|ing)?\b|错误|报错|失败|异常")
_FAILURES = pattern(r"\bfail(?:ed|ures?|ing)?\b|\berrors?\b|失败|出错|报错|错误")
_NOW = pattern(r"\b(?:right\s+now|at\s+the\s+moment|currently|now)\b|现在|目前|当前|此刻")
_MEMORY_UNITS = {"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "kib": 1024.0, "mib": 1024.0**2, "gib": 1024.0**3, "tib": 1024.0**4, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}


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


def write(request: Request, schema: MetricSchema) -> str:
    """The query.

    Raises
    ------
    QueryProblem : when no metric is named
    """
    plan = _plan(request, schema)
    part = _predicted(plan) or _absent(plan) or _ratio(plan) or _value(plan)
    part = _compared_with_before(part, plan)
    part = _limited(part, plan)
    return _thresholded(part, plan).text


def _plan(request: Request, schema: MetricSchema) -> Plan:
    request.text.hide(value for each in schema.values.values() for value in each)
    metric = _metric(request, schema)
    values = {name: each for name, each in schema.values.items() if name in metric.labels}
    hidden = [each.span for each in request.comparisons]
    found = linked_values(request.text, values, skip=hidden)
    names = [name for name in metric.labels if name != "le"]
    by = tuple(grouped(request.text, request.groups, names))
    found = [each for each in found if not (each.name in by and each.value.lower() == each.name.lower())]
    found += named_values(request.text, [name for name in names if name not in by or name not in values], taken=[*hidden, *(each.span for each in found)])
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
        raise QueryProblem(f"The text names none of the metrics. There are, for example: {near}.", f"文字中没有提到已知的指标。现有的例如：{near}。")
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
    found = [each for each in linked_values(request.text, schema.values) if each.value.lower() not in _OUTCOME_WORDS]
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


def _codes(request: Request, metric: Metric, found: list[ValueLink], schema: MetricSchema) -> tuple[Matcher, ...]:
    """Status codes and their classes, and what an error is where only errors are asked for."""
    outcome = next((name for name in ("result", "outcome") if name in metric.labels and name in schema.values), "")
    if outcome and not any(each.name == outcome for each in found) and (match := _FAILURES.search(request.text.plain)):
        if bad := error_value(schema.values[outcome]):
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
    if (match := _SERVER_ERRORS.search(text.plain)) and not any(each.name in ("result", "outcome") for each in found):
        text.use(match.span())
        return (Matcher(label, "=~", "5.."),)
    return ()


def _subject(request: Request, names: list[str], matched: set[str]) -> tuple[str, ...]:
    """What a ranking is of: the label that is named right after the number."""
    at = [(span[0], name) for name in names if name not in matched for span in surfaces(request.text, name)]
    return (min(at)[1],) if at else ()


def _predicted(plan: Plan) -> Part | None:
    request = plan.request
    if request.horizon_s is None and not request.wanted("predict"):
        return None
    range_s = request.window_s or USUAL_TREND_S
    ahead = Number(request.horizon_s or 4 * 3600.0)
    return Apply("predict_linear", (Selector(plan.metric.name, plan.matchers, range_s), ahead))


def _absent(plan: Plan) -> Part | None:
    if not plan.request.wanted("absent"):
        return None
    if plan.request.window_s:
        return Apply("absent_over_time", (plan.selector(),))
    return Apply("absent", (plan.selector(ranged=False),))


def _ratio(plan: Plan) -> Part | None:
    request = plan.request
    if (part := busy(plan.metric, plan.matchers, plan.by, plan.range_s, request)) is not None:
        return part
    percent = any(each.unit in ("%", "percent") for each in request.comparisons)
    if not request.wanted("share") and not (percent and plan.metric.kind == "gauge"):
        return None
    if plan.metric.kind == "gauge":
        whole = partner(plan.metric.name, plan.schema, request)
        return None if whole is None else whole(plan.matchers, percent)
    return share_of(plan.metric, plan.matchers, plan.by, plan.range_s, request, plan.schema)


def _value(plan: Plan) -> Part:
    request, metric = plan.request, plan.metric
    if metric.kind == "histogram" and request.quantile is not None:
        inner = Aggregate("sum", Apply("rate", (plan.selector(),)), ("le", *plan.by))
        return Apply("histogram_quantile", (Number(request.quantile), inner))
    if metric.kind == "histogram":
        return _of_histogram(plan)
    if metric.kind == "counter":
        return _of_counter(plan)
    return _of_gauge(plan)


def _of_histogram(plan: Plan) -> Part:
    base = plan.metric.name.removesuffix("_bucket")
    count = replace(plan.metric, name=f"{base}_count", kind="counter")
    total = f"{base}_sum"
    known = plan.schema.metrics
    if plan.request.wanted("rate", "increase", "count") and (count.name in known or plan.metric.name not in known):
        return _of_counter(replace(plan, metric=count))
    if total in known and count.name in known:
        both = [Aggregate("sum", Apply("rate", (plan.selector(name),)), plan.by) for name in (total, count.name)]
        return Binary("/", both[0], both[1])
    usual = 0.95 if not plan.request.wanted("avg") else 0.5
    inner = Aggregate("sum", Apply("rate", (plan.selector(),)), ("le", *plan.by))
    return Apply("histogram_quantile", (Number(usual), inner))


def _of_counter(plan: Plan) -> Part:
    request = plan.request
    measured = {"seconds", "bytes"} & set(metric_words(plan.metric.name))
    long = (request.window_s or 0.0) >= LONG_S and not measured and not request.wanted("rate", "avg", "max", "share", "compare")
    counted = long or request.wanted("happened") or (request.wanted(*_COUNTING) and not request.wanted("rate"))
    function = "increase" if counted else "rate"
    inner = Apply(function, (plan.selector(),))
    if request.wanted("happened") and not plan.by and request.limit is None:
        return inner
    averaged = request.wanted("avg") and ("mode" in plan.metric.labels or plan.by)
    op = "avg" if averaged else "max" if request.wanted("max") and request.limit is None and plan.by else "sum"
    return Aggregate(op, inner, plan.by)


def _of_gauge(plan: Plan) -> Part:
    request = plan.request
    inner: Part = plan.selector(ranged=False)
    op = next((name for name in ("avg", "max", "min", "sum") if request.wanted(name)), "")
    if request.limit is not None or request.order_span is not None:
        op = op if op in ("avg", "sum") else ""
    if request.quantile is not None and request.window_s:
        return Apply("quantile_over_time", (Number(request.quantile), plan.selector()))
    if request.wanted("change") and request.window_s and not request.wanted("compare"):
        return Apply("delta", (plan.selector(),))
    if request.window_s and not request.wanted("predict") and (op or request.comparisons or not plan.by):
        over = Apply(_FUNCTIONS.get(op or "avg", "avg_over_time"), (plan.selector(),))
        return Aggregate(op or "avg", over, plan.by) if plan.by else over
    if request.wanted("count") and not op and _counts_series(request):
        return Aggregate("count", inner, plan.by)
    if request.quantile is not None:
        return Aggregate("quantile", inner, plan.by, request.quantile)
    if plan.by or op:
        return Aggregate(op or _natural(plan.metric.name), inner, plan.by)
    return inner


def _counts_series(request: Request) -> bool:
    """Whether series are counted (how many machines have …), and not what they hold."""
    return bool(request.comparisons)


def _natural(metric: str) -> str:
    """What is done with a gauge over several series: levels and ratios are averaged, amounts are added."""
    words = metric.lower().split("_")
    return "avg" if {"ratio", "percent", "load1", "load5", "load15", "temperature", "celsius", "seconds", "utilization"} & set(words) else "sum"


def _compared_with_before(part: Part, plan: Plan) -> Part:
    offset = plan.request.offset_s
    if offset is None:
        return part
    before = _shifted(part, offset)
    if not plan.request.wanted("compare", "change"):
        return before
    return Binary("/" if plan.request.wanted("share") or not plan.request.wanted("change") else "-", part, before)


def _shifted(part: Part, offset_s: float) -> Part:
    if isinstance(part, Selector):
        return replace(part, offset_s=offset_s)
    if isinstance(part, Apply):
        return Apply(part.function, tuple(_shifted(each, offset_s) for each in part.arguments))
    if isinstance(part, Aggregate):
        return replace(part, inner=_shifted(part.inner, offset_s))
    if isinstance(part, Binary):
        return Binary(part.op, _shifted(part.left, offset_s), _shifted(part.right, offset_s))
    return part


def _limited(part: Part, plan: Plan) -> Part:
    request = plan.request
    if request.limit is None:
        return part
    op = "bottomk" if request.descending is False else "topk"
    return Aggregate(op, part, (), float(request.limit))


def _thresholded(part: Part, plan: Plan) -> Part:
    request = plan.request
    if request.comparisons:
        limit = request.comparisons[0]
        return Binary(limit.op, part, Number(_in_unit(limit, plan.metric.name, part)))
    if request.wanted("zero") and plan.metric.kind == "gauge":
        return Binary("==", part, Number(0.0))
    if request.wanted("happened") and plan.metric.kind == "counter":
        return Binary(">", part, Number(0.0))
    return part


def _in_unit(limit: Comparison, metric: str, part: Part) -> float:
    """The number in the unit of the metric: bytes, seconds, a ratio."""
    unit = limit.unit.strip().lower()
    if unit in ("%", "percent"):
        is_hundred = isinstance(part, Binary) and part.op == "*"
        return limit.value if is_hundred else limit.value / 100
    if unit in ("ms", "毫秒") or unit.startswith("millisecond"):
        return limit.value if "millisecond" in metric or metric.endswith("_ms") else limit.value / 1000
    if "bytes" in metric and unit in _MEMORY_UNITS:
        return limit.value * _MEMORY_UNITS[unit]
    if unit.startswith(("分钟", "min")):
        return limit.value * 60
    return limit.value
