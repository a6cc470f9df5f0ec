"""Workflows in a test: every port as a fake that says what it was asked, and a bench that runs them by hand under a turned clock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sre_copilot.clock import TurnedClock
from sre_copilot.domain.evidence import Check
from sre_copilot.durable.port import Durable
from sre_copilot.errors import UsageError
from sre_copilot.settings.section import Role
from sre_copilot.store.database import Database, sqlite_url
from sre_copilot.store.paging import Row
from sre_copilot.store.workflow_runs import RunStore
from sre_copilot.store.workflows import WorkflowStore
from sre_copilot.testing.durable import MemoryDurable
from sre_copilot.workflows.collection import Collection
from sre_copilot.workflows.ports import Answered, Asker, PlanState, Ports, Proposal, Thought, Told
from sre_copilot.workflows.runs import Runs
from sre_copilot.workflows.steps.doing import Doing

NOW = 1_800_000_000.0


@dataclass
class FakeTools:
    """Answers by the name of the tool; a list is worked off, one answer a call, and its last stays."""

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    askers: list[Asker] = field(default_factory=list)

    def names(self) -> Sequence[str]:
        """Tools there are."""
        return tuple(self.answers)

    def schema(self, name: str) -> Mapping[str, Any] | None:
        """Any argument fits."""
        return {"type": "object"} if name in self.answers else None

    def use(self, name: str, arguments: Mapping[str, Any], *, asker: Asker) -> Answered:
        """The next answer."""
        self.asked.append((name, dict(arguments)))
        self.askers.append(asker)
        answer = self.answers.get(name, Answered(outcome="error", problem=f"there is no tool {name}"))
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, Exception):
            raise answer
        found = answer(arguments) if callable(answer) else answer
        return found if isinstance(found, Answered) else Answered(outcome="success", output=found)


@dataclass
class FakeChecks:
    """Holds what its function says."""

    judge: Callable[[Check], Answered] = lambda check: Answered(
        outcome="success", output={"holds": True, "value": 1.0, "reason": ""}
    )
    asked: list[Check] = field(default_factory=list)

    def check(self, check: Check, *, asker: Asker) -> Answered:
        """Judge it."""
        self.asked.append(check)
        return self.judge(check)


@dataclass
class FakeDecide:
    """Plans by key; a test says how they end."""

    proposals: dict[str, Proposal] = field(default_factory=dict)
    states: dict[str, PlanState] = field(default_factory=dict)
    withdrawn: list[str] = field(default_factory=list)
    known: tuple[str, ...] = ("kubernetes.rollout_restart",)

    def propose(self, proposal: Proposal, *, key: str) -> str:
        """A plan of each key."""
        if proposal.action not in self.known:
            raise UsageError(f"action {proposal.action!r}: is not in the catalogue.")
        if key not in self.proposals:
            self.proposals[key] = proposal
            plan = f"PLAN-{len(self.proposals)}"
            self.states[plan] = PlanState(plan_id=plan, status="proposed", over=False)
        return f"PLAN-{list(self.proposals).index(key) + 1}"

    def outcome(self, plan_id: str) -> PlanState:
        """How it stands."""
        return self.states[plan_id]

    def settle(self, plan_id: str, status: str, reason: str = "") -> None:
        """Let it be over."""
        self.states[plan_id] = replace(self.states[plan_id], status=status, over=True, reason=reason)

    def withdraw(self, plan_id: str, *, who: str) -> None:
        """Take it back."""
        if self.states[plan_id].status == "proposed":
            self.withdrawn.append(plan_id)
            self.settle(plan_id, "cancelled", f"taken back by {who}")

    def withdraw_all(self, run: str, *, who: str) -> None:
        """Take back what a run has proposed and nobody has decided on."""
        for number, key in enumerate(self.proposals, 1):
            if key.startswith(f"{run}/") and self.states[f"PLAN-{number}"].status == "proposed":
                self.withdraw(f"PLAN-{number}", who=who)


@dataclass
class FakeTell:
    """Notes what people are told, once for each key."""

    told: dict[str, tuple[tuple[str, ...], Told]] = field(default_factory=dict)
    known: tuple[str, ...] = ("oncall", "lead")

    def receivers(self) -> Sequence[str]:
        """Receivers there are."""
        return self.known

    def tell(self, receivers: Sequence[str], told: Told, *, key: str) -> int:
        """Note it."""
        if unknown := sorted(set(receivers) - set(self.known)):
            raise UsageError(f"receiver {unknown[0]!r}: is not configured.")
        self.told.setdefault(key, (tuple(receivers), told))
        return len(receivers)


@dataclass
class FakeModel:
    """Gives one answer, or None."""

    answer: str | None = None
    asked: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def ask(
        self,
        question: str,
        material: Mapping[str, Any],
        *,
        choices: Sequence[str] = (),
        model: str = "",
        asker: Asker,
    ) -> Thought | None:
        """The answer."""
        self.asked.append((question, material))
        return None if self.answer is None else Thought(answer=self.answer, model="fake")


class Bench:
    """Workflows on fakes, in memory but for the store; nothing moves until the clock is turned."""

    def __init__(
        self, folder: Path, *, database: Database | None = None, durable: Durable | None = None
    ) -> None:
        self.clock = TurnedClock(NOW)
        self.memory = MemoryDurable(self.clock)
        self.tools, self.checks, self.decide, self.tell, self.model = (
            FakeTools(),
            FakeChecks(),
            FakeDecide(),
            FakeTell(),
            FakeModel(),
        )
        self.database = database or Database(sqlite_url(folder))
        self.store = RunStore(self.database)
        self.collection = Collection(WorkflowStore(self.database), self.clock)
        ports = Ports(
            tools=self.tools, checks=self.checks, decide=self.decide, tell=self.tell, model=self.model
        )
        runs = durable or self.memory
        self.doing = Doing(ports, self.store, runs, self.clock)
        self.runs = Runs(self.collection, self.store, runs, self.doing, self.clock)
        self.memory.launch()

    def without(self, **gone: Any) -> Bench:
        """Let ports be missing."""
        self.doing.ports = replace(self.doing.ports, **gone)
        return self

    def start(self, text: str, inputs: Mapping[str, Any] | None = None, *, role: Role = "responder") -> str:
        """Apply and start; the id of the run."""
        workflow = self.collection.apply(text, who="ann").workflow.id
        return self.runs.start(workflow, inputs or {}, who="ann", role=role).run

    def settled(self, run: str) -> Row:
        """Turn the clock until nothing waits, and look at the run."""
        self.memory.run_until_idle()
        return self.runs.get(run)

    def after(self, seconds: float) -> None:
        """Let so much time pass."""
        self.memory.run_until(self.clock.now() + seconds)

    def close(self) -> None:
        """End."""
        self.database.close()


def counted() -> tuple[Callable[[Mapping[str, Any]], dict[str, Any]], list[Mapping[str, Any]]]:
    """A tool that counts its calls."""
    calls: list[Mapping[str, Any]] = []
    lock = threading.Lock()

    def tool(arguments: Mapping[str, Any]) -> dict[str, Any]:
        with lock:
            calls.append(arguments)
            return {"number": len(calls)}

    return tool, calls
