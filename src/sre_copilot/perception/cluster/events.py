"""Events of the cluster: as they happened, as rows of a log, and as `kubectl` lists them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from sre_copilot.perception.cluster.text import (
    Page,
    age,
    epoch,
    mapping,
    metadata,
    name_of,
    one_line,
    owner_of,
    table,
)  # fmt: skip
from sre_copilot.perception.columns import DTYPES, LOGS

_TEMPLATE_HASH = re.compile(r"-[a-z0-9]{6,10}$")  # of a replica set's name
_POD = re.compile(r"(-[a-z0-9]{6,10})?-(?:[a-z0-9]{5}|\d{1,3})$")  # of a pod's name, behind its workload's
_TIMES = (
    "lastTimestamp",
    "deprecatedLastTimestamp",
    "eventTime",
    "firstTimestamp",
    "deprecatedFirstTimestamp",
)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One event as it was last seen: about which object, how often, by whom. `version` tells its states apart."""

    ts: float
    namespace: str
    kind: str
    name: str
    type: str
    reason: str
    message: str
    count: int
    component: str
    version: tuple[str, str]


def occurrence(event: Mapping[str, Any]) -> Occurrence | None:
    """Read an event of either API group; None for one without any time."""
    meta, series = metadata(event), mapping(event.get("series"))
    about = mapping(event.get("involvedObject")) or mapping(event.get("regarding"))
    source = mapping(event.get("source")) or mapping(event.get("deprecatedSource"))
    times = (
        series.get("lastObservedTime"),
        *(event.get(key) for key in _TIMES),
        meta.get("creationTimestamp"),
    )
    ts = next((found for each in times if each and (found := epoch(each)) is not None), None)
    if ts is None:
        return None
    return Occurrence(
        ts=ts,
        namespace=one_line(meta.get("namespace", "")),
        kind=one_line(about.get("kind", "")),
        name=one_line(about.get("name", "")),
        type=one_line(event.get("type", "Normal")) or "Normal",
        reason=one_line(event.get("reason", "")).replace(" ", ""),
        message=one_line(event.get("message") or event.get("note") or ""),
        count=int(series.get("count") or event.get("count") or event.get("deprecatedCount") or 1),
        component=one_line(event.get("reportingComponent") or source.get("component") or "-"),
        version=(str(meta.get("uid", "")), str(meta.get("resourceVersion", ""))),
    )


def occurrences(events: Iterable[Mapping[str, Any]]) -> list[Occurrence]:
    """All that have a time, each state once, oldest first."""
    found = {each.version: each for event in events if (each := occurrence(event))}
    return sorted(
        found.values(), key=lambda each: (each.ts, each.namespace, each.name, each.reason, each.version)
    )


def latest(found: Iterable[Occurrence]) -> list[Occurrence]:
    """The last state of each event, oldest first: what a list of now holds."""
    return sorted({each.version[0]: each for each in found}.values(), key=lambda each: (each.ts, each.name))


class Owners:
    """Which workload an object belongs to."""

    def __init__(self, pods: Iterable[Mapping[str, Any]], replica_sets: Iterable[Mapping[str, Any]]) -> None:
        self._sets = {name_of(each): owner_of(each)[1] or name_of(each) for each in replica_sets}
        self._pods = {name_of(each): self._of(*owner_of(each)) or name_of(each) for each in pods}

    def workload(self, kind: str, name: str) -> str:
        """The workload that an object is of; one that is gone is named by the way that controllers name."""
        if kind == "Pod":
            return self._pods.get(name) or _POD.sub("", name)
        return self._of(kind, name)

    def _of(self, kind: str, name: str) -> str:
        if kind == "ReplicaSet":
            return self._sets.get(name) or _TEMPLATE_HASH.sub("", name)
        return name


def log_table(found: Iterable[Occurrence], owners: Owners) -> pl.DataFrame:
    """Events as lines of the log of the workload that they are about."""
    rows = [
        {
            "ts_ns": round(each.ts * 1e9),
            "service": owners.workload(each.kind, each.name) or "kubernetes",
            "instance": f"{each.kind.lower()}/{each.name}" if each.kind != "Pod" else each.name,
            "level": "warning" if each.type == "Warning" else "info",
            "trace_id": "",
            "span_id": "",
            "message": f"{each.reason}: {each.message}" + (f" (x{each.count})" if each.count > 1 else ""),
        }
        for each in found
    ]
    schema = {column.name: DTYPES[column.kind] for column in LOGS.columns}
    return pl.DataFrame(rows, schema=schema).sort(LOGS.order)


def listed(found: Iterable[Occurrence], now: float) -> str:
    """As `kubectl get events` prints them."""
    rows = [
        (
            age(now - each.ts),
            each.type,
            each.reason or "-",
            f"{each.kind.lower()}/{each.name}",
            each.message or "-",
        )
        for each in found
    ]
    return table(("LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"), rows)


def say_events(page: Page, found: Iterable[Occurrence], now: float) -> None:
    """As `kubectl describe` prints them below an object."""
    rows = [
        (each.type, each.reason or "-", _seen(each, now), each.component, each.message or "-")
        for each in found
    ]
    page.rows("Events", ("Type", "Reason", "Age", "From", "Message"), rows)


def _seen(each: Occurrence, now: float) -> str:
    repeated = f" (x{each.count} over {age(now - each.ts)})" if each.count > 1 else ""
    return age(now - each.ts) + repeated
