"""What must hold when all has settled: nothing that was taken is lost, nothing that was decided was not told, and nothing was told twice."""

from __future__ import annotations

import bisect
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Table, select

from sre_copilot.store.alerting import tables
from sre_copilot.store.database import Database
from sre_copilot.store.notifications import attempts, deliveries, notifications
from sre_copilot.testing.receivers import ReceiverLog

MARK = re.compile(rb'"mark":"(m\d+x)"')
PAGE = re.compile(r"(.+)/(.+)/(\d+)/([\d.]+)/(\d+)/(\d+)/([^/]+)")


@dataclass
class Found:
    """Figures of a run, and everything that must not be."""

    figures: dict[str, float] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def none_of(self, what: str, items: Iterable[object]) -> None:
        """Note how many there are of what must not be."""
        found = sorted(str(each) for each in items)
        self.figures[what] = len(found)
        if found:
            self.wrong.append(f"{what}: {len(found)}, such as {found[:5]}")


def check(
    database: Database,
    receivers: Mapping[str, ReceiverLog],
    *,
    accepted: set[str],
    ended: Mapping[str, int],
    stuck: Sequence[str],
    kills: Sequence[float],
) -> Found:
    """Hold the store and the receivers against what was sent and against each other."""
    found = Found()
    _alerts(found, database, accepted)
    _faults(found, receivers["team"], ended, stuck)
    told = _rows(database, notifications)
    arrived = [each for log in receivers.values() for each in log.seen]
    _notifications(found, database, told, {each.key for each in arrived})
    _incidents(found, database, told)
    _repeats(found, receivers, kills)
    for name, log in receivers.items():
        _order(found, name, log)
    _pages(found, told)
    _outbox(found, database)
    return found


def _alerts(found: Found, database: Database, accepted: set[str]) -> None:
    rows = _rows(database, tables.inbox)
    kept = {mark.decode() for row in rows if row["kind"] == "alerts" for mark in MARK.findall(row["body"])}
    found.figures["alerts answered with 202"] = len(accepted)
    found.none_of("alerts lost", accepted - kept)
    found.none_of("entries not worked off", [row["id"] for row in rows if row["done_at"] is None])
    failed = [row["id"] for row in rows if row["outcome"] and orjson.loads(row["outcome"])["status"] == 500]
    found.none_of("entries set aside", failed)
    known = {row["id"]: orjson.loads(row["document"]) for row in _rows(database, tables.alerts)}
    last = [row for row in rows if row["kind"] == "alerts"]
    found.none_of("alerts whose last word was not heard", _unheard(last, known))


def _unheard(entries: Iterable[Mapping[str, Any]], known: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Alerts whose record is not as the last message in the inbox says."""
    by_labels = {_labels(each["labels"]): each for each in known.values()}
    last: dict[str, Mapping[str, Any]] = {}
    for entry in entries:
        for event in orjson.loads(entry["body"]):
            last[_labels(event["labels"])] = event
    return [
        labels
        for labels, event in last.items()
        if ((record := by_labels.get(labels)) is None and event["status"] == "firing")
        or (record is not None and record["status"] != event["status"])
    ]


def _labels(labels: Mapping[str, str]) -> str:
    return orjson.dumps(dict(labels), option=orjson.OPT_SORT_KEYS).decode()


def _faults(found: Found, team: ReceiverLog, ended: Mapping[str, int], stuck: Sequence[str]) -> None:
    """What people must have heard is known from outside: each beginning and each end of a fault once."""
    heard: dict[str, Counter[str]] = defaultdict(Counter)
    for each in team.seen:
        document = each.document
        heard[str(document["incident"].get("service", ""))][document["state"]] += 1
    found.figures["faults"] = len(ended)
    found.none_of("faults of which something was not told", stuck)
    wrong = [
        f"{service}: {dict(heard[service])}, not {times} each"
        for service, times in ended.items()
        if (heard[service]["firing"], heard[service]["resolved"]) != (times, times)
    ]
    found.none_of("faults told more or less than once", wrong)


def _notifications(
    found: Found, database: Database, told: Sequence[Mapping[str, Any]], arrived: set[str]
) -> None:
    rows = _rows(database, deliveries)
    by_status = Counter(str(row["status"]) for row in told)
    found.figures["notifications"] = len(told)
    found.none_of(
        "notifications not finished", [row["key"] for row in told if row["status"] not in ("sent", "skipped")]
    )
    found.figures["notifications skipped"] = by_status["skipped"]
    sent = {row["key"] for row in rows if row["status"] == "sent"}
    found.none_of(
        "deliveries not sent", [row["key"] for row in rows if row["status"] not in ("sent", "skipped")]
    )
    found.none_of("notifications lost", sent - arrived)
    found.none_of("messages that nobody decided on", arrived - {row["key"] for row in rows})
    cut = sum(1 for row in _rows(database, attempts) if row["outcome"] == "unknown")
    found.figures["sends cut off by a kill"] = cut


def _incidents(found: Found, database: Database, told: Sequence[Mapping[str, Any]]) -> None:
    """The pipeline's own notification log, the timeline, and the notifications say the same."""
    kept: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row in told:
        kept[row["incident_id"], row["receiver"]].append(row["sequence"])
    happened: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row in _rows(database, tables.timeline):
        if row["kind"] == "told":
            params = orjson.loads(row["document"])["params"]
            happened[row["incident_id"], params["receiver"]].append(params["number"])
    wrong = []
    incidents = [orjson.loads(row["document"]) for row in _rows(database, tables.incidents)]
    for incident in incidents:
        for receiver, state in incident["told"].items():
            key = incident["id"], receiver
            expected = list(range(1, state["sequence"] + 1))
            if sorted(kept.pop(key, [])) != expected or happened.pop(key, []) != expected:
                wrong.append(f"{key}: {expected}")
    found.figures["incidents"] = len(incidents)
    found.none_of("incidents whose log and messages differ", [*wrong, *kept, *happened])


def _repeats(found: Found, receivers: Mapping[str, ReceiverLog], kills: Sequence[float]) -> None:
    at: Counter[int] = Counter()
    moments = sorted(kills)
    for log in receivers.values():
        for each in log.all:
            if not each.new:
                at[bisect.bisect_left(moments, each.at)] += 1
    found.figures["kills"] = len(moments)
    found.figures["repeated sends"] = sum(at.values())
    found.figures["most repeated sends of a kill"] = max(at.values(), default=0)
    found.none_of(
        "repeated sends without a kill before",
        [each for each, count in at.items() if each == 0 for _ in range(count)],
    )
    if max(at.values(), default=0) > len(receivers):  # each address has one message in flight
        found.wrong.append("more repeated sends at a kill than there are addresses")


def _order(found: Found, name: str, log: ReceiverLog) -> None:
    """In each thread: an end only after a beginning, and never two of one kind in a row."""
    opened: dict[str, bool] = defaultdict(bool)
    wrong = []
    for each in log.seen:
        document = each.document
        group, over = document["groupKey"], document["state"] == "resolved"
        if over != opened[group] and (over or document["state"] == "firing"):
            wrong.append(f"{group}: {each.key}")
        opened[group] = not over
    found.none_of(f"messages out of order at {name}", wrong)
    found.none_of(f"incidents left open at {name}", [group for group, is_open in opened.items() if is_open])


def _pages(found: Found, told: Sequence[Mapping[str, Any]]) -> None:
    """Each step of an escalation calls once: there is no second key for the same step of the same beginning."""
    pages = [str(row["key"]) for row in told if row["state"] == "escalated"]
    steps = [match.groups() for key in pages if (match := PAGE.fullmatch(key))]
    found.figures["pages"] = len(pages)
    found.none_of("pages of unknown form", set(pages) if len(steps) != len(pages) else ())
    begun: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for incident, policy, times, moment, turn, step, way in steps:
        begun[incident, policy, times, turn, step, way][moment] += 1
    beginnings = Counter(
        (row["incident_id"]) for row in told if row["state"] == "firing" and row["receiver"] == "team"
    )
    wrong = [
        f"{key}: {dict(moments)}"
        for key, moments in begun.items()
        if len(moments) > beginnings[key[0]] or max(moments.values()) > 1
    ]
    found.none_of("steps that called twice", wrong)


def _outbox(found: Found, database: Database) -> None:
    rows = _rows(database, tables.outbox)
    found.figures["events"] = len(rows)
    found.none_of("events not on the bus", [row["event_id"] for row in rows if row["published_at"] is None])


def _rows(database: Database, table: Table) -> list[dict[str, Any]]:
    key = table.c.get("id", table.c[table.primary_key.columns.keys()[0]])
    with database.begin() as connection:
        return [dict(row) for row in connection.execute(select(table).order_by(key)).mappings()]
