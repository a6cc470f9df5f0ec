"""Plans whose text is not the one that was proposed: they end by their row alone, for what they say is nobody's word."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from sre_copilot.domain.plan import PlanStatus
from sre_copilot.incidents.remediation.steps import WHO, Room
from sre_copilot.incidents.remediation.telling import reason_text
from sre_copilot.store import remediation as book
from sre_copilot.store.alerting.happenings import REMEDIATION, happened
from sre_copilot.store.limits import let_go
from sre_copilot.store.plans import plans
from sre_copilot.telemetry import log

OPEN: tuple[PlanStatus, ...] = ("proposed", "approved", "running", "paused", "undoing")


def end_altered(room: Room, plan_id: str) -> None:
    """Hand it to people and end it, wherever it stands; to do that again does nothing more."""
    now = room.clock.now()
    reason = {"key": "remediation.altered", "params": {"plan": plan_id}}
    columns = (plans.c.incident_id, plans.c.entity)
    with room.rows.database.begin() as connection:
        row = connection.execute(
            select(*columns).where(plans.c.id == plan_id, plans.c.status.in_(OPEN))
        ).one_or_none()
    if row is None:
        return
    log(__name__).error("a plan was altered in the store; it is not carried out", plan=plan_id)
    known = _known(room, plan_id, reason, *row)
    room.hand_over(known)
    with room.rows.database.write() as connection:
        _over(connection, room, known, now=now)


def _over(connection: Connection, room: Room, known: dict[str, Any], *, now: float) -> None:
    """Its targets are free, the timeline and the audit say so: all or nothing."""
    plan_id, reason = known["plan_id"], known["failure"]["reason"]
    ended = {"state": "failed", "ended_at": now, "reason": reason, "known": {**known, "handed_over_at": now}}
    book.change(connection, plan_id, book.GOING_ON, now=now, **ended)
    room.effects.give_up(connection, plan_id, now=now)
    let_go(connection, plan_id)
    said, at = {"plan": plan_id, "reason": reason}, {"plan_id": plan_id}
    happened(
        connection,
        known["incident_id"],
        REMEDIATION,
        "remediation.failed",
        at=now,
        who=WHO,
        params=said,
        data=at,
    )
    room.plans.set_status(
        plan_id, "failed", expected=OPEN, who=WHO, at=now, reason=reason_text(reason), connection=connection
    )


def _known(room: Room, plan_id: str, reason: dict[str, Any], incident_id: str, entity: str) -> dict[str, Any]:
    effects = room.effects.of_plan(plan_id)
    names = ("key", "action", "target", "state", "attempts", "started_at", "ended_at", "effect", "problem")
    return {
        "plan_id": plan_id,
        "incident_id": incident_id,
        "status": "failed",
        "entity": entity,
        "failure": {"kind": "altered", "reason": reason, "step": "", "seen": {}},
        "undone": {},
        "left": sorted({each["step_id"] for each in effects if each["attempts"]}),
        "steps": [],
        "effects": [{name: each[name] for name in names} for each in effects],
    }
