"""What an incident did, as far as records tell; what nobody measured is said, and not guessed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sre_copilot.incidents.postmortem.model import Line, Section, line, named
from sre_copilot.incidents.postmortem.moments import moments
from sre_copilot.incidents.postmortem.records import Records
from sre_copilot.incidents.statistics.lengths import length

MOST_KINDS = 10  # kinds of alert that are named one by one


def impact(records: Records) -> Section:
    """Duration, services, alerts, reach, messages, and what is not measured."""
    return Section(
        name="impact",
        lines=(
            *_duration(records),
            *_services(records),
            *_alerts(records),
            *_reach(records),
            *_messages(records),
            line("impact.not_measured"),
        ),
    )


def _duration(records: Records) -> Iterator[Line]:
    times, key = moments(records), records.key
    if times.repair_seconds is not None:
        yield line("impact.lasted", key, length=length(times.repair_seconds), since=times.began)
    elif records.incident["status"] == "merged":
        yield line("impact.merged", key, other=str(records.incident["merged_into"]), since=times.began)
    else:
        yield line("impact.lasts", key, length=length(max(0.0, records.now - times.began)), since=times.began)
    yield line(
        "impact.rated", key, severity=records.incident["severity"], priority=records.incident["priority"]
    )


def _services(records: Records) -> Iterator[Line]:
    services = [each for each in records.incident["services"] if each]
    if services:
        yield line("impact.services", records.key, count=len(services), services=named(services))
    else:
        yield line("impact.no_services", records.key)


def _alerts(records: Records) -> Iterator[Line]:
    counts: Counter[str] = Counter()
    for row in records.kinds:
        counts[str(row["name"])] += int(row["count"])
    firing = sum(int(row["count"]) for row in records.kinds if row["status"] == "firing")
    kept = sum(counts.values())
    came = int(records.incident.get("alert_count") or kept)
    yield line("impact.alerts", records.key, alerts=came, kinds=len(counts), firing=firing)
    if kept < came:
        yield line("impact.alerts_gone", records.key, gone=came - kept)
    for name, count in counts.most_common(MOST_KINDS):
        rows = [
            f"alert/{each['fingerprint']}"
            for each in records.alerts
            if each["labels"].get("alertname", "") == name
        ]
        yield line("impact.kind", *(rows[:3] or [records.key]), name=name or "–", alerts=count)


def _reach(records: Records) -> Iterator[Line]:
    radius = records.incident["blast_radius"] or {}
    if not radius:
        yield line("impact.reach_unknown", records.key)
        return
    count, unknown = int(radius.get("count", 0)), list(radius.get("unknown", ()))
    if count:
        yield line("impact.reach", records.key, count=count, services=named(list(radius.get("services", ()))))
    elif not unknown:
        yield line("impact.reach_none", records.key)
    if unknown:
        yield line("impact.reach_untold", records.key, services=named(unknown))


def _messages(records: Records) -> Iterator[Line]:
    by = Counter(str(each["status"]) for each in records.messages)
    if not records.messages:
        yield line("impact.nobody_told", records.key)
        return
    rows = [f"notification/{each['id']}" for each in records.messages[:3]]
    waiting = len(records.messages) - by["sent"] - by["failed"]
    yield line("impact.messages", *rows, count=len(records.messages), sent=by["sent"], failed=by["failed"], waiting=waiting)  # fmt: skip
