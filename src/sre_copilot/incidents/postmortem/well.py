"""What went well: rules on the records, each of which says something only where a record shows it."""

from __future__ import annotations

from collections.abc import Iterator

from sre_copilot.domain.alert import FORETOLD
from sre_copilot.incidents.postmortem.model import Line, Section, line, named
from sre_copilot.incidents.postmortem.records import Records
from sre_copilot.incidents.postmortem.rules import ACKNOWLEDGE_S, IDENTIFY_S, Seen, recovery_checks
from sre_copilot.incidents.statistics.lengths import length
from sre_copilot.incidents.statistics.targets import DETECT_TARGET_S, RESTORE_TARGET_S


def good(records: Records) -> Section:
    """What went well."""
    seen = Seen.of(records)
    found = (*_early(seen), *_told(seen), *_taken(seen), *_identified(seen), *_repaired(seen), *_short(seen))
    return Section(name="good", lines=found or (line("good.none", records.key),))


def _early(seen: Seen) -> Iterator[Line]:
    foretold = {each["name"] for each in seen.records.kinds} == {FORETOLD}
    if not foretold and seen.times.detection_seconds < DETECT_TARGET_S:
        yield line(
            "good.detected", seen.records.key, at=seen.times.opened, length=length(seen.times.detection_seconds),
            target=DETECT_TARGET_S / 60,
        )  # fmt: skip


def _told(seen: Seen) -> Iterator[Line]:
    rows = seen.records.messages
    if rows and all(each["status"] == "sent" for each in rows):
        first = max(len(each["log"]) for row in rows for each in row["deliveries"]) <= 1 if any(row["deliveries"] for row in rows) else False  # fmt: skip
        keys = [f"notification/{each['id']}" for each in rows[:3]]
        yield line("good.delivered_at_once" if first else "good.delivered", *keys, count=len(rows))


def _taken(seen: Seen) -> Iterator[Line]:
    seconds = seen.times.since_opened(seen.times.acknowledged)
    if seconds is not None and seconds <= ACKNOWLEDGE_S:
        key, who = seen.first("acknowledged")
        yield line("good.acknowledged", key, at=seen.times.acknowledged, who=who, length=length(seconds))


def _identified(seen: Seen) -> Iterator[Line]:
    if seen.records.hidden:
        return
    seconds = seen.times.since_opened(seen.times.identified)
    if seconds is not None and seconds <= IDENTIFY_S:
        key, _ = seen.first("diagnosis_fault")
        yield line("good.identified", key, at=seen.times.identified, length=length(seconds))


def _repaired(seen: Seen) -> Iterator[Line]:
    for plan in seen.plans("succeeded"):
        if not recovery_checks(plan):
            continue  # carried out is not repaired: nothing showed that it helped
        autonomous = bool(plan.run and plan.run["autonomous"])
        yield line("good.repaired_alone" if autonomous else "good.repaired", f"plan/{plan.id}", plan=plan.id)
    for plan in seen.plans("rolled_back"):
        steps = [each["step_id"] for each in plan.steps if each["state"] == "undone"]
        if steps:
            yield line("good.taken_back", f"remediation/{plan.id}", plan=plan.id, steps=named(steps))


def _short(seen: Seen) -> Iterator[Line]:
    seconds = seen.times.repair_seconds
    if seconds is not None and seconds < RESTORE_TARGET_S:
        yield line("good.short", seen.records.key, length=length(seconds), target=RESTORE_TARGET_S / 60)
