"""Durable runs in this process, by hand: deterministic, with a clock that is turned, so that a day of retries passes in a millisecond.

A run goes on until it has to wait; it is then begun again from its records, as after a crash: a workflow whose way depends on
anything but its arguments and the results of its steps is found out here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sre_copilot.clock import TurnedClock
from sre_copilot.durable.kept import as_json, told
from sre_copilot.durable.port import RunState, RunStatus, StepFailed, StepState, Workflow
from sre_copilot.errors import DurableError

STEP = "step "  # before the name of a step in what is kept
MOST_WAKES = 100_000  # in one call: more is a workflow that never ends


class _Suspended(BaseException):
    """The run has to wait; no workflow catches this."""


@dataclass(slots=True)
class _Record:
    """What is kept of a run."""

    key: str
    workflow: str
    arguments: dict[str, Any]
    lane: str
    number: int
    status: RunStatus = "waiting"
    started_at: float | None = None
    finished_at: float | None = None
    result: Any = None
    error: str = ""
    done: list[tuple[str, Any]] = field(default_factory=list)
    inbox: list[tuple[str, Any]] = field(default_factory=list)
    heard: set[str] = field(default_factory=set)
    wake_at: float | None = None
    topic: str | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more happens."""
        return self.status in ("succeeded", "failed", "cancelled")


class MemoryDurable:
    """`durable.port.Durable` in memory; nothing moves until `run_due`, `run_until` or `run_until_idle` is called.

    `calls` counts how often each step of each run was really called: `calls["key", "step"]`.
    """

    def __init__(self, clock: TurnedClock) -> None:
        self.clock = clock
        self.calls: Counter[tuple[str, str]] = Counter()
        self._workflows: dict[str, tuple[Workflow, int | None]] = {}
        self._records: dict[str, _Record] = {}
        self._to_crash: set[str] = set()
        self._launched = False

    def register(self, name: str, workflow: Workflow, *, lane_limit: int | None = None) -> None:
        """Make a workflow known."""
        if self._launched:
            raise DurableError(f"workflow {name!r}: is registered after launch. Register it before.")
        self._workflows[name] = (workflow, lane_limit)

    def launch(self) -> None:
        """Let runs begin."""
        self._launched = True

    def start(self, name: str, arguments: Mapping[str, Any], *, key: str, lane: str = "") -> bool:
        """Start a run, once: False when there is one with this key."""
        if name not in self._workflows:
            raise DurableError(f"workflow {name!r}: is not registered here. Register it before launch.")
        if key in self._records:
            return False
        kept = as_json(dict(arguments), what=f"arguments of {name!r}")
        self._records[key] = _Record(key, name, kept, lane, len(self._records))
        return True

    def state(self, key: str) -> RunState | None:
        """How a run is doing; None when there is none."""
        record = self._records.get(key)
        if record is None:
            return None
        return RunState(
            key=key,
            workflow=record.workflow,
            status=record.status,
            started_at=record.started_at,
            finished_at=record.finished_at,
            result=record.result,
            error=record.error,
            executor="memory" if record.started_at is not None else "",
        )

    def states(self) -> tuple[RunState, ...]:
        """All runs in the order of their start."""
        return tuple(state for key in self._records if (state := self.state(key)) is not None)

    def steps(self, key: str) -> tuple[StepState, ...]:
        """The steps of a run that are over, in the order in which it asked for them; their times are not kept."""
        record = self._records.get(key)
        return (
            tuple(_step(what, outcome) for what, outcome in record.done if what.startswith(STEP))
            if record
            else ()
        )

    def cancel(self, key: str) -> bool:
        """Let it end before its next step; False when it has ended already, or is not there."""
        record = self._records.get(key)
        if record is None or record.ended:
            return False
        self._end(record, "cancelled")
        return True

    def send(self, key: str, topic: str, value: Any, *, idempotency_key: str) -> None:
        """Tell a run something, once for each idempotency key."""
        record = self._records.get(key)
        if record is None:
            raise DurableError(f"run {key!r}: is not there, so that nothing can be sent to it.")
        if idempotency_key not in record.heard:
            record.heard.add(idempotency_key)
            record.inbox.append((topic, as_json(value, what=f"message {topic!r} to {key!r}")))

    def close(self) -> None:
        """Let nothing begin until the next launch; what is kept stays."""
        self._launched = False

    def crash_in(self, step: str) -> None:
        """Lose the result of the next call of a step of this name: as if the process died after the effect and before its record."""
        self._to_crash.add(step)

    def run_due(self) -> int:
        """Do all that can be done without turning the clock; how often a run moved."""
        moved = 0
        while self._launched and (record := self._next_due()) is not None:
            self._advance(record)
            moved += 1
            if moved > MOST_WAKES:
                raise DurableError(f"run {record.key!r}: does not come to a rest.")
        return moved

    def run_until(self, moment: float) -> None:
        """Do all that is due until a moment, at the times at which it is due, and turn the clock to it."""
        self.run_due()
        while (wake := self._next_wake()) is not None and wake <= moment:
            self._turn_to(wake)
            self.run_due()
        self._turn_to(moment)

    def run_until_idle(self, clock: TurnedClock | None = None) -> float:
        """Do everything, and turn the clock through every wait until no run is left that waits; the time at which it is over."""
        if clock is not None and clock is not self.clock:
            raise DurableError("clock: another one than these runs have. Give the same to both.")
        self.run_due()
        for _ in range(MOST_WAKES):
            if (wake := self._next_wake()) is None:
                return self.clock.now()
            self._turn_to(wake)
            self.run_due()
        raise DurableError(f"{MOST_WAKES} waits have passed, and there is still one: a workflow never ends.")

    def _turn_to(self, moment: float) -> None:
        self.clock._now = max(self.clock._now, moment)

    def _next_wake(self) -> float | None:
        waiting = (each.wake_at for each in self._records.values() if self._may_move(each))
        return min((moment for moment in waiting if moment is not None), default=None)

    def _next_due(self) -> _Record | None:
        return next(
            (each for each in self._records.values() if self._may_move(each) and self._due(each)), None
        )

    def _due(self, record: _Record) -> bool:
        told = record.topic is not None and any(topic == record.topic for topic, _ in record.inbox)
        return told or record.wake_at is None or record.wake_at <= self.clock.now()

    def _may_move(self, record: _Record) -> bool:
        return not record.ended and (record.started_at is not None or self._lane_is_free(record))

    def _lane_is_free(self, record: _Record) -> bool:
        limit = self._workflows[record.workflow][1]
        if limit is None:
            return True
        ahead = (
            each
            for each in self._records.values()
            if (each.workflow, each.lane) == (record.workflow, record.lane) and not each.ended
        )
        return sum(1 for each in ahead if each.number < record.number) < limit

    def _advance(self, record: _Record) -> None:
        if record.started_at is None:
            record.started_at = self.clock.now()
            record.status = "running"
        workflow, _ = self._workflows[record.workflow]
        try:
            result = workflow(_Run(self, record), **json.loads(json.dumps(record.arguments)))
            kept = as_json(result, what=f"result of {record.workflow!r}")
        except _Suspended:
            return
        except Exception as error:  # noqa: BLE001 - whatever a workflow raises is its run's end, and recorded
            self._end(record, "failed", error=told(error))
        else:
            self._end(record, "succeeded", result=kept)

    def _end(self, record: _Record, status: RunStatus, *, result: Any = None, error: str = "") -> None:
        if not record.ended:
            record.status, record.result, record.error = status, result, error
            record.finished_at = self.clock.now()
            record.wake_at = record.topic = None


def _step(what: str, outcome: Any) -> StepState:
    failed = f"{outcome['kind']}: {outcome['error']}" if "error" in outcome else ""
    return StepState(name=what.removeprefix(STEP), result=outcome.get("result"), error=failed)


class _Run:
    """A run's hands: what is recorded is given back, the rest is done or waited for."""

    def __init__(self, durable: MemoryDurable, record: _Record) -> None:
        self._durable = durable
        self._record = record
        self._place = 0

    @property
    def key(self) -> str:
        """Key of the run."""
        return self._record.key

    def step(self, name: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function once."""
        recorded, outcome = self._recorded(STEP + name)
        if not recorded:
            outcome = self._call(name, function, arguments)
        if "error" in outcome:
            raise StepFailed(name, kind=outcome["kind"], problem=outcome["error"])
        return outcome["result"]

    def sleep(self, seconds: float) -> None:
        """Wait."""
        recorded, _ = self._recorded("sleep")
        if not recorded:
            self._wait(seconds, topic=None)
            self._record_it("sleep", None)

    def receive(self, topic: str, timeout_seconds: float) -> Any:
        """Wait for a message."""
        recorded, value = self._recorded("receive " + topic)
        if not recorded:
            told, value = self._take(topic)
            if not told:
                self._wait(timeout_seconds, topic=topic)
            self._record_it("receive " + topic, value)
        return value

    def _call(self, name: str, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        self._stop_when_ended()
        self._durable.calls[self.key, name] += 1
        try:
            outcome = {"result": as_json(function(*arguments), what=f"result of step {name!r}")}
        except Exception as error:  # noqa: BLE001 - whatever a step raises is its outcome, and recorded
            outcome = {"error": str(error), "kind": type(error).__name__}
        if name in self._durable._to_crash:
            self._durable._to_crash.remove(name)
            raise _Suspended
        self._record_it(STEP + name, outcome)
        self._stop_when_ended()
        return outcome

    def _take(self, topic: str) -> tuple[bool, Any]:
        for place, (about, value) in enumerate(self._record.inbox):
            if about == topic:
                del self._record.inbox[place]
                return True, value
        return False, None

    def _wait(self, seconds: float, *, topic: str | None) -> None:
        now, record = self._durable.clock.now(), self._record
        if record.wake_at is None:
            record.wake_at, record.topic = now + max(0.0, seconds), topic
        if record.wake_at > now:
            raise _Suspended
        record.wake_at = record.topic = None

    def _recorded(self, what: str) -> tuple[bool, Any]:
        self._stop_when_ended()
        if self._place == len(self._record.done):
            return False, None
        name, value = self._record.done[self._place]
        if name != what:
            raise DurableError(
                f"run {self.key!r}: asks for {what!r} where it had asked for {name!r}. "
                "A workflow's way may depend on its arguments and on results of its steps alone."
            )
        self._place += 1
        return True, json.loads(json.dumps(value))

    def _record_it(self, what: str, value: Any) -> None:
        self._record.done.append((what, value))
        self._record.wake_at = self._record.topic = None
        self._place += 1

    def _stop_when_ended(self) -> None:
        if self._record.ended:
            raise _Suspended
