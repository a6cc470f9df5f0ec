"""The ticket that goes along with a plan: opened before its first step, told what came of it at the end. Where that fails it is said, and nothing of the repair waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from sre_copilot.action.hands import Hands
from sre_copilot.action.order import NotAdmitted, Order, Performed, plain_message
from sre_copilot.clock import Clock
from sre_copilot.domain.plan import Plan
from sre_copilot.errors import DurableError, SreCopilotError
from sre_copilot.incidents.remediation.ports import Plans
from sre_copilot.incidents.remediation.telling import tell
from sre_copilot.incidents.remediation.ticket_texts import CLOSE, OPEN, OUTCOME
from sre_copilot.store import remediation as book
from sre_copilot.store.limits import BESIDE
from sre_copilot.store.paging import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Tickets:
    """Opens tickets and tells them; both may be done again, and are done once.

    Parameters
    ----------
    hands : with the admission of tickets (`ticket_admission`), and without the limits of repairs
    """

    hands: Hands
    plans: Plans
    rows: book.Remediations
    clock: Clock

    def open(self, plan_id: str) -> dict[str, Any]:
        """Open it, unless it is open; what came of that."""
        plan = self._plan(plan_id)
        performed = self.hands.perform(ticket_order(plan_id, OPEN))
        if performed.outcome == "done":
            self._note_opened(plan, self._named(plan_id, performed))
        else:
            self._note_failed(plan, performed)
        return performed.plain()

    def finish(self, plan_id: str, last: bool) -> dict[str, Any]:
        """Tell it how its plan has ended, and close it where that was asked for; `done` when nothing is left to be tried.

        Parameters
        ----------
        last : say on the timeline what could not be told
        """
        plan, row = self._plan(plan_id), self._row(plan_id)
        if (row or {}).get("state") != "done":
            if not self._begun(plan_id):  # nothing was done: there is nothing to open one for
                return {"done": True}
            if self.open(plan_id)["outcome"] != "done":
                return {"done": False}
        steps = (OUTCOME, CLOSE) if self._closes(plan) else (OUTCOME,)
        for step in steps:
            performed = self.hands.perform(ticket_order(plan_id, step))
            if performed.outcome != "done":
                if last:
                    self._note(plan, "remediation.ticket_not_told", performed, reason=_reason(performed))
                return {"done": False}
        return {"done": True}

    # -- what is known ------------------------------------------------------------------------------------------------

    def _named(self, plan_id: str, performed: Performed) -> dict[str, str]:
        """What the system calls it; after an attempt that was cut off, by asking for its mark."""
        found = _names(performed.detail)
        if found:
            return found
        try:
            return _names(self.hands.verify(ticket_order(plan_id, OPEN)).detail)
        except (NotAdmitted, SreCopilotError):  # it is there, and what it is called is not known
            return {}

    def _closes(self, plan: Plan) -> bool:
        row = self.rows.get(plan.id)
        helped = row is not None and row["state"] == "succeeded" and plan.verifiable
        return helped and plan.ticket is not None and bool(plan.ticket.closed)

    def _begun(self, plan_id: str) -> bool:
        steps = self.rows.steps(plan_id)
        return any(each["began_at"] is not None for each in steps if each["step_id"] != book.TICKET)

    def _row(self, plan_id: str) -> Row | None:
        return next((each for each in self.rows.steps(plan_id) if each["step_id"] == book.TICKET), None)

    def _plan(self, plan_id: str) -> Plan:
        kept = self.plans.get(plan_id)
        if kept is None:
            raise DurableError(f"plan {plan_id}: is not kept.")
        return kept.plan

    # -- what is noted ------------------------------------------------------------------------------------------------

    def _note_opened(self, plan: Plan, named: Mapping[str, str]) -> None:
        now = self.clock.now()
        with self.rows.database.write() as connection:
            values = {"began_at": now, "ended_at": now, "reason": {}, "seen": dict(named)}
            if book.change_step(connection, plan.id, book.TICKET, state="done", **values):
                self._tell_opened(connection, plan, named, now)

    def _tell_opened(self, connection: Connection, plan: Plan, named: Mapping[str, str], now: float) -> None:
        assert plan.ticket is not None  # noqa: S101 - it was opened
        ticket, link = named.get("ticket", ""), named.get("link", "")
        key = "remediation.ticket_opened" + ("_at" if link else "" if ticket else "_unnamed")
        tell(connection, plan, key, now=now, ticket=ticket, link=link, queue=plan.ticket.queue.name)

    def _note_failed(self, plan: Plan, performed: Performed) -> None:
        reason = _reason(performed)
        with self.rows.database.write() as connection:
            if book.change_step(connection, plan.id, book.TICKET, state="failed", reason=reason):
                needed = plan.ticket is not None and plan.ticket.required
                key = "remediation.ticket_failed" + ("_required" if needed else "")
                tell(connection, plan, key, now=self.clock.now(), reason=reason)

    def _note(self, plan: Plan, key: str, performed: Performed, *, reason: Mapping[str, Any]) -> None:
        """Say once that it was opened and could not be told."""
        row = self._row(plan.id)
        if row is None or row["reason"]:
            return
        ticket = str((row["seen"] or {}).get("ticket", ""))
        with self.rows.database.write() as connection:
            book.change_step(connection, plan.id, book.TICKET, reason=dict(reason))
            tell(connection, plan, key, now=self.clock.now(), ticket=ticket, reason=dict(reason))


def ticket_order(plan_id: str, step: str) -> Order:
    """What is to be done about the ticket of a plan; its case is not the plan's, so that it counts nowhere among repairs."""
    return Order(plan_id=plan_id + BESIDE, step_id=step, direction="do")


def _names(detail: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(detail[name]) for name in ("ticket", "link") if detail.get(name)}


def _reason(performed: Performed) -> dict[str, Any]:
    if performed.reason is not None:
        return plain_message(performed.reason)
    return {"key": "action.problem", "params": {"problem": performed.problem[:500]}}
