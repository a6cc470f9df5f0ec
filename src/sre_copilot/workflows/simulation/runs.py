"""Durable runs that begin and end at once, in one thread and in memory: what waits, waits for no time."""

from __future__ import annotations

import json
import math
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from sre_copilot.durable.port import RunState, StepFailed, StepState, Workflow
from sre_copilot.errors import DurableError

MOST_STEPS = 20_000  # of a simulation: what goes on longer is left


class SimulatedClock:
    """Stands at the time of the incident, and is moved by waits."""

    def __init__(self, start: float) -> None:
        self._now = start

    def now(self) -> float:
        """Epoch seconds UTC."""
        return self._now

    def set(self, moment: float) -> None:
        """Move it."""
        self._now = moment

    def wait(self, seconds: float, until: threading.Event) -> bool:
        """Let time pass."""
        self._now += seconds
        return until.is_set()


@dataclass
class AtOnce:
    """Runs by key; a branch that is begun is over when `start` returns, and what it tells waits for whoever began it."""

    clock: SimulatedClock
    states: dict[str, RunState] = field(default_factory=dict)
    kept: dict[str, list[StepState]] = field(default_factory=lambda: defaultdict(list))
    told: dict[tuple[str, str], deque[Any]] = field(default_factory=lambda: defaultdict(deque))
    workflows: dict[str, Workflow] = field(default_factory=dict)
    count: int = 0
    until: float = math.inf
    """Until when it may take, by the clock of the process: no step begins later."""

    def register(self, name: str, workflow: Workflow, *, lane_limit: int | None = None) -> None:
        """Make a workflow known."""
        self.workflows[name] = workflow

    def launch(self) -> None:
        """There is nothing to begin."""

    def start(self, name: str, arguments: Mapping[str, Any], *, key: str, lane: str = "") -> bool:
        """Run it to its end; the clock of the others goes back to where it was, for they are at the same time."""
        if key in self.states:
            return False
        now = self.clock.now()
        result = self.workflows[name](OneRun(key, self), **json.loads(json.dumps(dict(arguments))))
        self.states[key] = RunState(
            key=key, workflow=name, status="succeeded", started_at=now, finished_at=self.clock.now(), result=result
        )  # fmt: skip
        self.clock.set(now)
        return True

    def state(self, key: str) -> RunState | None:
        """How a run ended."""
        return self.states.get(key)

    def steps(self, key: str) -> tuple[StepState, ...]:
        """Its steps."""
        return tuple(self.kept[key])

    def cancel(self, key: str) -> bool:
        """All are over already."""
        return False

    def send(self, key: str, topic: str, value: Any, *, idempotency_key: str) -> None:
        """Tell a run something."""
        self.told[key, topic].append(json.loads(json.dumps(value)))

    def close(self) -> None:
        """There is nothing to end."""


@dataclass
class OneRun:
    """A run on its way."""

    key: str
    all: AtOnce

    def step(self, name: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call, and keep what came of it."""
        self.all.count += 1
        if self.all.count > MOST_STEPS:
            raise DurableError(f"the simulation has more than {MOST_STEPS} steps. Give it fewer items.")
        if monotonic() > self.all.until:
            raise DurableError("the simulation takes too long. Give it fewer items, or shorter windows.")
        began = self.all.clock.now()
        try:
            result = function(*arguments)
        except Exception as error:
            raise StepFailed(name, kind=type(error).__name__, problem=str(error)) from error
        self.all.kept[self.key].append(
            StepState(name=name, result=result, started_at=began, finished_at=self.all.clock.now())
        )
        return json.loads(json.dumps(result))

    def sleep(self, seconds: float) -> None:
        """The clock goes on, and nobody waits."""
        self.all.clock.set(self.all.clock.now() + max(0.0, seconds))

    def receive(self, topic: str, timeout_seconds: float) -> Any:
        """What was told; without it the time is over."""
        waiting = self.all.told[self.key, topic]
        if waiting:
            message = waiting.popleft()
            moment = message.get("at") if isinstance(message, dict) else None
            if isinstance(moment, (int, float)):
                self.all.clock.set(max(self.all.clock.now(), float(moment)))
            return message
        self.sleep(timeout_seconds)
        return None
