"""Branches of a run: steps side by side, and the items of a list. Each branch is a durable run of its own, and tells the run that began it how it ended."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sre_copilot.durable.port import Run
from sre_copilot.workflows.frames import Frame, Outcome
from sre_copilot.workflows.spec import Step
from sre_copilot.workflows.steps.doing import Doing
from sre_copilot.workflows.steps.nested import started
from sre_copilot.workflows.steps.walking import GRACE_S

NAME = "workflow.1"
LOOK_EVERY_S = 300.0  # whether a branch that says nothing still lives


class Stopped(Exception):  # noqa: N818 - no error of the program: a step has failed that stops the workflow
    """A step has failed, and the workflow does not go on."""

    def __init__(self, step: str, outcome: Outcome) -> None:
        self.step, self.outcome = step, outcome
        super().__init__(f"{step}: {outcome.error}")


class Branching(ABC):
    """What a run on its way does in branches."""

    run: Run
    frame: Frame
    doing: Doing
    now: float
    scope: dict[str, Any]

    @abstractmethod
    def until(self, step: Step) -> float:
        """When a step that begins now has to be over."""

    @abstractmethod
    def failed(self, problem: str, *, status: str = "failed") -> Outcome:
        """A step that failed now."""

    @abstractmethod
    def surely(self, name: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """A step of our own, tried again while the database is away."""

    @abstractmethod
    def receive(self, topic: str, until: float) -> Any:
        """A message, or None at that time."""

    @abstractmethod
    def _items(self, step: Step, label: str) -> list[Any]: ...

    @abstractmethod
    def _body(self, path: str, step: Step, label: str) -> Outcome: ...

    @abstractmethod
    def _caught(self, do: Callable[[], Outcome]) -> Outcome: ...

    def _side_by_side(self, steps: Sequence[tuple[str, Step]]) -> None:
        """Steps that need nothing of each other, each in a branch."""
        label = self.frame.label + "+".join(step.name for _, step in steps)[:80]
        until = max(self.until(step) for _, step in steps)
        ended = self._branches(label, [(path, self.frame.label, None) for path, _ in steps], until=until)
        for (_, step), each in zip(steps, ended, strict=True):
            missing = {step.name: self.failed(each.get("error", "")).seen}
            self.scope["steps"].update(each.get("steps") or missing)
        for (_, step), each in zip(steps, ended, strict=True):
            if each["status"] != "succeeded" and step.on_failure == "stop":
                raise Stopped(step.name, self.failed(each["error"], status=each["status"]))

    def _each(self, path: str, step: Step, label: str) -> Outcome:
        items = self._items(step, label)
        loops = [{"item": item, "index": index, "body": path} for index, item in enumerate(items)]
        if step.concurrency > 1 and len(items) > 1:
            branches = [(path, f"{label}[{index}].", loop) for index, loop in enumerate(loops)]
            ended = self._branches(label, branches, until=self.until(step), limit=step.concurrency)
            return self._together(ended, [each.get("output") for each in ended])
        return self._one_by_one(path, step, label, loops)

    def _one_by_one(self, path: str, step: Step, label: str, loops: Sequence[Mapping[str, Any]]) -> Outcome:
        began, outputs, until = self.now, list[Any](), self.until(step)
        outer, before = self.frame, dict(self.scope)
        for index, loop in enumerate(loops):
            self.scope = {**before, "steps": dict(before["steps"]), **loop}
            self.frame = replace(outer, label=f"{label}[{index}].", deadline=until)
            outcome = self._caught(lambda: self._body(path, step, self.frame.label + step.name))
            self.frame, self.scope = outer, before
            outputs.append(outcome.output)
            if not outcome.good:
                return Outcome(
                    status=outcome.status,
                    error=f"[{index}] {outcome.error}",
                    output=outputs,
                    began=began,
                    at=self.now,
                )
        return Outcome(status="succeeded", output=outputs, began=began, at=self.now)

    def _together(self, ended: Sequence[Mapping[str, Any]], output: Any) -> Outcome:
        bad = [each for each in ended if each["status"] != "succeeded"]
        if not bad:
            return Outcome(status="succeeded", output=output, began=self.now, at=self.now)
        problem = "; ".join(dict.fromkeys(str(each["error"]) for each in bad))[:2000]
        return Outcome(status=bad[0]["status"], error=problem, output=output, began=self.now, at=self.now)

    def _branches(
        self,
        label: str,
        branches: Sequence[tuple[str, str, Mapping[str, Any] | None]],
        *,
        until: float,
        limit: int = 50,
    ) -> list[Mapping[str, Any]]:
        """Branches at the same time, at most so many; how each ended."""
        topic, ended, begun = f"{label}:ended", dict[int, Mapping[str, Any]](), 0
        while len(ended) < len(branches):
            while begun < len(branches) and begun - len(ended) < limit:
                at, prefix, loop = branches[begun]
                frame = self.frame.branch(
                    at, prefix, steps=self.scope["steps"], now=self.now, deadline=until, parent=self.run.key, topic=topic,
                    place=begun, loop={**self.frame.loop, **loop} if loop else None,
                )  # fmt: skip
                self.surely(
                    f"{label}:start {begun}",
                    started,
                    self.doing,
                    NAME,
                    frame,
                    f"{self.run.key}/{label}/{begun}",
                )
                begun += 1
            message = self.receive(topic, min(until + GRACE_S, self.now + LOOK_EVERY_S))
            if message is not None:
                ended[int(message["place"])] = message
            elif self.now >= until + GRACE_S:
                break
            else:
                self._missing(label, begun, ended)
        return [
            ended.get(place, {"status": "timed_out", "error": "took too long"})
            for place in range(len(branches))
        ]

    def _missing(self, label: str, begun: int, ended: dict[int, Mapping[str, Any]]) -> None:
        """Branches that ended without a word: their process gave them up."""
        waiting = [place for place in range(begun) if place not in ended]
        keys = [f"{self.run.key}/{label}/{place}" for place in waiting]
        dead = self.surely(f"{label}:look", self.doing.dead, keys)
        for place, key in zip(waiting, keys, strict=True):
            if key in dead:
                ended[place] = {"status": "failed", "error": f"a branch ended: {dead[key]}"}
