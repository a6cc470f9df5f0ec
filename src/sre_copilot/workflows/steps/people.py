"""Tasks for people, as a run asks for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sre_copilot.errors import UsageError
from sre_copilot.telemetry import log
from sre_copilot.workflows.frames import Outcome
from sre_copilot.workflows.providers import HumanCall
from sre_copilot.workflows.steps.asking import NotAnswered, tell
from sre_copilot.workflows.steps.order import Order
from sre_copilot.workflows.values import checked

if TYPE_CHECKING:
    from sre_copilot.workflows.steps.doing import Doing

_log = log(__name__)


def topic_of(label: str) -> str:
    """Under which topic the run hears of the answer."""
    return f"task {label}"


def ask(doing: Doing, order: Order) -> dict[str, Any]:
    """Keep the task, and tell people of it."""
    asked, now = _asked(order), doing.clock.now()
    form = [each.model_dump(mode="json") for each in asked.form]
    for each in form:
        each["default"] = order.filled(each["default"])
    doing.runs.ask(
        {
            "id": order.effect, "run_id": order.frame.run, "run_key": order.key, "workflow_id": order.frame.workflow, "step": order.label,
            "title": str(order.filled(asked.title)), "body": str(order.filled(asked.text)), "form": form, "role": asked.role,
            "status": "open", "created_at": now, "due_at": order.until, "answer": {}, "answered_by": "", "handed_on": False,
        }
    )  # fmt: skip
    if doing.over(order.frame.run):
        doing.runs.close(order.effect, now=now)
    else:
        _tell(doing, order, asked.receivers, "/task")
    return {"at": now, "topic": topic_of(order.label)}


def escalate(doing: Doing, order: Order, receivers: Sequence[str], number: int) -> int:
    """Nobody has answered: tell others."""
    return _tell(doing, order, receivers, f"/escalate/{number}")


def close(doing: Doing, order: Order, began: float) -> dict[str, Any]:
    """Nobody has answered in time, or the word of it was lost: take what is there, or the defaults."""
    asked, now = _asked(order), doing.clock.now()
    closed = doing.runs.close(order.effect, now=now)
    task = doing.runs.task(order.effect)
    if not closed and task is not None and task["status"] == "answered":
        output = {"answer": task["answer"], "by": task["answered_by"], "answered": True}
        doing.runs.handed_on(order.effect)
        return Outcome(status="succeeded", output=output, began=began, at=now).as_json()
    if asked.on_timeout == "default" and task is not None:
        answer = {each["name"]: each["default"] for each in task["form"]}
        output = {"answer": answer, "by": "", "answered": False}
        return Outcome(status="succeeded", output=output, began=began, at=now).as_json()
    return Outcome(status="timed_out", error="nobody answered in time", began=began, at=now).as_json()


def answer_of(task: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """An answer that fits the form.

    Raises
    ------
    UsageError : names the field
    """
    form = {each["name"]: each for each in task["form"]}
    if unknown := sorted(set(given) - set(form)):
        raise UsageError(f"{unknown[0]}: is no field of this task. Fields are: {', '.join(form) or 'none'}.")
    answer = {}
    for name, each in form.items():
        value = given.get(name, each["default"])
        if value is None and each["required"]:
            raise UsageError(f"{name}: is missing. Answer it.")
        answer[name] = value if value is None else checked(name, value, each["type"], each["choices"])
    return answer


def _asked(order: Order) -> Any:
    assert isinstance(order.step.provider, HumanCall)  # noqa: S101 - chosen by kind
    return order.step.provider.with_


def _tell(doing: Doing, order: Order, receivers: Sequence[str], key: str) -> int:
    """Tell of the task; whom nobody can reach still finds it in the list."""
    if not receivers:
        return 0
    asked = _asked(order)
    try:
        return tell(
            order,
            doing.ports,
            tuple(order.filled(list(receivers))),
            asked.title,
            asked.text,
            severity="warning",
            key=key,
        )
    except (NotAnswered, UsageError) as problem:
        _log.warning("nobody was told of a task", task=order.effect, problem=str(problem))
        return 0
