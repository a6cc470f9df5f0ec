"""Does what a step asks for, in a thread of its own and in time; whatever happens is an outcome that can be kept."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from time import monotonic
from typing import Any, Protocol

from sre_copilot.clock import Clock
from sre_copilot.durable.port import Durable
from sre_copilot.errors import SreCopilotError, UsageError
from sre_copilot.store.workflow_runs import UNFINISHED, RunStore
from sre_copilot.telemetry import log
from sre_copilot.workflows.cel import ExpressionProblem, evaluate, holds
from sre_copilot.workflows.frames import Frame, Outcome
from sre_copilot.workflows.ports import Ports
from sre_copilot.workflows.providers import ActionCall
from sre_copilot.workflows.steps.asking import ANSWERS, NotAnswered
from sre_copilot.workflows.steps.order import Order
from sre_copilot.workflows.templates import bare, fill

MOST_OUTPUT = 256_000  # characters of a step's output as JSON: it is kept, and carried into every branch
MOST_LATE = 32  # calls that ran out of time and are still at work; more would eat the machine
TOGETHER_S = 0.5  # what people who look on do not see of steps that are kept together
COMPUTED = ("set", "fail")  # they ask nobody, and expressions have limits of their own
_log = log(__name__)


class Began(Protocol):
    """Starts another workflow from a step; gives the id of its run."""

    def __call__(self, order: Order) -> str: ...


class Doing:
    """What steps are done with."""

    def __init__(self, ports: Ports, runs: RunStore, durable: Durable, clock: Clock) -> None:
        self.ports, self.runs, self.durable, self.clock = ports, runs, durable, clock
        self.begin: Began | None = None
        self.cancel: Callable[[str], object] = lambda run: None
        self._late: list[threading.Thread] = []
        self._lock = threading.Lock()

    def do(self, order: Order) -> dict[str, Any]:
        """One attempt of a step that answers at once."""
        began = self.clock.now()
        try:
            answer = ANSWERS[order.step.kind]
            computed = order.step.kind in COMPUTED and order.until > began
            output = (
                answer(order, self.ports, began)
                if computed
                else self._in_time(lambda: answer(order, self.ports, began), order.until - began)
            )
            found = Outcome(status="succeeded", output=_kept(output), began=began, at=self.clock.now())
        except TimeoutError as error:
            found = self._failed(began, str(error), status="timed_out", again=True)
        except NotAnswered as error:
            found = self._failed(began, str(error), again=error.again)
        except (ExpressionProblem, UsageError) as error:
            found = self._failed(began, str(error), again=False)
        except SreCopilotError as error:
            found = self._failed(began, str(error), again=True)
        except Exception as error:  # noqa: BLE001 - the step is the place where whatever happens becomes an outcome
            _log.exception("a step of a workflow failed", workflow=order.frame.workflow, step=order.label)
            found = self._failed(began, f"{type(error).__name__}: {error}", again=True)
        return Outcome.of({**found.as_json(), "attempt": order.attempt}).as_json()

    def one_after_the_other(self, orders: Sequence[Order]) -> list[dict[str, Any]]:
        """Steps that only look, each with what those before it gave: as many as begin within half a second, and none after one that failed.

        For each that is over its `label` and its `outcome`.
        """
        return self._looked(orders)[0]

    def to_the_end(self, orders: Sequence[Order]) -> dict[str, Any]:
        """The same for the last steps of a run, which is ended with them when all of them went well: `over` as above, and `ended`, None when there is more to do."""
        over, scope = self._looked(orders)
        well = len(over) == len(orders) and all(Outcome.of(each["outcome"]).good for each in over)
        if not well:
            return {"over": over, "ended": None}
        ended = {"status": "succeeded", "error": "", "at": over[-1]["outcome"]["at"]}
        try:
            return {"over": over, "ended": self.end(orders[0].frame, scope, ended)}
        except SreCopilotError as error:  # the database was away: the end is a step of its own then
            _log.warning("a run is ended later", workflow=orders[0].frame.workflow, problem=str(error))
            return {"over": over, "ended": None}

    def _looked(self, orders: Sequence[Order]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """How each ended, and what expressions see after it."""
        over: list[dict[str, Any]] = []
        scope = {**orders[0].scope, "steps": dict(orders[0].scope["steps"])}
        enough = monotonic() + TOGETHER_S
        for order in orders:
            limit, now = order.step.timeout_seconds, self.clock.now()
            until = min(order.frame.deadline, now + limit) if limit is not None else order.frame.deadline
            found = self._if_wanted(replace(order, scope=scope, until=until), now)
            over.append({"label": order.label, "outcome": found})
            outcome = Outcome.of(found)
            scope["steps"][order.step.name] = outcome.seen
            if not outcome.good or monotonic() >= enough:
                break
        return over, scope

    def _if_wanted(self, order: Order, now: float) -> dict[str, Any]:
        condition = order.step.condition
        try:
            wanted = condition is None or holds(bare(condition), order.scope)
        except ExpressionProblem as problem:
            return self._failed(now, str(problem), again=False).as_json()
        return self.do(order) if wanted else Outcome(status="skipped", began=now, at=now).as_json()

    def end(self, frame: Frame, scope: Mapping[str, Any], ended: Mapping[str, Any]) -> dict[str, Any]:
        """A run, or a branch, is over: keep what it gives, and tell whoever waits."""
        now = self.clock.now()
        found = {**ended, "at": now, "place": frame.place}
        if frame.whole:
            found |= self._outputs(frame, scope, ended)
            ended_now = self.runs.finish(
                frame.run, found["status"], now=now, outputs=found["output"], error=found["error"]
            )
            if not ended_now and (row := self.runs.get(frame.run)) is not None:  # what was told first counts
                found |= {"status": row["status"], "output": row["outputs"], "error": row["error"]}
            found.pop("steps", None)
            if self.ports.decide is not None and any(
                isinstance(step.provider, ActionCall) for _, step in frame.spec.walk()
            ):
                self.ports.decide.withdraw_all(frame.run, who=f"workflow {frame.workflow}")
        if frame.parent:
            key = f"{frame.run}/{frame.label}/{frame.topic}/{frame.place}"
            self.durable.send(frame.parent, frame.topic, found, idempotency_key=key)
        return {"status": found["status"], "at": now}

    def over(self, run: str) -> bool:
        """Whether a run has ended, be it from outside: what one of its steps has begun meanwhile is to be ended, too."""
        row = self.runs.get(run)
        return row is None or row["status"] not in UNFINISHED

    def items(self, foreach: Any, scope: Mapping[str, Any]) -> list[Any]:
        """What a foreach goes through."""
        written = fill(foreach, scope) if isinstance(foreach, list) else evaluate(bare(foreach), scope)
        if isinstance(written, dict):
            return [{"key": key, "value": written[key]} for key in sorted(written)]
        if not isinstance(written, list):
            raise UsageError("foreach: gives no list. Write an expression that gives a list or a map.")
        return written

    def dead(self, keys: Sequence[str]) -> dict[str, str]:
        """Of these durable runs those that ended without a word, and how; one that succeeded has told, and its word is on the way."""
        states = {key: self.durable.state(key) for key in keys}
        return {
            key: "it is not there" if state is None else state.error or state.status
            for key, state in states.items()
            if state is None or state.status in ("failed", "cancelled")
        }

    def _outputs(self, frame: Frame, scope: Mapping[str, Any], ended: Mapping[str, Any]) -> dict[str, Any]:
        if ended["status"] != "succeeded":
            return {"output": {}, "status": ended["status"], "error": ended["error"]}
        try:
            return {"output": _kept(fill(frame.spec.outputs, scope)), "status": "succeeded", "error": ""}
        except (ExpressionProblem, NotAnswered) as problem:
            return {"output": {}, "status": "failed", "error": f"outputs: {problem}"}

    def _failed(self, began: float, problem: str, *, again: bool, status: Any = "failed") -> Outcome:
        return Outcome(status=status, error=problem[:4000], began=began, at=self.clock.now(), again=again)

    def _in_time(self, call: Callable[[], Any], seconds: float) -> Any:
        """Call in a thread, and go on without it when it takes too long."""
        if seconds <= 0:
            raise TimeoutError("its time was over before it began")
        with self._lock:
            self._late = [thread for thread in self._late if thread.is_alive()]
            if len(self._late) >= MOST_LATE:
                raise NotAnswered(f"{MOST_LATE} calls that ran out of time are still at work")
        answers: list[Any] = []
        raised: list[BaseException] = []
        thread = threading.Thread(
            target=_into, args=(call, answers, raised), name="workflow-step", daemon=True
        )
        thread.start()
        thread.join(seconds)
        if raised:
            raise raised[0]
        if answers:
            return answers[0]
        with self._lock:
            self._late.append(thread)
        raise TimeoutError(f"no answer within {seconds:.0f} s")


def _into(call: Callable[[], Any], answers: list[Any], raised: list[BaseException]) -> None:
    try:
        answers.append(call())
    except BaseException as error:  # noqa: BLE001 - raised again where it was asked for
        raised.append(error)


def _kept(output: Any) -> Any:
    """The output as it is kept."""
    try:
        size = len(json.dumps(output, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise NotAnswered(f"its output cannot be kept: {error}", again=False) from None
    if size > MOST_OUTPUT:
        raise NotAnswered(f"its output is larger than {MOST_OUTPUT} characters; ask for less", again=False)
    return output
