"""Words to PromQL by rules: which metric, what is done with it, of which series, by which labels."""

from __future__ import annotations

from dataclasses import replace

from sre_copilot.agents.queries.promql.parts import Aggregate, Apply, Binary, Number, Part, Selector
from sre_copilot.agents.queries.promql.planning import Plan, plan_of
from sre_copilot.agents.queries.promql.ratios import busy, partner, share_of
from sre_copilot.agents.queries.request import Comparison, Request
from sre_copilot.agents.queries.schema import MetricSchema
from sre_copilot.agents.queries.text import parts as metric_words
from sre_copilot.agents.understanding.wording import pattern

USUAL_TREND_S = 6 * 3600.0  # a trend to extrapolate from needs hours
"""Values that many metrics have: they tell nothing of which is meant."""
_COUNTING = ("increase", "count")
LONG_S = 1800.0  # "in the last hour" asks how many there were, not how many a second
_FUNCTIONS = {
    "avg": "avg_over_time",
    "max": "max_over_time",
    "min": "min_over_time",
    "sum": "sum_over_time",
    "deviation": "stddev_over_time",
}
_NOW = pattern(r"\b(?:right\s+now|at\s+the\s+moment|currently|now)\b|现在|目前|当前|此刻")
_MEMORY_UNITS = {
    "kb": 1e3,
    "mb": 1e6,
    "gb": 1e9,
    "tb": 1e12,
    "kib": 1024.0,
    "mib": 1024.0**2,
    "gib": 1024.0**3,
    "tib": 1024.0**4,
    "k": 1e3,
    "m": 1e6,
    "g": 1e9,
    "t": 1e12,
}


def write(request: Request, schema: MetricSchema) -> str:
    """The query.

    Raises
    ------
    QueryProblem : when no metric is named
    """
    plan = plan_of(request, schema)
    part = _predicted(plan) or _absent(plan) or _ratio(plan) or _value(plan)
    part = _compared_with_before(part, plan)
    part = _limited(part, plan)
    return _thresholded(part, plan).text


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
    if plan.request.wanted("rate", "increase", "count") and (
        count.name in known or plan.metric.name not in known
    ):
        return _of_counter(replace(plan, metric=count))
    if total in known and count.name in known:
        both = [
            Aggregate("sum", Apply("rate", (plan.selector(name),)), plan.by) for name in (total, count.name)
        ]
        return Binary("/", both[0], both[1])
    usual = 0.95 if not plan.request.wanted("avg") else 0.5
    inner = Aggregate("sum", Apply("rate", (plan.selector(),)), ("le", *plan.by))
    return Apply("histogram_quantile", (Number(usual), inner))


def _of_counter(plan: Plan) -> Part:
    request = plan.request
    measured = {"seconds", "bytes"} & set(metric_words(plan.metric.name))
    long = (
        (request.window_s or 0.0) >= LONG_S
        and not measured
        and not request.wanted("rate", "avg", "max", "share", "compare")
    )
    counted = (
        long or request.wanted("happened") or (request.wanted(*_COUNTING) and not request.wanted("rate"))
    )
    function = "increase" if counted else "rate"
    inner = Apply(function, (plan.selector(),))
    if request.wanted("happened") and not plan.by and request.limit is None:
        return inner
    averaged = request.wanted("avg") and ("mode" in plan.metric.labels or plan.by)
    op = (
        "avg" if averaged else "max" if request.wanted("max") and request.limit is None and plan.by else "sum"
    )
    return Aggregate(op, inner, plan.by)


def _of_gauge(plan: Plan) -> Part:  # noqa: PLR0911 - one return a kind
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
    return (
        "avg"
        if {
            "ratio",
            "percent",
            "load1",
            "load5",
            "load15",
            "temperature",
            "celsius",
            "seconds",
            "utilization",
        }
        & set(words)
        else "sum"
    )


def _compared_with_before(part: Part, plan: Plan) -> Part:
    offset = plan.request.offset_s
    if offset is None:
        return part
    before = _shifted(part, offset)
    if not plan.request.wanted("compare", "change"):
        return before
    return Binary(
        "/" if plan.request.wanted("share") or not plan.request.wanted("change") else "-", part, before
    )


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
