"""Records of alerting as rows: written by the one engine in its own transaction, read by anyone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Table, and_, delete, func, or_, select

from sre_copilot.store.alerting.sights import Piece, pieces
from sre_copilot.store.alerting.tables import (
    alerts,
    groups,
    incidents,
    maintenance,
    outbox,
    silences,
    timeline,
)
from sre_copilot.store.audit_chain import audit
from sre_copilot.store.database import Database
from sre_copilot.store.paging import Page, Row, decode, encode
from sre_copilot.store.tables import LAST_NUMBER

AT_ONCE = 500  # rows a statement
FORGET_AT_ONCE = 5_000  # rows of a table: some tens of milliseconds
LONGEST_NUMBER = 20  # digits of a number in a cursor


def remove(connection: Connection, table: Table, ids: Sequence[str]) -> None:
    """Delete rows by their ids."""
    for start in range(0, len(ids), AT_ONCE):
        connection.execute(delete(table).where(table.c.id.in_(ids[start : start + AT_ONCE])))


def documents(connection: Connection, table: Table, *where: ColumnElement[bool]) -> list[dict[str, Any]]:
    """The documents of a table."""
    query = select(table.c.document).where(*where)
    return [orjson.loads(text) for text in connection.execute(query).scalars()]


class AlertRecords:
    """Reading: pages and single records; each record is its document."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def alert(self, fingerprint: str) -> Row | None:
        """One alert."""
        return self._one(alerts, fingerprint)

    def incident(self, key: str) -> Row | None:
        """One incident, by its id or its number."""
        if not key.isdecimal():
            return self._one(incidents, key)
        found = self._all(incidents, incidents.c.number == int(key)) if len(key) < 10 else []
        return found[0] if found else None

    def alerts_page(self, *, cursor: str | None = None, limit: int = 100, **equal: Any) -> Page:
        """Alerts, those that began last first."""
        return self._page(alerts, "starts_at", cursor=cursor, limit=limit, equal=equal)

    def incidents_page(
        self, *, statuses: Sequence[str] = (), cursor: str | None = None, limit: int = 100, **equal: Any
    ) -> Page:
        """Incidents, those opened last first."""
        where = [incidents.c.status.in_(statuses)] if statuses else []
        return self._page(incidents, "opened_at", cursor=cursor, limit=limit, equal=equal, where=where)

    def earliest_of(self, incident_id: str, *, limit: int) -> list[Row]:
        """The alerts of an incident that began first."""
        query = select(alerts.c.document).where(alerts.c.incident_id == incident_id)
        with self._database.begin() as connection:
            ordered = query.order_by(alerts.c.starts_at, alerts.c.id).limit(limit)
            return [orjson.loads(text) for text in connection.execute(ordered).scalars()]

    def calm_since(self, incident_id: str, *, before: float) -> float | None:
        """When the last alert of all other incidents ended before a time (epoch s); None when none did."""
        ended = (alerts.c.status == "resolved") & (alerts.c.incident_id.not_in((incident_id, "")))
        query = select(func.max(alerts.c.updated_at)).where(ended, alerts.c.updated_at <= before)
        with self._database.begin() as connection:
            found = connection.execute(query).scalar_one()
        return None if found is None else float(found)

    def kinds_of(self, incident_id: str) -> list[Row]:
        """How many alerts an incident has of each `service`, `name` and `status` (`count`), without reading any of them."""
        by = (alerts.c.service, alerts.c.name, alerts.c.status)
        query = select(*by, func.count().label("count")).where(alerts.c.incident_id == incident_id)
        with self._database.begin() as connection:
            return [dict(row) for row in connection.execute(query.group_by(*by)).mappings()]

    def standing_of(self, incident_ids: Sequence[str]) -> dict[str, dict[str, int]]:
        """Of each incident how many of its alerts fire, and how many of these are muted; one of which none fires is left out."""
        by = (alerts.c.incident_id, alerts.c.muted)
        where = (alerts.c.incident_id.in_(incident_ids), alerts.c.status == "firing")
        found: dict[str, dict[str, int]] = {}
        with self._database.begin() as connection:
            for key, muted, count in connection.execute(
                select(*by, func.count()).where(*where).group_by(*by)
            ):
                each = found.setdefault(key, {"firing": 0, "muted": 0})
                each["firing"] += count
                each["muted"] += count if muted else 0
        return found

    def firing(self) -> list[Row]:
        """All alerts that fire."""
        return self._all(alerts, alerts.c.status == "firing")

    def known(self, fields: Sequence[str], *, since: float) -> Iterator[Piece]:
        """These fields of all alerts that fire, and of those that were told since a time."""
        with self._database.begin() as connection:
            return pieces(connection, fields, since=since)

    def groups(self) -> list[Row]:
        """All aggregation groups."""
        return self._all(groups)

    def silences(self) -> list[Row]:
        """All silences that are kept."""
        return self._all(silences)

    def maintenance(self) -> list[Row]:
        """All maintenance windows that are kept."""
        return self._all(maintenance)

    def timeline(self, incident_id: str, *, after: int = 0, limit: int = 200) -> list[Row]:
        """What happened with an incident, in order; each entry has its `id`, to go on after."""
        where = [timeline.c.incident_id == incident_id, timeline.c.id > after]
        query = select(timeline).where(*where).order_by(timeline.c.id).limit(limit)
        with self._database.begin() as connection:
            rows = connection.execute(query).mappings().all()
        return [_timeline_row(dict(row)) for row in rows]

    def changes_since(self, event: int, *, limit: int = 200, types: Sequence[str] = ()) -> list[Row]:
        """Events after a place in the outbox, in order, of these types where any are given: what a stream of updates follows."""
        where = [outbox.c.id > event, *([outbox.c.type.in_(types)] if types else [])]
        query = select(outbox).where(*where).order_by(outbox.c.id).limit(limit)
        with self._database.begin() as connection:
            rows = connection.execute(query).mappings().all()
        return [{**row, "data": orjson.loads(row["data"])} for row in rows]

    def past_events(
        self, *, since: float, types: Sequence[str], keys: Sequence[str] = (), limit: int = 10_000
    ) -> list[Row]:
        """Events of these types since a time, in order; only those of some keys (incidents, fingerprints of alerts) where any are given."""
        where = [outbox.c.at >= since, outbox.c.type.in_(types), *([outbox.c.key.in_(keys)] if keys else [])]
        query = select(outbox).where(*where).order_by(outbox.c.id).limit(limit)
        with self._database.begin() as connection:
            rows = connection.execute(query).mappings().all()
        return [{**row, "data": orjson.loads(row["data"])} for row in rows]

    def last_event(self) -> int:
        """The place of the latest event."""
        with self._database.begin() as connection:
            return int(connection.execute(select(func.coalesce(func.max(outbox.c.id), 0))).scalar_one())

    def audit_page(self, *, cursor: str | None = None, limit: int = 100) -> Page:
        """What people and programs asked for, latest first."""
        where = _after(audit.c.at, audit.c.id, cursor, number=True)
        query = select(audit).where(*where).order_by(audit.c.at.desc(), audit.c.id.desc()).limit(limit + 1)
        with self._database.begin() as connection:
            rows = [dict(row) for row in connection.execute(query).mappings()]
        kept = [{**row, "detail": orjson.loads(row["detail"])} for row in rows[:limit]]
        return Page(tuple(kept), encode(kept[-1]["at"], str(kept[-1]["id"])) if len(rows) > limit else None)

    def forget(self, *, before: float, limit: int = FORGET_AT_ONCE) -> int:
        """Delete what ended before a time: alerts, incidents with their timelines, silences, events that were sent; the audit stays.

        Of each table at most so many rows, so that whoever decides is not held up; return how many rows, which is less than the limit when there are no more.
        """
        over = (incidents.c.status.in_(("resolved", "merged")), incidents.c.updated_at < before)
        told = timeline.c.incident_id.in_(select(incidents.c.id).where(*over))
        with self._database.write() as connection:
            gone = _delete_some(connection, timeline, limit, told)
            if gone < limit:  # an incident goes after the last of its timeline
                gone += _delete_some(connection, incidents, limit, *over)
            gone += _delete_some(
                connection, alerts, limit, alerts.c.status == "resolved", alerts.c.updated_at < before
            )
            gone += _delete_some(connection, silences, limit, silences.c.ends_at < before)
            return gone + _delete_some(connection, outbox, limit, outbox.c.published_at < before)

    def counts(self) -> dict[str, int]:
        """How many alerts fire and how many incidents are open."""
        firing = select(func.count()).where(alerts.c.status == "firing")
        open_ones = select(func.count()).where(incidents.c.status.in_(("firing", "acknowledged")))
        with self._database.begin() as connection:
            return {
                "alerts_firing": int(connection.execute(firing).scalar_one()),
                "incidents_open": int(connection.execute(open_ones).scalar_one()),
            }

    def _one(self, table: Table, key: str) -> Row | None:
        found = self._all(table, table.c.id == key)
        return found[0] if found else None

    def _all(self, table: Table, *where: ColumnElement[bool]) -> list[Row]:
        with self._database.begin() as connection:
            return documents(connection, table, *where)

    def _page(
        self,
        table: Table,
        by: str,
        *,
        cursor: str | None,
        limit: int,
        equal: Mapping[str, Any],
        where: Sequence[ColumnElement[bool]] = (),
    ) -> Page:
        time, key = table.c[by], table.c["id"]
        conditions = [*where, *(table.c[name] == value for name, value in equal.items())]
        conditions += _after(time, key, cursor)
        query = select(time, key, table.c.document).where(*conditions)
        with self._database.begin() as connection:
            rows = connection.execute(query.order_by(time.desc(), key.desc()).limit(limit + 1)).all()
        kept = rows[:limit]
        following = encode(kept[-1][0], kept[-1][1]) if len(rows) > limit else None
        return Page(tuple(orjson.loads(row[2]) for row in kept), following)


def _delete_some(connection: Connection, table: Table, limit: int, *where: ColumnElement[bool]) -> int:
    some = select(table.c.id).where(*where).limit(limit)
    return int(connection.execute(delete(table).where(table.c.id.in_(some))).rowcount)


def _after(time: Any, key: Any, cursor: str | None, *, number: bool = False) -> list[ColumnElement[bool]]:
    if not cursor:
        return []
    moment, last = decode(cursor)
    place: Any = (
        (min(int(last), LAST_NUMBER) if last.isdecimal() and len(last) < LONGEST_NUMBER else 0)
        if number
        else last
    )
    return [or_(time < moment, and_(time == moment, key < place))]


def _timeline_row(row: Mapping[str, Any]) -> Row:
    told = orjson.loads(row["document"])
    return {"id": row["id"], "at": row["at"], "kind": row["kind"], "who": row["who"], **told}
