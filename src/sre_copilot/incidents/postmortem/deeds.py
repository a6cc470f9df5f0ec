"""What was done about an incident: who approved it, what was carried out, verified and taken back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sre_copilot.domain.evidence import Message
from sre_copilot.incidents.postmortem.model import Line, Section, line
from sre_copilot.incidents.postmortem.records import PlanRecord, Records
from sre_copilot.incidents.postmortem.rules import recovery_checks
from sre_copilot.incidents.postmortem.story import votes
from sre_copilot.incidents.remediation.telling import place_of
from sre_copilot.incidents.report.words import has
from sre_copilot.store.paging import Row

STEP_STATES = ("done", "failed", "undone", "not_undone", "waiting")
DONE_BY_HAND = ("resolved", "severity", "merged", "split", "snoozed", "assigned")
"""Kinds of the timeline that are deeds of people, where they name who."""


def actions(records: Records) -> Section:
    """Plans with votes, steps and outcome; those on its services that were not made for it; then what people did by hand."""
    found = [each for plan in records.plans for each in of_plan(plan)]
    found += _refused(records)
    if not records.plans:
        found.append(line("actions.no_plan", records.key))
    if records.beside:
        found.append(line("actions.beside", records.key, count=len(records.beside)))
    found += [each for plan in records.beside for each in of_plan(plan)]
    found += _by_hand(records)
    return Section(name="actions", lines=tuple(found))


def of_plan(plan: PlanRecord) -> Iterator[Line]:
    """A plan from its proposal to its end."""
    key = f"plan/{plan.id}"
    if plan.plan is None:
        yield line("plan.altered", key, at=plan.created_at, plan=plan.id)
    else:
        title = plan.plan.title
        yield line("actions.plan", key, at=plan.created_at, who=plan.plan.requester, plan=plan.id, attempt=plan.plan.attempt)  # fmt: skip
        yield Line(sentence=title, rests_on=(key,))
    yield from votes(plan)
    yield from (_step(plan, row) for row in plan.steps)
    yield from _effects(plan)
    yield from _ended(plan)


def _step(plan: PlanRecord, row: Row) -> Line:
    state = row["state"] if row["state"] in STEP_STATES else "under_way"
    rests_on = [f"step/{plan.id}/{row['step_id']}"]
    rests_on += [f"effect/{each['key']}" for each in plan.effects if each["step_id"] == row["step_id"]]
    at = row["ended_at"] or row["began_at"]
    return line(f"step.{state}", *rests_on, at=at, step=row["step_id"], action=row["action"], target=place_of(row["target"]))  # fmt: skip


def _effects(plan: PlanRecord) -> Iterator[Line]:
    """Effects of which nobody can tell whether they took place."""
    for each in plan.effects:
        if each["state"] in ("unknown", "intended"):
            yield line(
                "effect.unknown",
                f"effect/{each['key']}",
                action=each["action"],
                target=place_of(each["target"]),
            )


def _ended(plan: PlanRecord) -> Iterator[Line]:
    key, run = f"plan/{plan.id}", plan.run
    end = plan.updated_at if run is None or run["ended_at"] is None else run["ended_at"]
    yield line(
        f"status.{plan.status}", key, *([f"remediation/{plan.id}"] if run else []), at=end, plan=plan.id
    )
    reason = _message(run["reason"]) if run else None
    if reason is not None:
        yield Line(sentence=reason, rests_on=(f"remediation/{plan.id}",))
    elif plan.reason and plan.status != "succeeded":
        yield line("actions.reason", key, reason=plan.reason)
    if plan.status == "succeeded":
        yield _verified(plan)
    yield from (
        line("step.left", f"remediation/{plan.id}", step=step) for step in (run or {"known": {}})["known"].get("left", ())
    )  # fmt: skip


def _verified(plan: PlanRecord) -> Line:
    recovery = recovery_checks(plan)
    if not recovery:
        return line("actions.not_verified", f"plan/{plan.id}", plan=plan.id)
    window = plan.plan.verify_seconds if plan.plan else 0.0
    return line(
        "actions.verified", f"remediation/{plan.id}", f"plan/{plan.id}", signals=recovery, window=window
    )


def _refused(records: Records) -> list[Line]:
    """What was asked for and refused, from the audit."""
    return [
        line("actions.refused", f"audit/{each['id']}", at=each["at"], who=each["who"], verb=each["verb"], subject=each["subject"])
        for each in records.audit
        if each["outcome"] == "refused"
    ]  # fmt: skip


def _by_hand(records: Records) -> list[Line]:
    found = [each for each in records.of_kind(*DONE_BY_HAND) if each["who"]]
    plain = [
        (each, {k: v for k, v in each["params"].items() if isinstance(v, str | int | float)})
        for each in found
    ]
    return [
        Line(sentence=Message(key=each["key"], params=tuple(params.items())), rests_on=(f"timeline/{each['id']}",), at=each["at"], who=each["who"])
        for each, params in plain
    ]  # fmt: skip


def _message(plain: Mapping[str, Any]) -> Message | None:
    key = str(plain.get("key") or "")
    return Message(key=key, params=tuple(dict(plain.get("params") or {}).items())) if has(key) else None
