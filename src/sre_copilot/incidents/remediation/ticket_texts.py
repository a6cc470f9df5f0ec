"""What a ticket is told of a plan, as steps that hands carry out: made of what is kept, the same each time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Action, Plan, PlanStatus, PlanStep, Target, Ticket
from sre_copilot.incidents.remediation.ending import word_of
from sre_copilot.incidents.remediation.telling import place_of
from sre_copilot.incidents.report.clean import one_line
from sre_copilot.incidents.report.model import Language
from sre_copilot.incidents.report.words import say, told, word
from sre_copilot.store.paging import Row

OPEN, OUTCOME, CLOSE = "open", "outcome", "close"
TIMEOUT_S = 20.0  # for one thing told to a ticket system: two answers of the usual longest time
LONGEST_TITLE = 200  # characters that ticket systems take
MOST_STEPS = 20


def opening(plan: Plan, ticket: Ticket, lang: Language, address: str = "") -> PlanStep:
    """Open it: what is to be done, why, and by which plan; `address` is where people see the plan."""
    title = one_line(word("ticket.title", lang, plan=plan.id, title=say(plan.title, lang)))[:LONGEST_TITLE]
    text = "\n".join(_lines(plan, lang, address))
    return _step(OPEN, "create", ticket.queue, title=title, text=text)


def outcome(plan: Plan, ticket: Ticket, name: str, row: Row, lang: Language) -> PlanStep:
    """Write into it how its plan has ended."""
    said = word_of(plan, row["state"])
    seconds = float(row["ended_at"] or row["began_at"]) - float(row["began_at"])
    params = {"plan": plan.id, "seconds": seconds, "reason": row["reason"] or {}}
    return _step(OUTCOME, "comment", _named(ticket, name), text=told(f"remediation.{said}", params, lang))


def closing(ticket: Ticket, name: str) -> PlanStep:
    """Move it on to the state in which it is closed."""
    return _step(CLOSE, "transition", _named(ticket, name), state=ticket.closed)


def ended(status: PlanStatus) -> bool:
    """Whether there is an outcome to be told."""
    return status in ("succeeded", "rolled_back", "failed", "cancelled")


def _named(ticket: Ticket, name: str) -> Target:
    return Target(executor=ticket.queue.executor, kind="ticket", name=name)


def _step(key: str, verb: str, target: Target, **parameters: Any) -> PlanStep:
    action = Action(name=f"{target.executor}.{verb}", target=target, parameters=parameters)
    does = Message(key=f"tickets.does.{verb}")
    return PlanStep(id=key, action=action, expected=does, timeout_seconds=TIMEOUT_S, reversible=False)


def _lines(plan: Plan, lang: Language, address: str) -> Iterator[str]:
    yield say(plan.title, lang)
    facts: Mapping[str, str] = {
        "incident": plan.incident_id,
        "service": plan.entity,
        "requester": plan.requester,
    }
    for name, value in facts.items():
        if value:
            yield word(f"ticket.{name}", lang, value=value)
    if plan.fault_type:
        yield word("ticket.fault", lang, fault_type=plan.fault_type, share=plan.confidence)
    risk = {"risk_mode": plan.risk.mode.name, "risk_kind": plan.risk.level.name.lower()}
    yield word("approval.risk", lang, score=plan.risk.score, **risk)
    for place, step in enumerate(plan.steps[:MOST_STEPS], 1):
        target = place_of(step.action.target.key)
        yield word("approval.step", lang, place=place, action=step.action.name, target=target)
    if (more := len(plan.steps) - MOST_STEPS) > 0:
        yield word("approval.more_steps", lang, count=more)
    if address:
        yield f"{address}/approvals/{plan.id}"
