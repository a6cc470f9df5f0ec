"""What the figures are computed from, read from the store: incidents with their times, repairs, and how many alerts and messages there were."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from sre_copilot.domain.alert import FORETOLD
from sre_copilot.incidents.statistics.messages import told_of_alerts
from sre_copilot.incidents.statistics.moments import Moments, read_moments
from sre_copilot.store.alerting.states import AlertRecords
from sre_copilot.store.alerting.tables import alerts, incidents
from sre_copilot.store.database import Database
from sre_copilot.store.effects import effects
from sre_copilot.store.notifications import notifications
from sre_copilot.store.paging import Row
from sre_copilot.store.plans import PlanAltered, PlanStore
from sre_copilot.store.remediation import Remediations

PAGE = 1000
MOST = 20_000  # incidents: more in a window are not read, and that is said
AT_ONCE = 500  # ids a statement
ABOUT_ALERTS = ("firing", "updated", "repeated", "escalated", "resolved", "storm", "digest")
"""States of messages; of approvals and tests there is no alert."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An incident that people were to be told of, with its times."""

    id: str
    times: Moments
    outcome: str
    foretold: bool = False
    """All that it has is a breach that is likely."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """A plan that was begun: how it ended, whether it had a signal to show that it helps, and whether anything was done at all (`acted`)."""

    id: str
    state: str
    autonomous: bool
    checked: bool
    acted: bool
    seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All of a window; `cut`: there were more incidents than were read; `earliest`: before it nothing is kept."""

    since: float
    until: float
    incidents: Sequence[Row]
    cases: Sequence[Case]
    repairs: Sequence[Repair]
    alerts: int
    messages: int
    quiet: int
    cut: bool = False
    earliest: float | None = None


def read(database: Database, *, since: float, until: float) -> Facts:
    """Everything that began in a window of time, as it is now."""
    rows, cut = _incidents(database, since, until)
    woken = [row for row in rows if row["woken"] and row["status"] != "merged"]
    quiet = sum(not row["woken"] and row["status"] != "merged" for row in rows)
    return Facts(
        since=since,
        until=until,
        incidents=rows,
        cases=_cases(database, woken),
        repairs=tuple(_repairs(database, since, until)),
        alerts=_count(database, alerts, alerts.c.starts_at >= since, alerts.c.starts_at < until),
        messages=_messages(database, since, until),
        quiet=quiet,
        cut=cut,
        earliest=_earliest(database),
    )


def _incidents(database: Database, since: float, until: float) -> tuple[list[Row], bool]:
    found: list[Row] = []
    records, cursor = AlertRecords(database), None
    while len(found) < MOST:
        page = records.incidents_page(cursor=cursor, limit=PAGE)
        found += [row for row in page.rows if since <= row["opened_at"] < until]
        if page.next is None or page.rows[-1]["opened_at"] < since:
            return found, False
        cursor = page.next
    return found, True


def _cases(database: Database, rows: Sequence[Row]) -> tuple[Case, ...]:
    ids = [str(row["id"]) for row in rows]
    times, foretold = read_moments(database, rows), _foretold(database, ids)
    return tuple(
        Case(
            id=row["id"],
            times=times[row["id"]],
            outcome=str((row["diagnosis"] or {}).get("outcome", "")),
            foretold=row["id"] in foretold,
        )
        for row in rows
    )


def _foretold(database: Database, ids: Sequence[str]) -> set[str]:
    """Incidents of which all that is kept is a breach that is likely: nothing was wrong yet that could be detected or repaired."""
    names: dict[str, set[str]] = defaultdict(set)
    with database.begin() as connection:
        for some in _parts(ids):
            query = (
                select(alerts.c.incident_id, alerts.c.name).where(alerts.c.incident_id.in_(some)).distinct()
            )
            for key, name in connection.execute(query):
                names[key].add(name)
    return {key for key, known in names.items() if known == {FORETOLD}}


def _repairs(database: Database, since: float, until: float) -> Iterator[Repair]:
    begun, plans, cursor = Remediations(database), PlanStore(database), None
    while True:
        page = begun.page(cursor=cursor, limit=PAGE)
        for row in page.rows:
            if since <= row["began_at"] < until:
                yield _repair(row, plans, acted=_acted(database, row["id"]))
        if page.next is None or page.rows[-1]["began_at"] < since:
            return
        cursor = page.next


def _acted(database: Database, plan_id: str) -> bool:
    """Whether an effect of a plan was begun; one that was refused before that is none."""
    begun = (effects.c.plan_id == plan_id, effects.c.direction == "do", effects.c.attempts > 0)
    return _count(database, effects, *begun) > 0


def _repair(row: Mapping[str, Any], plans: PlanStore, *, acted: bool) -> Repair:
    try:
        kept = plans.get(row["id"])
    except PlanAltered:  # what it was is not known: that it helped is not claimed
        kept = None
    checks = [check for step in kept.plan.steps for check in step.checks] if kept is not None else []
    return Repair(
        id=row["id"],
        state=row["state"],
        autonomous=bool(row["autonomous"]),
        checked=any(check.role == "recovery" for check in checks),
        acted=acted,
        seconds=None if row["ended_at"] is None else float(row["ended_at"]) - float(row["began_at"]),
    )


def _messages(database: Database, since: float, until: float) -> int:
    where = [
        notifications.c.created_at >= since,
        notifications.c.created_at < until,
        notifications.c.state.in_(ABOUT_ALERTS),
        notifications.c.status != "skipped",
        told_of_alerts(),
    ]
    return _count(database, notifications, *where)


def _earliest(database: Database) -> float | None:
    with database.begin() as connection:
        found = connection.execute(select(func.min(incidents.c.opened_at))).scalar_one_or_none()
    return None if found is None else float(found)


def _count(database: Database, table: Any, *where: Any) -> int:
    with database.begin() as connection:
        return int(connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one())


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), AT_ONCE):
        yield ids[start : start + AT_ONCE]
