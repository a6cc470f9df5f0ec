"""Steps that answer at once: a tool, a query, a check, a model, a message, a value. Each gives its output, or raises why it has none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sre_copilot.domain.evidence import Check, Query
from sre_copilot.domain.signals import Window
from sre_copilot.errors import UsageError
from sre_copilot.workflows.ports import Answered, Ports, Told
from sre_copilot.workflows.providers import (
    CheckCall,
    FailCall,
    Measured,
    ModelCall,
    NotifyCall,
    QueryCall,
    SetCall,
    ToolCall,
)
from sre_copilot.workflows.quoting import filled_query
from sre_copilot.workflows.steps.order import Order
from sre_copilot.workflows.times import said

QUERY_TOOL = "run_query"


class NotAnswered(Exception):  # noqa: N818 - no error of the program: the step has failed
    """A step has no output; `again` says whether another attempt can help."""

    def __init__(self, problem: str, *, again: bool = True) -> None:
        self.again = again
        super().__init__(problem)


Answer = Callable[[Order, Ports, float], Any]


def tool(order: Order, ports: Ports, now: float) -> Any:
    """Ask a tool."""
    assert isinstance(order.step.provider, ToolCall)  # noqa: S101 - chosen by kind
    call = order.step.provider
    arguments = order.filled(call.with_)
    if call.tool == QUERY_TOOL and "query" in arguments:
        arguments["query"] = filled_query(call.with_["query"], arguments.get("language"), order.scope)
    return _used(order, ports, call.tool, arguments)


def query(order: Order, ports: Ports, now: float) -> Any:
    """Send a query, by the tool that judges queries."""
    assert isinstance(order.step.provider, QueryCall)  # noqa: S101
    asked = order.step.provider.with_
    arguments = {
        "query": filled_query(asked.query, asked.language, order.scope), "language": asked.language, "source": order.filled(asked.source),
        "limit": asked.limit, "start": said(now - asked.window), "end": said(now),
    }  # fmt: skip
    return _used(order, ports, QUERY_TOOL, arguments)


def check(order: Order, ports: Ports, now: float) -> Any:
    """Evaluate a statement."""
    assert isinstance(order.step.provider, CheckCall)  # noqa: S101
    if ports.checks is None:
        raise NotAnswered("no source of telemetry is configured", again=False)
    return _answer(ports.checks.check(check_of(order, now), asker=order.asker))


def check_of(order: Order, now: float) -> Check:
    """The statement of a step, over its window up to now."""
    assert isinstance(order.step.provider, CheckCall)  # noqa: S101
    asked = order.step.provider.with_
    window = Window(now - asked.window, now)
    return Check(
        query=_query_of(asked, order, window),
        aggregate=asked.aggregate,
        relation=asked.relation,
        bound=_number(order.filled(asked.bound)),
        against=_query_of(asked.against, order, window) if asked.against else None,
        combine=asked.combine,
    )


def model(order: Order, ports: Ports, now: float) -> Any:
    """Ask a model; without one the answer is what the step says otherwise."""
    assert isinstance(order.step.provider, ModelCall)  # noqa: S101
    asked = order.step.provider.with_
    thought = None
    if ports.model is not None:
        thought = ports.model.ask(
            order.filled(asked.question),
            order.filled(asked.material),
            choices=asked.choices,
            model=asked.model,
            asker=order.asker,
        )
    fits = thought is not None and (not asked.choices or thought.answer in asked.choices)
    if thought is not None and fits:
        return {"answer": thought.answer, "by": thought.model}
    if "otherwise" in asked.model_fields_set:
        return {"answer": order.filled(asked.otherwise), "by": "otherwise"}
    if thought is not None:
        raise NotAnswered(f"the model answered none of {', '.join(asked.choices)}")
    raise NotAnswered(
        "no model is configured, or none answers; give the step `otherwise`", again=ports.model is not None
    )


def notify(order: Order, ports: Ports, now: float) -> Any:
    """Tell people."""
    assert isinstance(order.step.provider, NotifyCall)  # noqa: S101
    asked = order.step.provider.with_
    return {
        "sent": tell(
            order,
            ports,
            tuple(order.filled(asked.receivers)),
            asked.title,
            asked.text,
            severity=asked.severity,
        )
    }


def tell(
    order: Order,
    ports: Ports,
    receivers: tuple[str, ...],
    title: str,
    text: str,
    *,
    severity: str = "info",
    key: str = "",
) -> int:
    """Tell receivers, once for each key."""
    if ports.tell is None:
        raise NotAnswered("no receiver is configured", again=False)
    frame = order.frame
    told = Told(
        title=str(order.filled(title)), text=str(order.filled(text)), severity=severity, run=frame.run, workflow=frame.workflow,
        step=order.label,
    )  # fmt: skip
    return ports.tell.tell(receivers, told, key=order.effect + key)


def values(order: Order, ports: Ports, now: float) -> Any:
    """Compute values."""
    assert isinstance(order.step.provider, SetCall)  # noqa: S101
    return order.filled(order.step.provider.with_)


def fail(order: Order, ports: Ports, now: float) -> Any:
    """End as failed."""
    assert isinstance(order.step.provider, FailCall)  # noqa: S101
    raise NotAnswered(str(order.filled(order.step.provider.with_.reason)), again=False)


ANSWERS: Mapping[str, Answer] = {
    "tool": tool, "query": query, "check": check, "model": model, "notify": notify, "set": values, "fail": fail,
}  # fmt: skip


def _used(order: Order, ports: Ports, name: str, arguments: Mapping[str, Any]) -> Any:
    if ports.tools is None:
        raise NotAnswered("there is no toolbox here", again=False)
    return _answer(ports.tools.use(name, arguments, asker=order.asker))


def _answer(found: Answered) -> Any:
    """Missing data is an answer; an error and a refusal are none."""
    if found.outcome in ("success", "no_data"):
        return {"outcome": found.outcome, **found.output}
    raise NotAnswered(found.problem or found.outcome, again=found.outcome == "error")


def _query_of(asked: Measured, order: Order, window: Window) -> Query:
    where = tuple((key, str(order.filled(value))) for key, value in asked.where.items())
    return Query(source=asked.source, measure=str(order.filled(asked.measure)), where=where, window=window)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise UsageError(
            f"bound: {value!r} is no number. Write one, or an expression that gives one."
        ) from None
