"""What the steps of a plan would do now, as their executors say; nothing is changed. On a page that people wait for, within a time: a target that hangs keeps nobody."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sre_copilot.action.catalogue import Catalogue
from sre_copilot.action.executor import ActionError, Preview
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import PlanStep
from sre_copilot.errors import SreCopilotError
from sre_copilot.telemetry import clean

WITHIN_S = (
    3.0  # for all steps together: longer than a system that is well takes, and short for a person who waits
)
AT_ONCE = 20  # as many as a page shows; looks that a server has under way: those that hang fill it up, and no more are begun
LONGEST_PROBLEM = 500  # characters of what a system said


def step_difference(catalogue: Catalogue, step: PlanStep) -> dict[str, Any]:
    """What a step would do now, and whether its target is as it was when the plan was made."""
    action = step.action
    shown: dict[str, Any] = {"step": step.id, "action": action.name, "target": action.target.key}
    try:
        executor = catalogue.executor(action)
        looked, preview = executor.look(action), executor.preview(action)
    except ActionError as error:
        return {**shown, "changed": None, "difference": [], "objections": [], "problem": clean(str(error))}
    changed = bool(step.state) and looked.digest != step.state
    return {**shown, "changed": changed, "problem": "", **_previewed(preview)}


@dataclass
class _Look:
    """A look at a target that is under way, or is over."""

    began: float
    over: threading.Event = field(default_factory=threading.Event)
    found: Mapping[str, Any] | None = None


class Previews:
    """Looks at the targets of steps, all at once and in threads of their own; what has not answered in time is said to have not.

    A look that hangs is not begun a second time: whoever asks for it again is told at once.

    Parameters
    ----------
    catalogue : asked for in those threads, for executors take their time to be made
    within_s : seconds for all steps together
    at_once : looks that may be under way, whoever waits for them
    """

    def __init__(
        self, catalogue: Callable[[], Catalogue], *, within_s: float = WITHIN_S, at_once: int = AT_ONCE
    ) -> None:
        self._catalogue, self._within_s, self._at_once = catalogue, within_s, at_once
        self._under_way: dict[tuple[str, str], _Look] = {}
        self._lock, self._making = threading.Lock(), threading.Lock()

    def of(self, plan_id: str, steps: Iterable[PlanStep]) -> dict[str, Mapping[str, Any] | Message]:
        """By its id, what each step would do now (as `step_difference`), or why that could not be had."""
        until = time.monotonic() + self._within_s
        looks = {step.id: self._look(plan_id, step) for step in steps}
        return {key: self._answer(look, until) for key, look in looks.items()}

    def _look(self, plan_id: str, step: PlanStep) -> _Look | None:
        """The look at a step: the one that is under way, or a new one; None where too many hang."""
        key = (plan_id, step.id)
        with self._lock:
            if (known := self._under_way.get(key)) is not None:
                return known
            if len(self._under_way) >= self._at_once:
                return None
            look = self._under_way[key] = _Look(time.monotonic())
        threading.Thread(target=self._run, args=(key, look, step), name="preview", daemon=True).start()
        return look

    def _run(self, key: tuple[str, str], look: _Look, step: PlanStep) -> None:
        try:
            with self._making:  # once, however many ask at first
                catalogue = self._catalogue()
            look.found = step_difference(catalogue, step)
        except SreCopilotError as error:  # what is configured cannot be used
            look.found = {"problem": clean(str(error)), "changed": None, "difference": [], "objections": []}
        finally:
            with self._lock:
                self._under_way.pop(key, None)
            look.over.set()

    def _answer(self, look: _Look | None, until: float) -> Mapping[str, Any] | Message:
        if look is None:
            return Message(key="approval.preview.busy")
        look.over.wait(max(0.0, min(until, look.began + self._within_s) - time.monotonic()))
        if not look.over.is_set():
            return Message(key="approval.preview.late", params=(("seconds", self._within_s),))
        if look.found is None:  # the look broke off; the log of the thread says how
            return Message(key="approval.preview.broke")
        problem = str(look.found["problem"])[:LONGEST_PROBLEM]
        return (
            Message(key="approval.preview.problem", params=(("problem", problem),)) if problem else look.found
        )


def _previewed(preview: Preview) -> dict[str, Any]:
    return {
        "difference": list(preview.difference),
        "objections": [{"key": each.key, "params": dict(each.params)} for each in preview.objections],
        "checked_by_target": preview.checked_by_target,
    }
