"""Records as rows and back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from sqlalchemy import Connection, func, select

from sre_copilot.alerts.changes import Audited, Changes, Happening
from sre_copilot.alerts.pipeline.memory import Memory
from sre_copilot.alerts.state import AlertState, GroupState, IncidentState, MaintenanceState, SilenceState
from sre_copilot.domain.alert import AlertEvent
from sre_copilot.store.alerting import tables
from sre_copilot.store.alerting.outbox import event_row
from sre_copilot.store.alerting.states import documents, remove
from sre_copilot.store.alerting.writing import add, put, renew
from sre_copilot.store.audit_chain import append_rows

LONGEST = 300  # characters of a column that is searched by


class Prepared:
    """All that a turn changed, as rows: made before the transaction begins, so that nobody else who writes waits for it."""

    def __init__(self, changes: Changes) -> None:
        self._put = (
            (tables.alerts, [alert_row(each) for each in changes.alerts.values()]),
            (tables.groups, [_group_row(each) for each in changes.groups.values()]),
            (tables.incidents, [incident_row(each) for each in changes.incidents.values()]),
            (tables.silences, [_silence_row(each) for each in changes.silences.values()]),
            (tables.maintenance, [_maintenance_row(each) for each in changes.maintenance.values()]),
        )
        self._repeated = [_repeated_row(each) for each in changes.repeated.values()]
        self._gone_groups = [_digest(each) for each in changes.gone_groups]
        self._add = (
            (tables.timeline, [_happening_row(each) for each in changes.timeline]),
            (tables.outbox, [event_row(each) for each in changes.events.values()]),
        )
        self._audit = [_audit_row(each) for each in changes.audit]

    def save(self, connection: Connection) -> None:
        """Write them, in the caller's transaction."""
        for table, rows in self._put:
            put(connection, table, rows)
        renew(connection, tables.alerts, self._repeated)
        remove(connection, tables.groups, self._gone_groups)
        for table, rows in self._add:
            add(connection, table, rows)
        append_rows(connection, self._audit)


def restore(connection: Connection, memory: Memory, *, since: float) -> None:
    """Fill a memory with what goes on, and with what ended since a time."""
    alerts, incidents = tables.alerts, tables.incidents
    fresh = (alerts.c.status == "firing") | (alerts.c.updated_at >= since)
    going_on = incidents.c.status.in_(("firing", "acknowledged")) | (incidents.c.updated_at >= since)
    memory.load(
        (AlertState(**each) for each in documents(connection, alerts, fresh)),
        (GroupState(**each) for each in documents(connection, tables.groups)),
        (_incident(each) for each in documents(connection, incidents, going_on)),
    )
    number = connection.execute(select(func.max(incidents.c.number))).scalar_one_or_none()
    memory.number = max(memory.number, number or 0)


def _incident(row: dict[str, Any]) -> IncidentState:
    """An incident; one of a store of an earlier version names all of its alerts and does not count them."""
    return IncidentState(**{"alert_count": len(row["fingerprints"]), **row})


def silences_of(connection: Connection) -> list[SilenceState]:
    """All silences that are kept."""
    return [SilenceState(**each) for each in documents(connection, tables.silences)]


def maintenance_of(connection: Connection) -> list[MaintenanceState]:
    """All maintenance windows that are kept."""
    return [MaintenanceState(**each) for each in documents(connection, tables.maintenance)]


def events_as_json(events: Iterable[AlertEvent]) -> bytes:
    """Alerts as the inbox holds them."""
    return orjson.dumps(list(events))


def events_of(body: bytes) -> list[AlertEvent]:
    """Alerts out of the inbox."""
    return [_event(each) for each in orjson.loads(body)]


def _event(row: dict[str, Any]) -> AlertEvent:
    row["links"] = tuple((address, text) for address, text in row.get("links", ()))
    return AlertEvent(**row)


def alert_row(alert: AlertState) -> dict[str, Any]:
    """An alert as its table holds it."""
    return {
        "id": alert.fingerprint,
        "status": alert.status,
        "severity": alert.severity,
        "name": alert.name[:LONGEST],
        "service": alert.service[:LONGEST],
        "incident_id": alert.incident_id,
        "muted": alert.muted,
        "starts_at": alert.starts_at,
        "updated_at": alert.updated_at,
        "revision": alert.revision,
        "document": _json(alert),
    }


def _repeated_row(alert: AlertState) -> dict[str, Any]:
    """What is new of an alert that was only told again."""
    return {
        "id": alert.fingerprint,
        "updated_at": alert.updated_at,
        "revision": alert.revision,
        "document": _json(alert),
    }


def incident_row(incident: IncidentState) -> dict[str, Any]:
    """An incident as its table holds it."""
    return {
        "id": incident.id,
        "number": incident.number,
        "status": incident.status,
        "severity": incident.severity,
        "priority": incident.priority,
        "woken": incident.woken,
        "opened_at": incident.opened_at,
        "updated_at": incident.updated_at,
        "resolved_at": incident.resolved_at,
        "revision": incident.revision,
        "document": _json(incident),
    }


def _group_row(group: GroupState) -> dict[str, Any]:
    return {"id": _digest(group.key), "receiver": group.receiver[:200], "document": _json(group)}


def _digest(key: str) -> str:
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _silence_row(silence: SilenceState) -> dict[str, Any]:
    return {"id": silence.id, "ends_at": silence.ends_at, "document": _json(silence)}


def _maintenance_row(window: MaintenanceState) -> dict[str, Any]:
    return {"id": window.id, "document": _json(window)}


def _happening_row(each: Happening) -> dict[str, Any]:
    said: Mapping[str, Any] = {"key": each.key, "params": each.params, "data": each.data}
    return {
        "incident_id": each.incident_id,
        "at": each.at,
        "kind": each.kind,
        "who": each.who[:200],
        "document": _json(said),
    }


def _audit_row(each: Audited) -> dict[str, Any]:
    return {
        "at": each.at,
        "who": each.who[:200],
        "verb": each.verb[:64],
        "subject": each.subject[:200],
        "outcome": each.outcome[:32],
        "detail": _json(each.detail),
    }


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
