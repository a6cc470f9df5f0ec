"""The times of an incident that figures and reports rest on: their definitions, once, and how they are read from the store.

People who merge incidents have known, told and taken on the matter since the first of them; what was split off has been known since its source was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import func, select

from sre_copilot.incidents.statistics.messages import told_of_alerts
from sre_copilot.store.alerting.tables import incidents, timeline
from sre_copilot.store.database import Database
from sre_copilot.store.notifications import deliveries, notifications

TAKEN, FAULT, MERGED, SPLIT_FROM = "acknowledged", "diagnosis_fault", "merged", "split_from"
AT_ONCE = 500  # ids a statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """When things happened to one incident by its own records, epoch seconds; None where they have not, or no record tells."""

    opened: float | None = None
    told: float | None = None
    acknowledged: float | None = None
    identified: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kin:
    """Traces of the incidents that were merged into one, and of the one that it was split from."""

    merged: Sequence[Traces] = ()
    source: Traces | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Epoch seconds; None where it has not happened, or no record tells."""

    began: float
    """The earliest time at which an alert of it began, by its source's word."""
    opened: float
    """When the product opened it, or one that was merged into it, or, after the beginning, the one that it was split from: from here on it was known."""
    told: float | None
    """When the first message of the alert pipeline about one of these was delivered."""
    acknowledged: float | None
    """When a person took one of these on for the first time."""
    identified: float | None
    """When an investigation of it, or of one that was merged into it, named a cause for the first time."""
    resolved: float | None

    @property
    def detection_seconds(self) -> float:
        """From the beginning to the opening; never below zero, for clocks of two machines differ."""
        return max(0.0, self.opened - self.began)

    def since_opened(self, moment: float | None) -> float | None:
        """Seconds from the opening to a moment."""
        return None if moment is None else max(0.0, moment - self.opened)

    @property
    def repair_seconds(self) -> float | None:
        """From the beginning to the end."""
        return None if self.resolved is None else max(0.0, self.resolved - self.began)


def traces(opened: float | None, happenings: Iterable[tuple[str, float]], sent: Iterable[float]) -> Traces:
    """Traces out of records: `happenings` are kinds and times of the timeline, `sent` times of deliveries about alerts."""
    firsts: dict[str, float] = {}
    for kind, at in happenings:
        firsts[kind] = min(at, firsts.get(kind, at))
    return Traces(
        opened=opened,
        told=min(sent, default=None),
        acknowledged=firsts.get(TAKEN),
        identified=firsts.get(FAULT),
    )


def moments(incident: Mapping[str, Any], own: Traces, kin: Kin | None = None) -> Moments:
    """The times of an incident."""
    kin = kin or Kin()
    mine = [own, *kin.merged]
    started, opened_at = float(incident["started_at"]), float(incident["opened_at"])
    before = _inherited(kin.source, started, opened_at)
    opened = _earliest(opened_at, *(each.opened for each in (*mine, before))) or opened_at
    return Moments(
        began=min(started, opened),
        opened=opened,
        told=_earliest(*(each.told for each in (*mine, before))),
        acknowledged=_earliest(*(each.acknowledged for each in (*mine, before))),
        identified=_earliest(*(each.identified for each in mine)),
        resolved=incident["resolved_at"] if incident["status"] == "resolved" else None,
    )


def read_moments(database: Database, rows: Sequence[Mapping[str, Any]]) -> dict[str, Moments]:
    """The times of some incidents, by their ids."""
    ids = [str(row["id"]) for row in rows]
    kin = read_kin(database, ids)
    own = _read_traces(database, ids)
    return {str(row["id"]): moments(row, own[str(row["id"])], kin[str(row["id"])]) for row in rows}


def read_kin(database: Database, ids: Sequence[str]) -> dict[str, Kin]:
    """Whom some incidents inherit from, by their ids."""
    links = _links(database, ids)
    known = _read_traces(database, sorted(links.all()))
    return {
        key: Kin(
            merged=[known[each] for each in links.into(key) if each in known],
            source=_joined(
                known[each]
                for source in links.sources.get(key, ())
                for each in (source, *links.into(source))
                if each in known
            ),
        )
        for key in ids
    }


@dataclass(slots=True)
class _Links:
    merged: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    sources: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def all(self) -> set[str]:
        """Everybody that somebody inherits from."""
        return {each for some in (*self.merged.values(), *self.sources.values()) for each in some}

    def into(self, key: str) -> list[str]:
        """All that were merged into an incident, over however many steps."""
        found, ahead = dict[str, None](), [key]
        while ahead:
            new = [each for each in self.merged.get(ahead.pop(), ()) if each not in found and each != key]
            found |= dict.fromkeys(new)
            ahead += new
        return list(found)


def _links(database: Database, ids: Sequence[str]) -> _Links:
    links, seen, ahead = _Links(), set[str](), set(ids)
    columns = (timeline.c.incident_id, timeline.c.kind, timeline.c.document)
    while ahead:
        seen |= ahead
        with database.begin() as connection:
            for some in _parts(sorted(ahead)):
                where = (timeline.c.incident_id.in_(some), timeline.c.kind.in_((MERGED, SPLIT_FROM)))
                for key, kind, document in connection.execute(select(*columns).where(*where)):
                    other = str(orjson.loads(document).get("params", {}).get("other", ""))
                    (links.merged if kind == MERGED else links.sources)[key].append(other)
        ahead = links.all() - seen
    return links


def _read_traces(database: Database, ids: Sequence[str]) -> dict[str, Traces]:
    opened: dict[str, float] = {}
    happened: dict[str, list[tuple[str, float]]] = defaultdict(list)
    sent: dict[str, list[float]] = defaultdict(list)
    joined = notifications.join(deliveries, deliveries.c.notification_key == notifications.c.key)
    with database.begin() as connection:
        for some in _parts(ids):
            rows = select(incidents.c.id, incidents.c.opened_at).where(incidents.c.id.in_(some))
            opened |= {key: float(at) for key, at in connection.execute(rows)}
            by = (timeline.c.incident_id, timeline.c.kind)
            where = (timeline.c.incident_id.in_(some), timeline.c.kind.in_((TAKEN, FAULT)))
            for key, kind, at in connection.execute(
                select(*by, func.min(timeline.c.at)).where(*where).group_by(*by)
            ):
                happened[key].append((kind, float(at)))
            first = select(notifications.c.incident_id, func.min(deliveries.c.sent_at)).select_from(joined)
            delivered = (notifications.c.incident_id.in_(some), deliveries.c.status == "sent", deliveries.c.sent_at.is_not(None), told_of_alerts())  # fmt: skip
            for key, at in connection.execute(first.where(*delivered).group_by(notifications.c.incident_id)):
                sent[key].append(float(at))
    return {key: traces(opened.get(key), happened[key], sent[key]) for key in ids}


def _inherited(source: Traces | None, started: float, until: float) -> Traces:
    """What became of the source before the split, but nothing before the beginning of what was split off."""

    def since(moment: float | None) -> float | None:
        return None if moment is None or moment > until else max(moment, started)

    if source is None:
        return Traces()
    return Traces(
        opened=since(source.opened), told=since(source.told), acknowledged=since(source.acknowledged)
    )


def _joined(some: Iterable[Traces]) -> Traces | None:
    kept = list(some)
    if not kept:
        return None
    names = ("opened", "told", "acknowledged", "identified")
    return Traces(**{name: _earliest(*(getattr(each, name) for each in kept)) for name in names})


def _earliest(*moments_: float | None) -> float | None:
    return min((each for each in moments_ if each is not None), default=None)


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), AT_ONCE):
        yield ids[start : start + AT_ONCE]
