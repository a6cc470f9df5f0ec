"""Whether something may be done about the ticket of a plan: it belongs to a plan that was begun, and is what was approved with it."""

from __future__ import annotations

from sre_copilot.action.order import Admitted, NotAdmitted, Order
from sre_copilot.action.switch import standing
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Plan, PlanStep
from sre_copilot.incidents.remediation.ports import Kept, Plans
from sre_copilot.incidents.remediation.ticket_texts import (
    CLOSE,
    OPEN,
    OUTCOME,
    closing,
    ended,
    opening,
    outcome,
)
from sre_copilot.incidents.report.model import Language
from sre_copilot.store import remediation as book
from sre_copilot.store.limits import BESIDE
from sre_copilot.store.paging import Row
from sre_copilot.store.plans import PlanAltered


class TicketAdmission:
    """Makes each order about a ticket from what is kept; none is opened of a plan that was called off or that the kill switch stops, and one that is open is told.

    Parameters
    ----------
    address : of the server, as people reach it; '' where nobody says
    stops : whether the kill switch stops begun plans, too
    """

    def __init__(
        self,
        plans: Plans,
        rows: book.Remediations,
        *,
        language: Language,
        address: str = "",
        stops: bool = True,
    ) -> None:
        self._plans, self._rows, self._stops = plans, rows, stops
        self._language, self._address = language, address.rstrip("/")

    def __call__(self, order: Order) -> Admitted:
        """The order with what was approved.

        Raises
        ------
        NotAdmitted : with the reason, fit to be shown
        """
        admitted = self.kept(order)
        if order.step_id == OPEN:
            row = self._rows.get(admitted.plan.id)
            if row is not None and row["asked"] == "cancel":
                raise _no("remediation.cancelled", who=row["asked_by"])
            with self._rows.database.begin() as connection:
                if self._stops and standing(connection).thrown:
                    raise _no("remediation.switch")
        return admitted

    def kept(self, order: Order) -> Admitted:
        """The same for looking alone.

        Raises
        ------
        NotAdmitted : where the plan was not begun, was altered, or has no ticket
        """
        plan_id = order.plan_id.removesuffix(BESIDE)
        kept, row = self._plan(plan_id), self._rows.get(plan_id)
        if kept is None or row is None:
            raise _no("remediation.not_begun", plan=plan_id)
        if not kept.plan.fingerprint == kept.fingerprint == row["fingerprint"]:
            raise _no("remediation.altered", plan=plan_id)
        return Admitted(plan=kept.plan, step=self._step(kept.plan, row, order.step_id), who=row["who"])

    def _step(self, plan: Plan, row: Row, step_id: str) -> PlanStep:
        ticket = plan.ticket
        if ticket is not None and step_id == OPEN:
            return opening(plan, ticket, self._language, self._address)
        name = self._name(plan.id)
        if ticket is not None and name and ended(row["state"]):
            if step_id == OUTCOME:
                return outcome(plan, ticket, name, row, self._language)
            if step_id == CLOSE and ticket.closed and row["state"] == "succeeded":
                return closing(ticket, name)
        raise _no("remediation.no_ticket", plan=plan.id)

    def _name(self, plan_id: str) -> str:
        rows = (each for each in self._rows.steps(plan_id) if each["step_id"] == book.TICKET)
        return next((str((each["seen"] or {}).get("ticket", "")) for each in rows), "")

    def _plan(self, plan_id: str) -> Kept | None:
        try:
            return self._plans.get(plan_id)
        except PlanAltered:
            raise _no("remediation.altered", plan=plan_id) from None


def _no(key: str, **params: str) -> NotAdmitted:
    return NotAdmitted(Message(key=key, params=tuple(params.items())))
