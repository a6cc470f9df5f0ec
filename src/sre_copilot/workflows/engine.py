"""The engine: one durable workflow, `workflow.1`, which interprets the text that it was started with.

All it does between steps is to look at their results and to choose what comes next; each step's outcome is kept with the time at which it was over,
which is the only clock that the engine knows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import takewhile
from typing import Any

from sre_copilot.durable.port import Durable, Run, StepFailed
from sre_copilot.errors import UsageError
from sre_copilot.workflows.branching import NAME, Branching, Stopped
from sre_copilot.workflows.cel import ExpressionProblem, compiled, holds
from sre_copilot.workflows.frames import TOGETHER, Frame, Outcome, found
from sre_copilot.workflows.order import waves
from sre_copilot.workflows.spec import Step
from sre_copilot.workflows.steps.doing import Doing
from sre_copilot.workflows.steps.order import Order
from sre_copilot.workflows.steps.waiting import WAITS
from sre_copilot.workflows.templates import bare

MOST_ITEMS = 500  # of one foreach
LOOKS = frozenset({"tool", "query", "check", "set"})
"""Steps that change nothing: what they gave is kept together with what those after them gave, and they are done again when the process dies before."""
PASSING = ("StoreError", "DurableError", "BusError")  # what passes: the step is tried again
AGAIN_S = (
    0.5,
    1.0,
    2.0,
    5.0,
    10.0,
    30.0,
    60.0,
    120.0,
)  # pauses then: together as long as a database may be away


class Engine:
    """Runs workflows on durable runs."""

    def __init__(self, durable: Durable, doing: Doing) -> None:
        self.durable, self.doing = durable, doing
        durable.register(NAME, self.run)

    def run(self, run: Run, *, frame: Mapping[str, Any]) -> dict[str, Any]:
        """The durable workflow."""
        walk = Walk(run, Frame.of(frame), self)
        ended = walk.whole()
        return dict(walk.ended or walk.surely("end", self.doing.end, walk.frame, walk.scope, ended))


class Walk(Branching):
    """One run, or one branch, on its way."""

    def __init__(self, run: Run, frame: Frame, engine: Engine) -> None:
        self.run, self.frame, self.engine, self.doing = run, frame, engine, engine.doing
        self.now = frame.now
        self.ended: Mapping[str, Any] | None = None
        """How the run was ended, where that was kept with its last steps."""
        spec = frame.spec
        about = {"id": frame.run, "workflow": frame.workflow, "version": frame.version, "by": frame.who}
        self.scope: dict[str, Any] = {
            "inputs": frame.inputs, "consts": spec.consts, "trigger": frame.trigger, "run": about,
            "steps": dict(frame.steps), **frame.loop,
        }  # fmt: skip

    def whole(self) -> dict[str, Any]:
        """All its steps: `status`, `error`, what its branches want to know of them."""
        frame, spec = self.frame, self.frame.spec
        before = set(frame.steps)
        try:
            if frame.whole:
                paths = [f"workflow.steps[{place}]" for place in range(len(spec.steps))]
                paths += [f"workflow.actions[{place}]" for place in range(len(spec.actions))]
                self.sequence(tuple(zip(paths, spec.sequence, strict=True)), whole=True)
            elif frame.loop.get("body") == frame.at:
                return self._body_alone()
            else:
                self._inner(frame.at)
        except Stopped as stopped:
            own = {name: value for name, value in self.scope["steps"].items() if name not in before}
            return {"status": stopped.outcome.status, "error": str(stopped), "steps": own, "at": self.now}
        own = {name: value for name, value in self.scope["steps"].items() if name not in before}
        return {"status": "succeeded", "error": "", "steps": own, "at": self.now}

    def _inner(self, at: str) -> None:
        inner = found(self.frame.text, at)
        if len(inner) == 1 and inner[0][0] == at:
            self.step(*inner[0])
        else:
            self.sequence(inner)

    def _body_alone(self) -> dict[str, Any]:
        """One item of a foreach."""
        ((path, step),) = found(self.frame.text, self.frame.at)
        outcome = self._caught(lambda: self._body(path, step, self.frame.label + step.name))
        return {"status": outcome.status, "error": outcome.error, "output": outcome.output, "at": self.now}

    def sequence(self, steps: Sequence[tuple[str, Step]], *, whole: bool = False) -> None:
        """Steps of one list, each after what it needs; `whole`: the run is over with them."""
        left = waves([step for _, step in steps])
        while left:
            looks = [steps[wave[0]] for wave in takewhile(lambda wave: self._only_looks(steps, wave), left)]
            over, last = 1, whole and len(looks) == len(left)
            if len(looks) > 1 or last:
                over = self._at_one_go(looks, last=last)
            elif len(left[0]) == 1:
                self.step(*steps[left[0][0]])
            else:
                self._side_by_side([steps[place] for place in left[0]])
            left = left[over:]

    def step(self, path: str, step: Step) -> None:
        """One step."""
        self._over(step, self._caught(lambda: self._step(path, step, self.frame.label + step.name)))

    def _over(self, step: Step, outcome: Outcome) -> None:
        self.scope["steps"][step.name] = outcome.seen
        if not outcome.good and step.on_failure == "stop":
            raise Stopped(step.name, outcome)

    def _only_looks(self, steps: Sequence[tuple[str, Step]], wave: Sequence[int]) -> bool:
        """Whether nothing comes of it when a step is done twice, so that it need not be kept before the next is begun."""
        step = steps[wave[0]][1]
        known = self.frame.label + step.name in self.frame.kept
        return len(wave) == 1 and step.kind in LOOKS and step.foreach is None and not known

    def _at_one_go(self, steps: Sequence[tuple[str, Step]], *, last: bool) -> int:
        """Steps that only look, kept together, with the end of the run when they are the last; how many of them are over."""
        orders = [
            self.order(path, step, self.frame.label + step.name, until=self.until(step))
            for path, step in steps
        ]
        name = f"{orders[0].label}{TOGETHER}"
        if last:
            both = self.run.step(name, self.doing.to_the_end, orders)
            kept, self.ended = (both, None) if isinstance(both, list) else (both["over"], both["ended"])
        else:
            kept = self.run.step(name, self.doing.one_after_the_other, orders)
        for order, each in zip(orders, kept, strict=False):
            first = Outcome.of(each["outcome"])
            self._over(order.step, self._caught(partial(self._tried, order, first)))
        return len(kept)

    def _tried(self, order: Order, first: Outcome) -> Outcome:
        """A step after its first attempt."""
        if first.good or not first.again:
            return first
        return self._asked(order.path, order.step, order.label, first=first)

    def until(self, step: Step) -> float:
        """When a step that begins now has to be over."""
        limit = step.timeout_seconds
        return min(self.frame.deadline, self.now + limit) if limit is not None else self.frame.deadline

    def failed(self, problem: str, *, status: str = "failed") -> Outcome:
        """A step that failed now."""
        return Outcome.of({"status": status, "error": problem, "began": self.now, "at": self.now})

    def surely(self, name: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """A step of our own, tried again while the database is away."""
        for pause in (*AGAIN_S, None):
            try:
                return self.run.step(name, function, *arguments)
            except StepFailed as error:
                if pause is None or error.kind not in PASSING:
                    raise
                self.run.sleep(pause)
                self.now += pause
        raise AssertionError("not reached")

    def receive(self, topic: str, until: float) -> Any:
        """A message, or None at that time."""
        seconds = max(0.0, until - self.now)
        message = self.run.receive(topic, seconds)
        if message is None:
            self.now += seconds
        elif isinstance(message, dict):
            self.now = max(self.now, float(message.get("at", self.now)))
        return message

    def order(self, path: str, step: Step, label: str, *, until: float, attempt: int = 1) -> Order:
        """What is to be done for a step."""
        return Order(
            frame=self.frame,
            path=path,
            step=step,
            label=label,
            scope=self.scope,
            until=until,
            key=self.run.key,
            attempt=attempt,
        )

    def _caught(self, do: Callable[[], Outcome]) -> Outcome:
        try:
            outcome = do()
        except ExpressionProblem as problem:
            return self.failed(str(problem))
        except StepFailed as error:
            return self.failed(f"{error.kind}: {error.problem}")
        except UsageError as problem:
            return self.failed(str(problem))
        self.now = max(self.now, outcome.at)
        return outcome

    def _step(self, path: str, step: Step, label: str) -> Outcome:
        if step.condition is not None and not self._holds(label, step.condition):
            if step.otherwise is not None:
                return self._block(f"{path}.else", step)
            return Outcome(status="skipped", began=self.now, at=self.now)
        if step.foreach is not None:
            return self._each(path, step, label)
        return self._body(path, step, label)

    def _body(self, path: str, step: Step, label: str) -> Outcome:
        if step.kind == "block":
            return self._block(f"{path}.steps", step)
        if step.kind == "parallel":
            return self._parallel(path, step, label)
        if (kept := self.frame.kept.get(label)) is not None:
            return Outcome.of({**kept, "began": self.now, "at": self.now})
        wait = WAITS.get(step.kind)
        return wait(self, path, step, label) if wait is not None else self._asked(path, step, label)

    def _asked(self, path: str, step: Step, label: str, *, first: Outcome | None = None) -> Outcome:
        """A step that answers at once, tried again as it says; `first` is what its first attempt gave, where that was made."""
        until = self.until(step)
        outcome = self.failed("was never begun")
        for attempt in range(1, step.retry.attempts + 1):
            order = self.order(path, step, label, until=until, attempt=attempt)
            outcome = first or Outcome.of(self.run.step(label, self.doing.do, order))
            first = None
            self.now = max(self.now, outcome.at)
            if attempt == 1 and step.timeout_seconds is not None:
                until = min(self.frame.deadline, outcome.began + step.timeout_seconds)
            pause = min(step.retry.most, step.retry.delay * step.retry.factor ** (attempt - 1))
            if (
                outcome.good
                or not outcome.again
                or attempt == step.retry.attempts
                or self.now + pause >= until
            ):
                break
            self.run.sleep(pause)
            self.now += pause
        return outcome

    def _block(self, path: str, step: Step) -> Outcome:
        began, inner, outer = self.now, found(self.frame.text, path), self.frame
        self.frame = replace(outer, deadline=self.until(step))
        try:
            self.sequence(inner)
        except Stopped as stopped:
            return Outcome(status=stopped.outcome.status, error=str(stopped), began=began, at=self.now)
        finally:
            self.frame = outer
        output = {each.name: self.scope["steps"].get(each.name, {}).get("output") for _, each in inner}
        return Outcome(status="succeeded", output=output, began=began, at=self.now)

    def _parallel(self, path: str, step: Step, label: str) -> Outcome:
        names = list(step.parallel or {})
        ended = self._branches(
            label,
            [(f"{path}.parallel.{name}", self.frame.label, None) for name in names],
            until=self.until(step),
        )
        output = {}
        for name, each in zip(names, ended, strict=True):
            self.scope["steps"].update(each.get("steps", {}))
            output[name] = {key: value.get("output") for key, value in each.get("steps", {}).items()}
        return self._together(ended, output)

    def _holds(self, label: str, expression: str) -> bool:
        text = bare(expression)
        if compiled(text).in_no_order:
            return bool(self.run.step(f"{label}:if", holds, text, self.scope))
        return holds(text, self.scope)

    def _items(self, step: Step, label: str) -> list[Any]:
        items = self.run.step(f"{label}:items", self.doing.items, step.foreach, self.scope)
        if len(items) > MOST_ITEMS:
            raise UsageError(
                f"foreach: has {len(items)} items, and at most {MOST_ITEMS} are allowed. Filter them before."
            )
        return list(items)
