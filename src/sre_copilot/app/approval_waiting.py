"""Requests that wait: who else is told of those that nobody answers, and the end of those whose time is over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sre_copilot.app.approving import ITSELF, Approving, Standing
from sre_copilot.decision.approval.unanswered import due
from sre_copilot.store.audit_chain import AuditChain
from sre_copilot.store.notifications import NotificationStore
from sre_copilot.store.plans import Kept, changed


@dataclass(frozen=True, slots=True)
class Waiting:
    """Looks after what waits at the door of approvals."""

    door: Approving

    def turn(self) -> int:
        """Tell further people of requests that nobody answers, and let those end that are over; how many of both. Safe to repeat."""
        now, done = self.door.clock.now(), 0
        for row in self.door.plans.all_of(("proposed", "approved")):
            found = self.door.standing(row["id"])
            if isinstance(found, Standing):
                kept = found.kept
                done += self._over(kept, now) if kept.status == "approved" else self._remind(kept, now)
        return done

    def _over(self, kept: Kept, now: float) -> int:
        """An approval that was not used in time."""
        if kept.decided_at is None or now < kept.decided_at + self.door.rules.valid_s:
            return 0
        reason = "approved, and not begun in time"
        return self.door.plans.set_status(
            kept.plan.id, "expired", expected="approved", who=ITSELF, at=now, reason=reason
        )

    def _remind(self, kept: Kept, now: float) -> int:
        plan = kept.plan
        found = due(plan, told=kept.told, steps=self.door.unanswered, rules=self.door.rules, now=now)
        if not found.expired and not found.steps:
            return 0
        with self.door.database.write() as connection:
            if found.expired:
                values: dict[str, Any] = {
                    "status": "expired",
                    "reason": "nobody answered in time",
                    "updated_at": now,
                }
                told = self.door.messages.answered(plan, "expired", None)
            else:
                values = {"told": found.steps[-1]}
                told = tuple(
                    each for place in found.steps for each in self.door.messages.reminder(plan, place)
                )
            held = self.door.plans.read(connection, plan.id, hold=True)
            if (
                held is None
                or held.told != kept.told
                or not changed(connection, plan.id, ("proposed",), **values)
            ):
                return 0
            NotificationStore(self.door.database).insert(connection, told)
            verb = "plan.expired" if found.expired else "plan.escalate"
            AuditChain.append(
                connection,
                ITSELF,
                verb,
                plan.id,
                "done",
                {"receivers": [each.receiver for each in told]},
                now,
            )
        return 1
