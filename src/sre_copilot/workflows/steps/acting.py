"""Actions of a workflow: a plan of one action is proposed and looked at. Nothing here reaches an executor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sre_copilot.domain.plan import Target
from sre_copilot.errors import UsageError
from sre_copilot.workflows.cel import ExpressionProblem
from sre_copilot.workflows.frames import Outcome
from sre_copilot.workflows.ports import Decide, PlanState, Proposal
from sre_copilot.workflows.providers import ActionCall
from sre_copilot.workflows.steps.order import Order

if TYPE_CHECKING:
    from sre_copilot.workflows.steps.doing import Doing


def propose(doing: Doing, order: Order) -> dict[str, Any]:
    """Propose the plan; its id, or why there is none.

    A plan of an earlier run that is still carried out, or was carried out after that run had ended, is no second time proposed. One that
    is made while its run ends from outside is taken back: whoever ended the run may not have seen it.
    """
    try:
        decide = _decide(doing)
        earlier = order.frame.begun.get(order.label, {}).get("plan_id")
        if earlier is not None and _counts(decide.outcome(earlier)):
            return {"plan_id": earlier}
        plan_id = decide.propose(proposal_of(order), key=order.effect)
        if doing.over(order.frame.run):
            decide.withdraw(plan_id, who=f"workflow {order.frame.workflow}")
        return {"plan_id": plan_id}
    except (UsageError, ExpressionProblem) as problem:
        return {"problem": str(problem)}


def proposal_of(order: Order) -> Proposal:
    """What a step asks for."""
    assert isinstance(order.step.provider, ActionCall)  # noqa: S101 - chosen by kind
    call = order.step.provider
    target = {key: str(value) for key, value in order.filled(call.with_.target.model_dump()).items()}
    return Proposal(
        action=call.action,
        target=Target(executor=call.action.partition(".")[0], **target),
        parameters=order.filled(call.with_.parameters),
        reason=str(order.filled(call.with_.reason)),
        asker=order.asker,
        incident_id=order.frame.incident,
    )


def look(doing: Doing, plan_id: str) -> dict[str, Any]:
    """How the plan stands."""
    state = _decide(doing).outcome(plan_id)
    return {"over": state.over, "status": state.status, "reason": state.reason, "at": doing.clock.now()}


def close(doing: Doing, order: Order, plan_id: str, began: float) -> dict[str, Any]:
    """What became of it; one that nobody decided on in time is taken back."""
    decide, now = _decide(doing), doing.clock.now()
    state = decide.outcome(plan_id)
    output = {"plan_id": plan_id, "status": state.status, "reason": state.reason}
    if state.succeeded:
        return Outcome(status="succeeded", output=output, began=began, at=now).as_json()
    if state.over:
        error = f"plan {plan_id}: {state.status}" + (f": {state.reason}" if state.reason else "")
        return Outcome(status="failed", output=output, error=error, began=began, at=now).as_json()
    decide.withdraw(plan_id, who=f"workflow {order.frame.workflow}")
    return Outcome(
        status="timed_out", output=output, error=f"plan {plan_id} was not over in time", began=began, at=now
    ).as_json()


def _counts(state: PlanState) -> bool:
    return state.succeeded or not state.over


def _decide(doing: Doing) -> Decide:
    if doing.ports.decide is None:
        raise UsageError("actions: nothing here proposes plans. Configure an executor.")
    return doing.ports.decide
