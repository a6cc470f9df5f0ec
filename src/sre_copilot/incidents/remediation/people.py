"""Plans of high risk: each step waits until a person lets it go, and people are asked for it once."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from sre_copilot.domain.notification import Notification
from sre_copilot.domain.plan import Mode, Plan
from sre_copilot.incidents.remediation.telling import tell
from sre_copilot.store import remediation as book
from sre_copilot.store.approvals import go_aheads_of
from sre_copilot.store.database import Database
from sre_copilot.store.notifications import NotificationStore


def waits_for_person(database: Database, plan: Plan, step_id: str) -> bool:
    """Whether nobody has agreed to a step that needs it; whether an agreement still counts is asked before the effect."""
    if plan.risk.mode != Mode.MANUAL:
        return False
    with database.begin() as connection:
        return step_id not in go_aheads_of(connection, plan.id)


def stand_still(
    connection: Connection, database: Database, plan: Plan, step_id: str, told: Sequence[Notification], *, now: float
) -> bool:  # fmt: skip
    """Stand still before a step and ask for it; whether that is new."""
    NotificationStore(database).insert(connection, told)
    if not book.change(connection, plan.id, ("running",), now=now, state="paused"):
        return False
    tell(connection, plan, "remediation.waits_for_person", now=now, step=step_id)
    return True
