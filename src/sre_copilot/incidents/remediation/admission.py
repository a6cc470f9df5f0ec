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
        kept, row = self._plans.get(order.plan_id), self._rows.get(order.plan_id)
        if kept is None or row is None or row["state"] not in book.GOING_ON:
            raise _no("remediation.not_begun", plan=order.plan_id)
        if not kept.plan.fingerprint == kept.fingerprint == row["fingerprint"]:
            raise _no("remediation.altered", plan=order.plan_id)
        step = step_of(kept.plan, order.step_id)
        admitted = Admitted(plan=kept.plan, step=step, who=row["who"], autonomous=bool(row["autonomous"]))
        if order.direction == "undo":
            _undoing(row)
        else:
            self._doing(kept, admitted, row)
        if (reason := self._standing(order.plan_id, order.step_id, order.direction)) is not None:
            raise NotAdmitted(reason)
        return admitted

    def _doing(self, kept: Kept, admitted: Admitted, row: Row) -> None:
        """A step is done only while nothing at all speaks against it; what was done may always be taken back."""
        now = self._clock.now()
        if row["state"] == "undoing":
            raise _no("remediation.turned_back", plan=kept.plan.id)
        with self._rows.database.begin() as connection:
            thrown = standing(connection).thrown
        if thrown and self._settings.on_kill_switch == "undo":
            raise _no("remediation.switch")
        if admitted.autonomous and (not self._enabled() or kept.plan.risk.mode != Mode.AUTO):
            raise _no("remediation.not_autonomous", plan=kept.plan.id)
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
