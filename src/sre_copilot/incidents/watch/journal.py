"""What the watch found, as the rows that are kept and shown."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

from sre_copilot.domain.anomaly import Breach
from sre_copilot.domain.event import Event, EventType
from sre_copilot.domain.evidence import Check, Finding
from sre_copilot.domain.signals import Change
from sre_copilot.incidents.report.words import LANGUAGES, say
from sre_copilot.incidents.watch.episodes import Episode, Key, Told, Turn, kept_name
from sre_copilot.incidents.watch.foresight import Expected
from sre_copilot.store.records import Records

LONGEST_KIND = 100  # characters, of the column


class Journal:
    """Keeps anomalies and breaches; after a restart it knows which were going on."""

    def __init__(self, *, anomalies: Records, breaches: Records) -> None:
        self._anomalies = anomalies
        self._breaches = breaches
        self._owed: dict[str, dict[str, Any]] = {}
        self._expected: dict[str, dict[str, Any]] = {row["id"]: row for row in breaches.open()}

    def unfinished(self) -> dict[Key, Told]:
        """Anomalies that an earlier process told and did not see end."""
        return {
            (row["source"], row["modality"], row["entity"], row["instance"], row["metric"]): Told(
                id=row["id"],
                opened_at=row["opened_at"],
                since=row["since"],
                peak_score=row["peak_score"],
                source=row["source"],
            )
            for row in self._anomalies.open()
        }

    def close(self, told: Iterable[Told], *, at: float) -> None:
        """Close anomalies of an earlier process that did not go on."""
        rows = (self._anomalies.get(each.id) for each in told)
        closed = ({**row, "closed_at": at} for row in rows if row is not None)
        self._anomalies.save(closed, telling=anomaly_events)

    def keep(self, turn: Turn, *, at: float) -> None:
        """Keep what a tick opened, went on with, and closed, in one transaction; what the store refuses now is kept with a later tick."""
        for each in (*turn.opened, *turn.updated, *turn.closed):
            self._owed[each.id] = anomaly_row(each, at=at)
        self._anomalies.save(self._owed.values(), telling=anomaly_events)
        self._owed.clear()

    def expect(
        self,
        expected: Iterable[Expected],
        *,
        at: float,
        unseen: Collection[str] = (),
    ) -> int:
        """Keep what is expected to cross a limit; what no longer is, is closed. Return how many are open.

        What was expected of `unseen` sources stays until its time has passed: nothing new is known of it.
        """
        made = (breach_row(each.breach, at=at, source=each.source) for each in expected)
        rows = {row["id"]: row for row in made}
        for key, row in rows.items():
            if key in self._expected:
                row["made_at"] = self._expected[key]["made_at"]
        missing = [row for key, row in self._expected.items() if key not in rows]
        stays = {row["id"]: row for row in missing if row["source"] in unseen and row["at"] > at}
        gone = [{**row, "closed_at": at} for row in missing if row["id"] not in stays]
        self._breaches.save([*rows.values(), *gone])
        self._expected = {**rows, **stays}
        return len(self._expected)


def anomaly_row(episode: Episode, *, at: float) -> dict[str, Any]:
    """An anomaly as the table `anomalies` holds it."""
    anomaly = episode.anomaly
    return {
        "id": episode.id,
        "entity": kept_name(anomaly.entity),
        "metric": kept_name(anomaly.metric),
        "instance": kept_name(anomaly.instance),
        "modality": anomaly.finding.modality,
        "source": episode.source,
        "method": anomaly.method,
        "severity": anomaly.severity,
        "score": anomaly.score,
        "peak_score": episode.peak_score,
        "current": anomaly.current,
        "expected": anomaly.expected,
        "low": anomaly.low,
        "high": anomaly.high,
        "deviation": anomaly.deviation,
        "since": anomaly.since,
        "opened_at": episode.opened_at,
        "updated_at": at,
        "closed_at": episode.closed_at,
        "finding": finding_document(anomaly.finding),
    }


def anomaly_events(row: Mapping[str, Any], *, fresh: bool) -> tuple[Event, ...]:
    """What others are told of an anomaly: when it is first kept, and when it is over."""
    told = ("entity", "metric", "instance", "severity", "score", "since", "current", "expected", "deviation",
            "method", "source")  # fmt: skip
    moments = {"open": row["opened_at"] if fresh else None, "closed": row["closed_at"]}
    data = {"anomaly_id": row["id"], **{name: row[name] for name in told}}
    return tuple(
        Event(
            id=f"anomaly/{row['id']}/{status}",
            type=EventType.ANOMALY_DETECTED,
            key=row["entity"] or row["source"],
            at=at,
            data={**data, "status": status, "at": at},
        )
        for status, at in moments.items()
        if at is not None
    )


def finding_document(finding: Finding) -> dict[str, Any]:
    """A finding as a document: its sentence in each language, and its checks as they can be run again."""
    return {
        "id": finding.id,
        "kind": finding.kind,
        "sentences": {language: say(finding.message, language) for language in LANGUAGES},
        "checks": [check_document(check) for check in finding.checks],
        "lines": list(finding.lines),
        "related": list(finding.related),
    }


def check_document(check: Check) -> dict[str, Any]:
    """A check as a document."""
    return asdict(check)


def breach_row(breach: Breach, *, at: float, source: str = "") -> dict[str, Any]:
    """An expected breach as the table `breaches` holds it; the id stays while the same limit is expected to be crossed."""
    named = (source, breach.entity, breach.metric, breach.instance, breach.direction)
    row = asdict(replace(breach))
    row["limit_value"] = row.pop("limit")
    row |= {name: kept_name(row[name]) for name in ("entity", "metric", "instance")}
    key = hashlib.blake2b(repr((*named, breach.limit)).encode(), digest_size=6).hexdigest()
    return {**row, "id": f"B-{key}", "source": source, "updated_at": at, "closed_at": None}


def change_row(change: Change, *, at: float, source: str = "") -> dict[str, Any]:
    """A change as the table `changes` holds it; the same change told twice is one row."""
    told = (change.ts, change.service, change.kind, change.text, sorted(change.detail.items()))
    return {
        "id": "C-" + hashlib.blake2b(repr(told).encode(), digest_size=6).hexdigest(),
        "ts": change.ts,
        "service": kept_name(change.service),
        "kind": change.kind[:LONGEST_KIND].replace("\0", ""),
        "text": change.text.replace("\0", ""),
        "detail": {name.replace("\0", ""): text.replace("\0", "") for name, text in change.detail.items()},
        "source": source,
        "received_at": at,
    }


def change_of(row: Mapping[str, Any]) -> Change:
    """The change of a row."""
    return Change(
        ts=row["ts"], service=row["service"], kind=row["kind"], text=row["text"], detail=row["detail"]
    )
