"""What should be done next, by rules: each follow-up names the record that asks for it."""

from __future__ import annotations

from collections.abc import Iterator

from sre_copilot.incidents.postmortem.cause import last, outcome_of, unseen
from sre_copilot.incidents.postmortem.model import Line, Section, line, named
from sre_copilot.incidents.postmortem.records import Records
from sre_copilot.incidents.postmortem.rules import DID_NOT_HELP, NOBODY, Seen
from sre_copilot.incidents.statistics.targets import DETECT_TARGET_S


def follow_ups(records: Records) -> Section:
    """What should be done next."""
    seen = Seen.of(records)
    rules = (
        _signals,
        _silent_cause,
        _late,
        _runbook,
        _owner,
        _receivers,
        _on_call,
        _repairs,
        _state,
        _word,
        _topology,
    )
    found = tuple(each for rule in rules for each in rule(seen))
    return Section(name="follow_ups", lines=found or (line("follow.none", records.key),))


def _signals(seen: Seen) -> Iterator[Line]:
    """Telemetry that the investigation lacked."""
    for modality, _ in unseen(seen.records):
        yield line("follow.signal", *last(seen.records), modality=modality)
    if outcome_of(seen.records) == "inconclusive" and not unseen(seen.records):
        yield line("follow.inconclusive", *last(seen.records))


def _silent_cause(seen: Seen) -> Iterator[Line]:
    """The culprit itself raised no alert: what should have fired did not."""
    cause = str(seen.records.diagnosis.get("cause", ""))
    if outcome_of(seen.records) != "fault" or not cause:
        return
    alerted = {str(row["service"]) for row in seen.records.kinds} | set(seen.records.incident["services"])
    if cause not in alerted:
        yield line("follow.alert", *last(seen.records), seen.records.key, cause=cause, alerted=named(sorted(each for each in alerted if each)) or "–")  # fmt: skip


def _late(seen: Seen) -> Iterator[Line]:
    if seen.times.detection_seconds >= DETECT_TARGET_S:
        first = min(seen.records.alerts, key=lambda each: each["starts_at"], default=None)
        key = f"alert/{first['fingerprint']}" if first else seen.records.key
        yield line("follow.late", key, name=first["labels"].get("alertname", "") if first else "–")


def _runbook(seen: Seen) -> Iterator[Line]:
    fault_type = str(seen.records.diagnosis.get("fault_type", ""))
    origins = [each.plan.origin for each in seen.records.plans if each.plan is not None]
    written = seen.records.covering or [each for each in origins if each.startswith(("card:", "sop:"))]
    if outcome_of(seen.records) == "fault" and fault_type and not written:
        yield line("follow.runbook", *last(seen.records), fault_type=fault_type)


def _owner(seen: Seen) -> Iterator[Line]:
    if seen.woken and not seen.owner:
        yield line("follow.owner", seen.records.key, services=named(list(seen.records.incident["services"])) or "–")  # fmt: skip


def _receivers(seen: Seen) -> Iterator[Line]:
    failed: dict[str, list[str]] = {}
    for row in seen.records.messages:
        if row["status"] == "failed":
            failed.setdefault(row["receiver"], []).append(f"notification/{row['id']}")
    for receiver, keys in failed.items():
        yield line("follow.receiver", *keys[:3], receiver=receiver)


def _on_call(seen: Seen) -> Iterator[Line]:
    rows = [each for each in seen.records.happenings if each["key"] in NOBODY]
    policies = list(dict.fromkeys(str(each["params"].get("policy", "")) for each in rows))
    if rows:
        yield line(
            "follow.on_call", *(f"timeline/{each['id']}" for each in rows[:3]), policies=named(policies)
        )


def _repairs(seen: Seen) -> Iterator[Line]:
    for plan in seen.plans(*DID_NOT_HELP):
        actions = list(dict.fromkeys(step.action.name for step in plan.plan.steps)) if plan.plan else []
        yield line("follow.repair", f"plan/{plan.id}", plan=plan.id, actions=named(actions) or "–")
    if outcome_of(seen.records) == "fault" and not seen.records.plans:
        yield line("follow.no_plan", *last(seen.records))


def _state(seen: Seen) -> Iterator[Line]:
    """What somebody must look at by hand, for nobody can tell in what state it is."""
    for plan in seen.records.plans:
        open_ = [each["target"] for each in plan.steps if each["state"] == "not_undone"]
        open_ += [each["target"] for each in plan.effects if each["state"] == "unknown"]
        if open_:
            yield line("follow.state", f"plan/{plan.id}", targets=named(list(dict.fromkeys(open_))))


def _word(seen: Seen) -> Iterator[Line]:
    """Nobody has said yet whether it was real: precision and learning rest on that."""
    if seen.over and seen.woken and not seen.records.hidden and not seen.records.judgements:
        yield line("follow.judge", seen.records.key, incident=str(seen.records.incident["id"]))


def _topology(seen: Seen) -> Iterator[Line]:
    unknown = list((seen.records.incident["blast_radius"] or {}).get("unknown", ()))
    if unknown:
        yield line("follow.topology", seen.records.key, services=named(unknown))
