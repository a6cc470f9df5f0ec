"""What went badly: rules on the records alone; a rule that has no record to look at says nothing."""

from __future__ import annotations

from collections.abc import Iterator

from sre_copilot.incidents.postmortem.cause import cause_of, outcome_of
from sre_copilot.incidents.postmortem.model import Line, Section, line, named
from sre_copilot.incidents.postmortem.records import Records
from sre_copilot.incidents.postmortem.rules import (
    ACKNOWLEDGE_S,
    APPROVE_S,
    DID_NOT_HELP,
    NOBODY,
    REPEATED,
    Seen,
    recovery_checks,
)
from sre_copilot.incidents.statistics.lengths import length
from sre_copilot.incidents.statistics.targets import DETECT_TARGET_S, RESTORE_TARGET_S


def bad(records: Records) -> Section:
    """What went badly."""
    seen = Seen.of(records)
    rules = (
        _late,
        _untaken,
        _ownerless,
        _unreached,
        _undelivered,
        _untold_cause,
        _wrong_first,
        _plans,
        _waited,
        _left,
        _again,
        _long,
    )
    found = tuple(each for rule in rules for each in rule(seen))
    return Section(name="bad", lines=found or (line("bad.none", records.key),))  # fmt: skip


def _late(seen: Seen) -> Iterator[Line]:
    if seen.times.detection_seconds >= DETECT_TARGET_S:
        yield line("bad.detected_late", seen.records.key, length=length(seen.times.detection_seconds), target=DETECT_TARGET_S / 60)  # fmt: skip


def _untaken(seen: Seen) -> Iterator[Line]:
    if not seen.woken:
        return
    seconds = seen.times.since_opened(seen.times.acknowledged)
    if seconds is None:
        until = seen.times.resolved if seen.times.resolved is not None else seen.records.now
        helped = [plan for plan in seen.plans("succeeded") if recovery_checks(plan)]
        alone = any(plan.run and plan.run["autonomous"] for plan in helped)
        if not alone and until - seen.times.opened > ACKNOWLEDGE_S:
            yield line("bad.never_acknowledged", seen.records.key, length=length(until - seen.times.opened))
    elif seconds > ACKNOWLEDGE_S:
        key, _ = seen.first("acknowledged")
        yield line("bad.acknowledged_late", key, at=seen.times.acknowledged, length=length(seconds), target=ACKNOWLEDGE_S / 60)  # fmt: skip


def _ownerless(seen: Seen) -> Iterator[Line]:
    if seen.woken and not seen.owner:
        yield line("bad.no_owner", seen.records.key)


def _unreached(seen: Seen) -> Iterator[Line]:
    for row in seen.records.happenings:
        if row["key"] in NOBODY:
            yield line("bad.reached_nobody", f"timeline/{row['id']}", at=row["at"], policy=str(row["params"].get("policy", "")))  # fmt: skip


def _undelivered(seen: Seen) -> Iterator[Line]:
    for row in seen.records.messages:
        if row["status"] == "failed":
            yield line(
                "bad.undelivered", f"notification/{row['id']}", at=row["created_at"], receiver=row["receiver"],
                problem=row["last_error"] or "–",
            )  # fmt: skip


def _untold_cause(seen: Seen) -> Iterator[Line]:
    outcome = outcome_of(seen.records)
    if outcome in ("inconclusive", "failed") or (outcome == "none" and seen.woken):
        yield line(f"bad.cause_{outcome}", seen.records.key)


def _wrong_first(seen: Seen) -> Iterator[Line]:
    told = [(row, cause_of(row)) for row in seen.records.of_kind("diagnosis_fault")]
    causes = list(dict.fromkeys(cause for _, cause in told if cause))
    if len(causes) > 1:
        yield line("bad.cause_changed", *(f"timeline/{row['id']}" for row, _ in told), causes=named(causes))
    for each in seen.records.judgements:
        if each["target"] == "output" and not each["right"]:
            yield line("bad.judged_wrong", f"label/{each['id']}", at=each["at"], who=str(each["by"]))


def _plans(seen: Seen) -> Iterator[Line]:
    useless = seen.plans(*DID_NOT_HELP)
    for plan in useless:
        yield line(f"bad.plan_{plan.status}", f"plan/{plan.id}", plan=plan.id)
    if len(useless) >= REPEATED:
        yield line("bad.repeated", *(f"plan/{each.id}" for each in useless), plans=len(useless))
    for plan in seen.records.plans:
        if plan.plan is None:
            yield line("bad.altered", f"plan/{plan.id}", plan=plan.id)


def _waited(seen: Seen) -> Iterator[Line]:
    for plan in seen.records.plans:
        if plan.status == "expired":
            yield line("bad.expired", f"plan/{plan.id}", plan=plan.id)
            continue
        until = plan.decided_at if plan.decided_at is not None else seen.records.now
        if (plan.decided_at is not None or plan.status == "proposed") and until - plan.created_at > APPROVE_S:
            yield line("bad.waited", f"plan/{plan.id}", plan=plan.id, length=length(until - plan.created_at))


def _left(seen: Seen) -> Iterator[Line]:
    for plan in seen.records.plans:
        for step in plan.steps:
            if step["state"] == "not_undone":
                yield line("bad.not_undone", f"step/{plan.id}/{step['step_id']}", action=step["action"], target=step["target"])  # fmt: skip
        for effect in plan.effects:
            if effect["state"] == "unknown":
                yield line("bad.effect_unknown", f"effect/{effect['key']}", action=effect["action"], target=effect["target"])  # fmt: skip


def _again(seen: Seen) -> Iterator[Line]:
    rows = seen.records.of_kind("came_back", "reopened")
    if rows:
        yield line("bad.again", *(f"timeline/{each['id']}" for each in rows), times=len(rows))


def _long(seen: Seen) -> Iterator[Line]:
    seconds = seen.times.repair_seconds
    if seconds is not None and seconds >= RESTORE_TARGET_S:
        yield line("bad.long", seen.records.key, length=length(seconds), target=RESTORE_TARGET_S / 60)
