"""Shares: of requests that failed, of a disk that is full, of a processor that is busy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sre_copilot.agents.queries.linking import error_value
from sre_copilot.agents.queries.promql.parts import Aggregate, Apply, Binary, Matcher, Number, Part, Selector
from sre_copilot.agents.queries.request import Request
from sre_copilot.agents.queries.schema import Metric, MetricSchema
from sre_copilot.agents.understanding.wording import pattern

_OUTCOMES = ("code", "status", "status_code", "response_code", "http_status", "result", "outcome")
_GOOD = ("ok", "success", "succeeded", "successful", "captured", "completed")
_PARTS = (
    ("avail", "size"),
    ("available", "total"),
    ("free", "total"),
    ("memavailable", "memtotal"),
    ("memfree", "memtotal"),
    ("free", "size"),
    ("used", "total"),
    ("used", "max"),
    ("used", "limit"),
    ("current", "max"),
    ("usage", "limit"),
)
_USED = pattern(r"\bus(?:ed|age|e)\b|\butili[sz]ation\b|\bfull\b|使用|占用|利用|已用")
_SUCCESS = pattern(r"\bsuccess\w*\b|成功|通过")


def busy(
    metric: Metric, matchers: tuple[Matcher, ...], by: tuple[str, ...], range_s: float, request: Request
) -> Part | None:
    """How busy processors are: whatever is not idle; None where that is not asked of such a metric."""
    if "mode" not in metric.labels or not request.wanted("busy", "share") or metric.kind != "counter":
        return None
    if any(each.name == "mode" for each in matchers if each.value != "idle"):
        return None
    others = tuple(each for each in matchers if each.name != "mode")
    labels = by or tuple(name for name in ("instance", "node", "host") if name in metric.labels)[:1]
    idle = Apply("rate", (Selector(metric.name, (*others, Matcher("mode", "=", "idle")), range_s),))
    return Binary("*", Number(100.0), Binary("-", Number(1.0), Aggregate("avg", idle, labels)))


def partner(
    name: str, schema: MetricSchema, request: Request
) -> Callable[[tuple[Matcher, ...], bool], Part] | None:
    """How a gauge is held against its whole: free by size, used by limit; None where there is no whole."""
    pair = _pair(name, schema)
    if pair is None:
        return None
    part, whole = pair
    is_free = any(word in part.lower() for word in ("avail", "free"))
    wants_used = bool(_USED.search(request.text.plain))

    def make(matchers: tuple[Matcher, ...], percent: bool) -> Part:
        ratio = Binary("/", Selector(part, matchers), Selector(whole, matchers))
        return Binary("-", Number(1.0), ratio) if is_free and wants_used else ratio

    return make


def _pair(name: str, schema: MetricSchema) -> tuple[str, str] | None:
    for small, large in _PARTS:
        for one, other in ((small, large), (large, small)):
            lowered = name.lower()
            if one in lowered:
                wanted = lowered.replace(one, other)
                found = next((each for each in schema.metrics if each.lower() == wanted), "")
                if found:
                    return (name, found) if one == small else (found, name)
    return None


def share_of(  # noqa: PLR0917 - a private step with its whole context
    metric: Metric, matchers: tuple[Matcher, ...], by: tuple[str, ...], range_s: float, request: Request, schema: MetricSchema
) -> Part | None:  # fmt: skip
    """The share of those that the outcome is of, among all; None where the metric tells no outcome."""
    label = next((name for name in _OUTCOMES if name in metric.labels and name not in by), "")
    if not label or metric.kind == "histogram":
        return None
    outcome = tuple(each for each in matchers if each.name == label) or _implied(label, request, schema)
    if not outcome:
        return None
    success = _SUCCESS.search(request.text.plain)
    if (
        success
        and label not in ("result", "outcome", "status")
        and all(each.value == "5.." for each in outcome)
    ):
        outcome = tuple(replace(each, op="!~") for each in outcome)
    others = tuple(each for each in matchers if each.name != label)
    both = [
        Aggregate("sum", Apply("rate", (Selector(metric.name, each, range_s),)), by)
        for each in ((*others, *outcome), others)
    ]
    return Binary("/", both[0], both[1])


def _implied(label: str, request: Request, schema: MetricSchema) -> tuple[Matcher, ...]:
    values = schema.values.get(label, ())
    if _SUCCESS.search(request.text.plain):
        good = next((each for each in values if each.lower() in _GOOD), "")
        return (Matcher(label, "=", good),) if good else (Matcher(label, "!~", "5.."),) if not values else ()
    bad = error_value(values)
    if bad:
        return (Matcher(label, "=", bad),)
    return () if values else (Matcher(label, "=~", "5.."),)
