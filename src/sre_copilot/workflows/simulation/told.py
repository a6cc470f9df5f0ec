"""Actions, messages and tasks of a simulation: each is noted, and none is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sre_copilot.durable.port import Durable
from sre_copilot.workflows.ports import PlanState, Proposal, Told
from sre_copilot.workflows.steps.people import topic_of


@dataclass(frozen=True, slots=True)
class Would:
    """What would have been done: `kind` is action, notify or human."""

    step: str
    kind: str
    text: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class NoDeeds:
    """Plans that are taken to have succeeded, messages that are taken to have arrived; each is noted."""

    known: tuple[str, ...] = ()
    would: list[Would] = field(default_factory=list)

    def propose(self, proposal: Proposal, *, key: str) -> str:
        """Note an action."""
        detail = {
            "target": proposal.target.key,
            "parameters": dict(proposal.parameters),
            "reason": proposal.reason,
        }
        step = key.partition("/")[2]
        self.would.append(Would(step, "action", f"{proposal.action} on {proposal.target.key}", detail))
        return f"simulated {len(self.would)}"

    def outcome(self, plan_id: str) -> PlanState:
        """It is taken to have been approved, and to have helped."""
        return PlanState(plan_id=plan_id, status="succeeded", over=True, reason="only simulated")

    def withdraw(self, plan_id: str, *, who: str) -> None:
        """There is none."""

    def withdraw_all(self, run: str, *, who: str) -> None:
        """There are none."""

    def receivers(self) -> Sequence[str]:
        """All that a workflow names."""
        return self.known

    def tell(self, receivers: Sequence[str], told: Told, *, key: str) -> int:
        """Note a message."""
        detail = {"receivers": list(receivers), "text": told.text, "severity": told.severity}
        self.would.append(Would(told.step, "notify", told.title, detail))
        return len(receivers)


@dataclass
class NoPeople:
    """Tasks that are answered at once: by what was given for a step, else by defaults, else by the first choice (`true` of a yes or no)."""

    durable: Durable
    would: list[Would]
    answers: Mapping[str, Mapping[str, Any]]
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)

    def ask(self, row: Mapping[str, Any]) -> bool:
        """Answer it."""
        given = self.answers.get(str(row["step"]).rpartition(".")[2], {})
        answer = {each["name"]: given.get(each["name"], _assumed(each)) for each in row["form"]}
        assumed = sorted(set(answer) - set(given))
        detail = {"answer": answer, "assumed": assumed, "text": row["body"]}
        self.would.append(Would(str(row["step"]), "human", str(row["title"]), detail))
        self.tasks[row["id"]] = {**row, "status": "answered", "answer": answer, "answered_by": "simulation"}
        message = {"answer": answer, "by": "simulation", "answered": True, "at": row["created_at"]}
        self.durable.send(row["run_key"], topic_of(str(row["step"])), message, idempotency_key=str(row["id"]))
        return True

    def get(self, key: str) -> dict[str, Any]:
        """How a run stands."""
        return {"status": self.tasks.get(f"ended {key}", {"status": "running"})["status"]}

    def task(self, key: str) -> dict[str, Any] | None:
        """One task."""
        return self.tasks.get(key)

    def close(self, key: str, *, now: float) -> bool:
        """It is answered."""
        return False

    def handed_on(self, key: str) -> None:
        """The run has heard of it."""

    def finish(self, key: str, status: str, *, now: float, outputs: Mapping[str, Any] | None = None, error: str = "") -> bool:  # fmt: skip
        """A run is over."""
        self.tasks[f"ended {key}"] = {"status": status, "outputs": dict(outputs or {}), "error": error}
        return True


def _assumed(field: Mapping[str, Any]) -> Any:
    if field["default"] is not None:
        return field["default"]
    if field["choices"]:
        return field["choices"][0]
    return {"boolean": True, "integer": 0, "number": 0.0, "list": [], "object": {}}.get(field["type"], "")
