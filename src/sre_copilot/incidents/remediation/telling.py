"""What the timeline of an incident says of a repair, and what people are handed in the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, insert

from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Plan
from sre_copilot.incidents.report.words import say
from sre_copilot.store.alerting.tables import timeline
from sre_copilot.store.paging import Row

KIND = "remediation"


def tell(
    connection: Connection, plan: Plan, key: str, *, now: float, who: str = "sre-copilot", **params: Any
) -> None:
    """Add to the timeline of the plan's incident, in the caller's transaction."""
    if not plan.incident_id:
        return
    document = {"key": key, "params": {"plan": plan.id, **params}, "data": {"plan_id": plan.id}}
    row = {"incident_id": plan.incident_id, "at": now, "kind": KIND, "who": who[:200]}
    connection.execute(insert(timeline).values(**row, document=orjson.dumps(document).decode()))


def message_of(plain: Mapping[str, Any]) -> Message | None:
    """A sentence out of JSON."""
    if not plain.get("key"):
        return None
    return Message(key=str(plain["key"]), params=tuple(dict(plain.get("params") or {}).items()))


def reason_text(plain: Mapping[str, Any]) -> str:
    """A reason as a sentence, for where text alone is kept."""
    message = message_of(plain)
    return say(message, "en") if message else ""


def handed_over(
    plan: Plan,
    status: str,
    failure: Mapping[str, Any],
    undone: Mapping[str, str],
    *,
    steps: Sequence[Row],
    effects: Sequence[Row],
) -> dict[str, Any]:
    """Everything that is known, for whoever takes over: what was done, what came of it, what was taken back, and in what state things are."""
    return {
        "plan_id": plan.id,
        "incident_id": plan.incident_id,
        "attempt": plan.attempt,
        "status": status,
        "entity": plan.entity,
        "fault_type": plan.fault_type,
        "failure": dict(failure),
        "undone": dict(undone),
        "left": sorted(step for step, way in undone.items() if way == "left"),
        "steps": [_step(row) for row in steps],
        "effects": [_effect(row) for row in effects],
    }


def _step(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in ("step_id", "state", "action", "target", "reason", "seen")}


def _effect(row: Row) -> dict[str, Any]:
    names = ("key", "action", "target", "state", "attempts", "started_at", "ended_at", "effect", "problem")
    return {name: row[name] for name in names}
