"""Whether one order may be carried out now: asked before every effect, and answered from the store alone."""

from __future__ import annotations

from collections.abc import Callable

from sre_copilot.action.order import Admitted, NotAdmitted, Order, step_of
from sre_copilot.action.switch import standing
from sre_copilot.clock import Clock
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Mode, Target
from sre_copilot.incidents.remediation.ports import Kept, Plans, Standing
from sre_copilot.settings.acting.remediation import Remediation
from sre_copilot.store import remediation as book
from sre_copilot.store.paging import Row
from sre_copilot.store.plans import PlanAltered

Maintenance = Callable[[Target, str, float], bool]
"""Whether people work at a target (of a service) at a time."""


class PlanAdmission:
    """Admits the steps of plans that were begun, are what was approved, and may still be carried out.

    Parameters
    ----------
    standing : why a plan may not be carried out now: approval, authority, freeze, policy
    maintenance : whether people work at a target
    enabled : whether anything may begin by itself (`risk.auto_remediation_enabled`)
    """

    def __init__(
        self,
        plans: Plans,
        rows: book.Remediations,
        *,
        standing: Standing,
        clock: Clock,
        settings: Remediation,
        maintenance: Maintenance = lambda target, service, now: False,
        enabled: Callable[[], bool] = lambda: False,
    ) -> None:
        self._plans, self._rows, self._standing = plans, rows, standing
        self._clock, self._settings = clock, settings
        self._maintenance, self._enabled = maintenance, enabled

    def __call__(self, order: Order) -> Admitted:
        """The order with what was approved.

        Raises
        ------
        NotAdmitted : with the reason, fit to be shown
        """
        admitted, row = self._read(order)
        if order.direction == "undo":
            _undoing(row)
        else:
            self._doing(admitted, row)
        if (reason := self._standing(order.plan_id, order.step_id, order.direction)) is not None:
            raise NotAdmitted(reason)
        return admitted

    def kept(self, order: Order) -> Admitted:
        """The same for looking alone, whatever speaks against an effect now.

        Raises
        ------
        NotAdmitted : where the plan is not under way, or was altered
        """
        return self._read(order)[0]

    def _read(self, order: Order) -> tuple[Admitted, Row]:
        kept, row = self._plan(order.plan_id), self._rows.get(order.plan_id)
        if kept is None or row is None or row["state"] not in book.GOING_ON:
            raise _no("remediation.not_begun", plan=order.plan_id)
        if not kept.plan.fingerprint == kept.fingerprint == row["fingerprint"]:
            raise _no("remediation.altered", plan=order.plan_id)
        step = step_of(kept.plan, order.step_id)
        return Admitted(plan=kept.plan, step=step, who=row["who"], autonomous=bool(row["autonomous"])), row

    def _plan(self, plan_id: str) -> Kept | None:
        try:
            return self._plans.get(plan_id)
        except PlanAltered:
            raise _no("remediation.altered", plan=plan_id) from None

    def _doing(self, admitted: Admitted, row: Row) -> None:
        """A step is done only while nothing at all speaks against it; what was done may always be taken back."""
        now, plan = self._clock.now(), admitted.plan
        if row["state"] == "undoing":
            raise _no("remediation.turned_back", plan=plan.id)
        if row["asked"] == "cancel":
            raise _no("remediation.cancelled", who=row["asked_by"])
        with self._rows.database.begin() as connection:
            thrown = standing(connection).thrown
        if thrown and self._settings.on_kill_switch == "undo":
            raise _no("remediation.switch")
        if admitted.autonomous and (not self._enabled() or plan.risk.mode != Mode.AUTO):
            raise _no("remediation.not_autonomous", plan=plan.id)
        self._undisturbed(admitted, now)

    def _undisturbed(self, admitted: Admitted, now: float) -> None:
        anybody = self._settings.in_maintenance == "approved" and not admitted.autonomous
        target = admitted.step.action.target
        if not anybody and self._maintenance(target, admitted.plan.entity, now):
            raise _no("remediation.maintenance", target=target.key)


def _undoing(row: Row) -> None:
    if row["state"] != "undoing":
        raise _no("remediation.not_undoing", plan=row["id"])


def _no(key: str, **params: str) -> NotAdmitted:
    return NotAdmitted(Message(key=key, params=tuple(params.items())))
