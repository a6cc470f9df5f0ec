"""What is kept of an incident, read once from the store: everything that a report may rest on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import select

from sre_copilot.domain.plan import Plan
from sre_copilot.incidents.statistics.moments import Kin, read_kin
from sre_copilot.store.alerting.states import AlertRecords
from sre_copilot.store.approvals import votes_of
from sre_copilot.store.audit_chain import AuditChain
from sre_copilot.store.database import Database
from sre_copilot.store.effects import Effects
from sre_copilot.store.leases import Leases
from sre_copilot.store.notifications import NotificationStore
from sre_copilot.store.paging import Row
from sre_copilot.store.plans import PlanAltered, PlanStore, plans
from sre_copilot.store.records import investigation_records
from sre_copilot.store.remediation import Remediations

MOST_ALERTS = 500  # read one by one, the earliest; counts are of all
MOST_HAPPENINGS = 2000  # more than that nobody reads, and `incident timeline` has them
MOST_MESSAGES = 1000
MOST_PLANS = 100
MOST_ENTRIES = 1000  # of the audit, for the incident and for each plan
DIAGNOSES = ("diagnosis_fault", "diagnosis_no_fault", "diagnosis_inconclusive", "diagnosis_failed")
Covering = Callable[[str, str], Sequence[str]]
"""Cards and procedures that cover a fault type at a service, by their ids."""
Judged = Callable[[str, str], Sequence[Mapping[str, Any]]]
"""What people say of an incident and of the diagnosis of an investigation: `id`, `at`, `by`, `target`, `right`, `note`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRecord:
    """A plan with the votes on it and what was done; `plan` is None where the kept text is not the one that was proposed."""

    id: str
    status: str
    reason: str
    created_at: float
    updated_at: float
    decided_at: float | None
    plan: Plan | None
    votes: tuple[Row, ...] = ()
    run: Row | None = None
    steps: tuple[Row, ...] = ()
    effects: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """All of it, in the order of time; `hidden`: what was concluded from the sources is not for the reader."""

    incident: Row
    now: float
    alerts: Sequence[Row] = ()
    kinds: Sequence[Row] = ()
    happenings: Sequence[Row] = ()
    investigations: Mapping[str, Row] = field(default_factory=dict)
    plans: Sequence[PlanRecord] = ()
    beside: Sequence[PlanRecord] = ()
    """Plans on services of the incident while it went on that were not made for it: what people wished, or another incident."""
    messages: Sequence[Row] = ()
    audit: Sequence[Row] = ()
    judgements: Sequence[Mapping[str, Any]] = ()
    covering: Sequence[str] = ()
    cut: Sequence[str] = ()
    kin: Kin = field(default_factory=Kin)
    hidden: bool = False

    def of_kind(self, *kinds: str) -> list[Row]:
        """Entries of the timeline of some kinds."""
        return [each for each in self.happenings if each["kind"] in kinds]

    @property
    def diagnosis(self) -> Mapping[str, Any]:
        """What the last investigation said."""
        return self.incident["diagnosis"] or {}

    @property
    def key(self) -> str:
        """The incident as a record."""
        return f"incident/{self.incident['id']}"


def read(
    database: Database,
    key: str,
    *,
    now: float,
    hidden: bool = False,
    covering: Covering = lambda fault_type, service: (),
    judged: Judged = lambda incident_id, investigation_id: (),
) -> Records | None:
    """All records of an incident, by its id or number; None where there is no such incident."""
    found = AlertRecords(database)
    incident = found.incident(key)
    if incident is None:
        return None
    ident = str(incident["id"])
    happenings = found.timeline(ident, limit=MOST_HAPPENINGS)
    made = _plans(database, ident)
    messages = NotificationStore(database).page(incident=ident, limit=MOST_MESSAGES).rows
    alerts = found.earliest_of(ident, limit=MOST_ALERTS)
    sizes = {
        "timeline": (happenings, MOST_HAPPENINGS), "alert": (alerts, MOST_ALERTS),
        "notification": (messages, MOST_MESSAGES), "plan": (made, MOST_PLANS),
    }  # fmt: skip
    records = Records(
        incident=incident,
        now=now,
        alerts=alerts,
        kinds=found.kinds_of(ident),
        happenings=happenings,
        investigations={} if hidden else _investigations(database, incident, happenings),
        plans=made,
        beside=_beside(database, incident, now),
        messages=messages[::-1],
        kin=read_kin(database, [ident])[ident],
        audit=_audit(database, [ident, *(each.id for each in made)]),
        cut=tuple(name for name, (rows, most) in sizes.items() if len(rows) >= most),
    )
    if hidden:
        return without_conclusions(records)
    diagnosis = records.diagnosis
    known = covering(str(diagnosis.get("fault_type", "")), str(diagnosis.get("cause", "")))
    said = judged(ident, str(diagnosis.get("investigation_id", "")))
    return replace(records, covering=tuple(known), judgements=tuple(said))


def without_conclusions(records: Records) -> Records:
    """The same for a reader who may not see what every source holds: that there was a diagnosis is told, and not what it said."""
    outcome = records.diagnosis.get("outcome")
    incident = {**records.incident, "diagnosis": {"outcome": "hidden"} if outcome else {}}
    told = [
        {**each, "key": "incident.diagnosis_hidden", "params": {}, "data": {}}
        if each["kind"] in DIAGNOSES
        else each
        for each in records.happenings
    ]
    return replace(records, incident=incident, happenings=told, investigations={}, judgements=(), hidden=True)


def _investigations(database: Database, incident: Row, happenings: Sequence[Row]) -> dict[str, Row]:
    named = [each["data"].get("investigation_id") for each in happenings if each["kind"] in DIAGNOSES]
    named.append((incident["diagnosis"] or {}).get("investigation_id"))
    kept = investigation_records(database)
    rows = {key: kept.get(key) for key in dict.fromkeys(named) if key}
    return {key: row for key, row in rows.items() if row is not None}


def _plans(database: Database, incident_id: str) -> tuple[PlanRecord, ...]:
    store = PlanStore(database)
    rows = store.page(incident_id=incident_id, limit=MOST_PLANS).rows
    return tuple(_plan(database, store, row) for row in reversed(rows))


def _beside(database: Database, incident: Row, now: float) -> tuple[PlanRecord, ...]:
    """What was proposed on the same services in the same time."""
    begin = min(float(incident["started_at"]), float(incident["opened_at"]))
    end = now if incident["resolved_at"] is None else float(incident["resolved_at"])
    query = select(plans).where(
        plans.c.created_at.between(begin, end),
        plans.c.entity.in_([str(each) for each in incident["services"] if each]),
        plans.c.incident_id != str(incident["id"]),
    )
    with database.begin() as connection:
        found = connection.execute(query.order_by(plans.c.created_at, plans.c.id).limit(MOST_PLANS))
        rows = [dict(row) for row in found.mappings()]
    store = PlanStore(database)
    return tuple(_plan(database, store, row) for row in rows)


def _plan(database: Database, store: PlanStore, row: Mapping[str, Any]) -> PlanRecord:
    key, runs = str(row["id"]), Remediations(database)
    with database.begin() as connection:
        votes = votes_of(connection, key)
    return PlanRecord(
        plan=_whole(store, key),
        votes=votes,
        run=runs.get(key),
        steps=runs.steps(key),
        effects=Effects(database, Leases(database)).of_plan(key),
        **{name: row[name] for name in ("id", "status", "reason", "created_at", "updated_at", "decided_at")},
    )


def _whole(store: PlanStore, key: str) -> Plan | None:
    try:
        kept = store.get(key)
    except PlanAltered:  # it is reported as such: a report must not fall silent because a record was forged
        return None
    return kept.plan if kept is not None else None


def _audit(database: Database, subjects: Sequence[str]) -> tuple[Row, ...]:
    chain = AuditChain(database)
    rows = [row for subject in subjects for row in chain.page(subject=subject, limit=MOST_ENTRIES).rows]
    return tuple(sorted(rows, key=lambda row: row["id"]))
