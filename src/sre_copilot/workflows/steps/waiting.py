"""Steps that wait: for time, for a person, for a plan, for another workflow. The waiting itself costs no thread and survives a restart."""

from __future__ import annotations

from typing import Any

from sre_copilot.errors import UsageError
from sre_copilot.workflows.durations import seconds_of
from sre_copilot.workflows.frames import Outcome
from sre_copilot.workflows.providers import HumanCall, SubWorkflowCall, WaitCall
from sre_copilot.workflows.spec import Step
from sre_copilot.workflows.steps import acting, people
from sre_copilot.workflows.steps.walking import GRACE_S, Waits, Walk
from sre_copilot.workflows.templates import fill
from sre_copilot.workflows.times import moment_of

LOOK_FIRST_S, LOOK_LAST_S = (
    5.0,
    60.0,
)  # between two looks at a plan, should the word of its end be lost: soon after the proposal, and every minute while people decide


def wait(walk: Walk, path: str, step: Step, label: str) -> Outcome:
    """For so long, or until then."""
    assert isinstance(step.provider, WaitCall)  # noqa: S101 - chosen by kind
    asked, began = step.provider.with_, walk.now
    if asked.until is not None:
        seconds = moment_of(fill(asked.until, walk.scope)) - began
    else:
        seconds = _duration(fill(asked.for_, walk.scope))
    limit = walk.until(step) - began
    walk.run.sleep(max(0.0, min(seconds, limit)))
    walk.now = began + max(0.0, min(seconds, limit))
    if seconds > limit:
        return Outcome(
            status="timed_out",
            error=f"waits {seconds:.0f} s, and may take {limit:.0f} s",
            began=began,
            at=walk.now,
        )
    return _noted(walk, label, began, {"waited_seconds": round(max(0.0, seconds), 3)})


def human(walk: Walk, path: str, step: Step, label: str) -> Outcome:
    """For a person's answer; those who do not answer are reminded, and others told."""
    assert isinstance(step.provider, HumanCall)  # noqa: S101
    asked, began, until = step.provider.with_, walk.now, walk.until(step)
    order = walk.order(path, step, label, until=until)
    opened = walk.surely(f"{label}:ask", people.ask, walk.doing, order)
    walk.now = max(walk.now, opened["at"])
    for number, each in enumerate((*asked.escalate, None)):
        moment = until if each is None else min(until, began + each.after)
        answer = walk.receive(opened["topic"], moment)
        if answer is not None:
            return _noted(walk, label, began, {key: answer[key] for key in ("answer", "by", "answered")})
        if each is not None and moment < until:
            walk.surely(
                f"{label}:escalate {number}", people.escalate, walk.doing, order, list(each.receivers), number
            )
    closed: dict[str, Any] = walk.surely(label, people.close, walk.doing, order, began)
    return Outcome.of(closed)


def action(walk: Walk, path: str, step: Step, label: str) -> Outcome:
    """For a plan: it is proposed, decided on by others, and over some day."""
    began, until = walk.now, walk.until(step)
    order = walk.order(path, step, label, until=until)
    proposed = walk.surely(f"{label}:propose", acting.propose, walk.doing, order)
    if "problem" in proposed:
        return walk.failed(proposed["problem"])
    pause, number = LOOK_FIRST_S, 0
    while walk.now < until:
        walk.receive(f"plan {proposed['plan_id']}", min(until, walk.now + pause))
        state = walk.surely(f"{label}:look {number}", acting.look, walk.doing, proposed["plan_id"])
        walk.now, pause, number = max(walk.now, state["at"]), min(LOOK_LAST_S, pause * 2), number + 1
        if state["over"]:
            break
    closed: dict[str, Any] = walk.surely(label, acting.close, walk.doing, order, proposed["plan_id"], began)
    return Outcome.of(closed)


def workflow(walk: Walk, path: str, step: Step, label: str) -> Outcome:
    """For another workflow."""
    assert isinstance(step.provider, SubWorkflowCall)  # noqa: S101
    began, until = walk.now, walk.until(step)
    order = walk.order(path, step, label, until=until)
    begun = walk.surely(f"{label}:start", _begin, walk.doing, order)
    if "problem" in begun:
        return walk.failed(begun["problem"])
    message = walk.receive(f"{label}:over", until + GRACE_S)
    if message is None:
        walk.surely(f"{label}:cancel", _cancel, walk.doing, begun["run"])
        problem = f"run {begun['run']} took too long"
        return _noted(walk, label, began, {"run": begun["run"]}, status="timed_out", error=problem)
    error = f"run {begun['run']}: {message['error']}" if message["error"] else ""
    return _noted(walk, label, began, message.get("output"), status=message["status"], error=error)


WAITS: Waits = {"wait": wait, "human": human, "action": action, "workflow": workflow}


def _cancel(doing: Any, run: str) -> bool:
    return bool(doing.cancel(run))


def _begin(doing: Any, order: Any) -> dict[str, Any]:
    try:
        return {"run": doing.begin(order)}
    except UsageError as problem:
        return {"problem": str(problem)}


def _noted(
    walk: Walk, label: str, began: float, output: Any, *, status: str = "succeeded", error: str = ""
) -> Outcome:
    """Keep that a wait is over, with the time."""
    kept = walk.surely(label, _now, walk.doing, status, output, error, began)
    return Outcome.of(kept)


def _now(doing: Any, status: Any, output: Any, error: str, began: float) -> dict[str, Any]:
    return Outcome(status=status, output=output, error=error, began=began, at=doing.clock.now()).as_json()


def _duration(written: Any) -> float:
    try:
        return seconds_of(written)
    except ValueError as error:
        raise UsageError(f"for: {written!r} {error}.") from None
