"""What was decided and done about an incident, on its timeline: written in the transaction that keeps the fact itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from sqlalchemy import Connection, insert

from sre_copilot.store.alerting.tables import timeline

PLAN = "plan"
"""Kind of what is decided on a plan."""
REMEDIATION = "remediation"
"""Kind of what a plan does."""
KILL_SWITCH = "killswitch"
LONGEST_WHO = 200  # characters, of the column


def happened(
    connection: Connection,
    incident_id: str,
    kind: str,
    key: str,
    *,
    at: float,
    who: str,
    params: Mapping[str, Any],
    data: Mapping[str, Any] | None = None,
) -> None:
    """Add to the timeline of an incident, in the caller's transaction; what belongs to none is added to none.

    `key` and `params` make its sentence; a parameter may be a sentence itself: a mapping of `key` and `params`.
    """
    if not incident_id:
        return
    document = {"key": key, "params": dict(params), "data": dict(data or {})}
    row = {"incident_id": incident_id, "at": at, "kind": kind, "who": who[:LONGEST_WHO]}
    connection.execute(insert(timeline).values(**row, document=orjson.dumps(document).decode()))


def decided(
    connection: Connection, incident_id: str, plan_id: str, key: str, *, at: float, who: str, **params: Any
) -> None:
    """Add what was decided on a plan."""
    said = {"plan": plan_id, **params}
    happened(connection, incident_id, PLAN, key, at=at, who=who, params=said, data={"plan_id": plan_id})


def happened_to_all(
    connection: Connection, incident_ids: Iterable[str], kind: str, key: str, **more: Any
) -> None:
    """The same to several incidents, each once."""
    for incident_id in dict.fromkeys(incident_ids):
        happened(connection, incident_id, kind, key, **more)
