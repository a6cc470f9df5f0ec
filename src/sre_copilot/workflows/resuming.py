"""What a run that did not succeed leaves to the one that goes on with it, and who may see what came of both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from sre_copilot.durable.port import Durable
from sre_copilot.settings.section import ROLES, Role
from sre_copilot.store.workflow_runs import RunStore
from sre_copilot.workflows.logs import is_outcome, walked

RESUMES = "resumes"
"""Under which name of a run's trigger the run stands that it goes on with."""
BEGAN = ("propose", "start")  # what steps began outside of their run: a plan, another workflow
MOST_EARLIER = 100  # runs that one goes back to


@dataclass(frozen=True, slots=True)
class Left:
    """`kept` are outcomes of steps that succeeded, `begun` what those that did not have begun: the id of a plan, or of a run."""

    kept: dict[str, Any] = field(default_factory=dict)
    begun: dict[str, Any] = field(default_factory=dict)


def left_by(durable: Durable, store: RunStore, run: str) -> Left:
    """What a run leaves, and what those left to it that it went on with: of what they had finished it keeps no step of its own."""
    left = Left()
    for each in reversed([run, *_resumed(store, run)]):
        for step in walked(durable, each):
            label, _, what = step.name.rpartition(":")
            if is_outcome(step) and step.result["status"] == "succeeded":
                left.kept[step.name] = step.result
            elif what in BEGAN and isinstance(step.result, dict) and "problem" not in step.result:
                left.begun[label] = step.result
    return Left(left.kept, {label: each for label, each in left.begun.items() if label not in left.kept})


def role_that_sees(store: RunStore, row: Mapping[str, Any]) -> Role | None:
    """The highest role that anything in a run was read with: its own, and those of the runs that it goes on with or was begun by; None when one is not kept any more."""
    roles, rest, seen = [row["role"]], list(_before(row["trigger"])), {row["id"]}
    while rest:
        key = rest.pop()
        if key in seen:
            continue
        seen.add(key)
        before = store.get(key) if len(seen) <= MOST_EARLIER else None
        if before is None:
            return None
        roles.append(before["role"])
        rest += _before(before["trigger"])
    return cast("Role", max(roles, key=ROLES.index))


def _resumed(store: RunStore, run: str) -> list[str]:
    found: list[str] = []
    row = store.get(run)
    while row is not None and len(found) < MOST_EARLIER and (before := row["trigger"].get(RESUMES)):
        found.append(before)
        row = store.get(before)
    return found


def _before(trigger: Mapping[str, Any]) -> Iterator[str]:
    if trigger.get(RESUMES):
        yield trigger[RESUMES]
    if trigger.get("type") == "workflow" and trigger.get("run"):
        yield trigger["run"]
