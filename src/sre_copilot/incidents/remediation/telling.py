"""What the timeline of an incident says of a repair, and what people are handed in the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Plan
from sre_copilot.incidents.report.words import say
from sre_copilot.store.alerting.happenings import REMEDIATION, happened
from sre_copilot.store.paging import Row


def tell(
    connection: Connection, plan: Plan, key: str, *, now: float, who: str = "sre-copilot", **params: Any
) -> None:
    """Add to the timeline of the plan's incident, in the caller's transaction; a reason is kept as a sentence, to be said in the reader's language."""
    happened(
        connection, plan.incident_id, REMEDIATION, key,
        at=now, who=who, params={"plan": plan.id, **params}, data={"plan_id": plan.id},
    )  # fmt: skip


def place_of(target: str) -> str:
    """The key of a target as people read it: the action names the executor already, and what is empty is left out."""
    return "/".join(part for part in target.split("/")[1:] if part) or target


TOLD: Mapping[str, tuple[str, frozenset[str]]] = {
    "acting": ("action.started", frozenset({"waiting", "preparing"})),
    "watching": ("action.finished", frozenset({"acting", "verifying"})),
    "failed": ("action.failed", frozenset({"preparing", "acting", "verifying", "watching"})),
    "undone": ("action.undone", frozenset({"undoing"})),
    "not_undone": ("action.not_undone", frozenset({"undoing"})),
}
"""States of a step that the timeline tells of, and from which state on: one that is come to again after a crash is not told again."""


def tell_step(connection: Connection, plan: Plan, step: Row, state: str, *, now: float, reason: Any) -> None:
    """Say that a step has come to a state, where people are told of that one."""
    key, before = TOLD.get(state, ("", frozenset()))
    if step["state"] not in before:
        return
    said = {"action": step["action"], "target": place_of(step["target"]), "step": step["step_id"]}
    if reason and state in ("failed", "not_undone"):
        key, said["reason"] = f"{key}_because", dict(reason)
    tell(connection, plan, key, now=now, **said)


def message_of(plain: Mapping[str, Any]) -> Message | None:
    """A sentence out of JSON."""
    if not plain.get("key"):
        return None
    return Message(key=str(plain["key"]), params=tuple(dict(plain.get("params") or {}).items()))


def reason_text(plain: Mapping[str, Any]) -> str:
    """A reason as a sentence, for where text alone is kept."""
    message = message_of(plain)
    return say(message, "en") if message else ""


def handed_over(
    plan: Plan,
    status: str,
    failure: Mapping[str, Any],
    undone: Mapping[str, str],
    *,
    steps: Sequence[Row],
    effects: Sequence[Row],
) -> dict[str, Any]:
    """Everything that is known, for whoever takes over: what was done, what came of it, what was taken back, and in what state things are."""
    return {
        "plan_id": plan.id,
        "title": {"key": plan.title.key, "params": dict(plan.title.params)},
        "incident_id": plan.incident_id,
        "attempt": plan.attempt,
        "status": status,
        "entity": plan.entity,
        "fault_type": plan.fault_type,
        "failure": dict(failure),
        "undone": dict(undone),
        "left": sorted(step for step, way in undone.items() if way == "left"),
        "steps": [_step(row) for row in steps],
        "effects": [_effect(row) for row in effects],
    }


def _step(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in ("step_id", "state", "action", "target", "reason", "seen")}


def _effect(row: Row) -> dict[str, Any]:
    names = ("key", "action", "target", "state", "attempts", "started_at", "ended_at", "effect", "problem")
    return {name: row[name] for name in names}
