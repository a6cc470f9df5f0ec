"""The course of a repair, as a durable run: between its steps it only decides, from what they returned.

backup → perform → verify the target → watch the signals → next; when something goes wrong, what was done is taken back in reverse, and verified too; then
statistics, a further diagnosis and plan, and in the end people.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sre_copilot.durable.port import Run, StepFailed
from sre_copilot.incidents.remediation.steps import Steps
from sre_copilot.incidents.remediation.tickets import Tickets
from sre_copilot.settings.acting.remediation import Remediation

WORKFLOW = "remediate.1"
CONTROL = "control"
AFTER_FAULT_S = 5.0  # pause when a step could not be recorded or its store did not answer
MOST_FAULTS = 60  # in a row: five minutes without a store; then the run fails, and is looked after
Kind = Literal["refused", "failed", "unknown", "not_verified", "signals", "cancelled", "switch"]
AGAIN: tuple[Kind, ...] = ("failed", "not_verified", "signals")
"""After these the incident is diagnosed again; the others are people's to judge."""
WISHED: Mapping[str, Kind] = {"remediation.cancelled": "cancelled", "remediation.switch": "switch"}
"""Refusals that say what a person wants, as at the gate before a step."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a plan does not go on, and at which step."""

    kind: Kind
    reason: Mapping[str, Any]
    step: str = ""
    seen: Mapping[str, Any] | None = None

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "kind": self.kind,
            "reason": dict(self.reason),
            "step": self.step,
            "seen": dict(self.seen or {}),
        }


class Course:
    """Carries one plan out; every run of it takes the same way from the same results."""

    def __init__(self, steps: Steps, settings: Remediation, tickets: Tickets | None = None) -> None:
        self._steps, self._settings, self._tickets = steps, settings, tickets

    def __call__(self, run: Run, *, plan: str) -> dict[str, Any]:
        """From the beginning to the end, whatever that is."""
        course = _sure(run, "begin", self._steps.begin, plan)
        done: list[str] = []
        failure = self._with_ticket(run, plan, course) or self._forward(run, plan, course, done)
        if failure is None:
            ended = _sure(run, "succeed", self._steps.succeed, plan)
            self._tell_ticket(run, plan, course)
            return dict(ended)
        undone = self._back(run, plan, done, failure)
        ended = _sure(run, "end", self._steps.end, plan, failure.plain(), undone)
        if ended["again"]:
            ended["next"] = self._further(run, plan)
        if not ended.get("next"):
            _sure(run, "hand over", self._steps.hand_over, plan)
        self._tell_ticket(run, plan, course)
        return dict(ended)

    # -- the ticket ---------------------------------------------------------------------------------------------------

    def _with_ticket(self, run: Run, plan: str, course: Mapping[str, Any]) -> Failure | None:
        """Open the ticket of a plan that has one; only where it is required does anything depend on it."""
        ticket = course.get("ticket")
        if self._tickets is None or not ticket:
            return None
        found: Mapping[str, Any] = {}
        for number in range(self._settings.attempts):
            found = self._try(run, f"ticket {number}", self._tickets.open, plan)
            if found["outcome"] == "done" or (found["outcome"] != "wait" and not ticket["required"]):
                break
            run.sleep(min(max(float(found["wait_s"] or 0.0), 0.1), AFTER_FAULT_S))
        if found["outcome"] == "done" or not ticket["required"]:
            return None
        reason = found["reason"] or {}
        kind = WISHED.get(reason.get("key", ""), "refused")
        required = {"key": "remediation.ticket_required", "params": {"reason": reason}}
        return Failure(kind, required if kind == "refused" else reason)

    def _tell_ticket(self, run: Run, plan: str, course: Mapping[str, Any]) -> None:
        """Tell the ticket what came of the plan: the last thing that is done, so that nothing waits for it."""
        if self._tickets is None or not course.get("ticket"):
            return
        for number in range(self._settings.attempts):
            last = number + 1 == self._settings.attempts
            if self._try(run, f"ticket outcome {number}", self._tickets.finish, plan, last).get("done"):
                return
            if not last:
                run.sleep(AFTER_FAULT_S)

    # -- forward ------------------------------------------------------------------------------------------------------

    def _forward(self, run: Run, plan: str, course: Mapping[str, Any], done: list[str]) -> Failure | None:
        since = float(course["at"])
        for each in course["steps"]:
            failure = self._gate(run, plan, each["id"])
            if failure is None:
                failure, since = self._step(run, plan, each, done, since)
            if failure is not None:
                return failure
        return self._watch(run, plan, "", since, float(course["verify_seconds"]))

    def _gate(self, run: Run, plan: str, step: str) -> Failure | None:
        """Whether a person, or the switch, wants something else than the next step."""
        look = 0
        while (asked := _sure(run, f"gate {step} {look}", self._steps.gate, plan, step))["go"] == "pause":
            look += 1
            if run.receive(CONTROL, self._settings.longest_pause_seconds) is None:
                late = asked["reason"] or {"key": "remediation.paused_too_long", "params": {}}
                return Failure("cancelled", late, step)
        if asked["go"] == "on":
            return None
        return Failure(asked["go"], asked["reason"], step)

    def _step(
        self, run: Run, plan: str, each: Mapping[str, Any], done: list[str], since: float
    ) -> tuple[Failure | None, float]:
        step = str(each["id"])
        prepared = _sure(run, f"prepare {step}", self._steps.prepare, plan, step)
        if prepared["outcome"] == "refused":
            return _failure(prepared, step), since
        performed = self._perform(run, plan, step, "do")
        if performed["outcome"] != "done":
            return _failure(performed, step), since
        done.append(step)
        verified = self._settled(run, plan, step, "do", float(each["timeout_seconds"]))
        since = float(verified["at"])
        if not verified["ok"]:
            return Failure("not_verified", verified["reason"], step), since
        if each["guards"] and not each["last"]:
            return self._watch(run, plan, step, since, self._settings.between_seconds), since
        return None, since

    def _perform(self, run: Run, plan: str, step: str, direction: str) -> Mapping[str, Any]:
        """One effect, tried again as long as that can help; each attempt looks first whether it is done."""
        tries, waited, number = 0, 0.0, 0
        while True:
            name = f"{direction} {step} {number}"
            found = self._try(run, name, self._steps.perform, plan, step, direction)
            number += 1
            if found["outcome"] in ("done", "refused") or found["wait_s"] is None:
                return found
            pause = max(float(found["wait_s"]), 0.1)
            if found["outcome"] == "wait":
                waited += pause
            else:
                tries += 1
            if waited > self._settings.wait_for_target_seconds:
                waited_out = {**found, "outcome": "unknown" if found.get("in_doubt") else "refused"}
                return self._given_up(run, plan, step, direction, waited_out)
            if tries >= self._settings.attempts:
                return self._given_up(run, plan, step, direction, found)
            run.sleep(pause)

    def _given_up(
        self, run: Run, plan: str, step: str, direction: str, found: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        if found["outcome"] == "unknown":
            _sure(run, f"give up {direction} {step}", self._steps.give_up, plan, step, direction)
        return found

    def _settled(self, run: Run, plan: str, step: str, direction: str, within_s: float) -> Mapping[str, Any]:
        """Look at a target until it says yes or no, or its time is over."""
        began: float | None = None
        number = 0
        while True:
            name = f"verify {direction} {step} {number}"
            found: Mapping[str, Any] = _sure(run, name, self._steps.verify, plan, step, direction)
            began = float(found["at"]) if began is None else began
            if found["settled"] or float(found["at"]) - began >= within_s:
                return found
            number += 1
            run.sleep(self._settings.poll_seconds)

    def _watch(self, run: Run, plan: str, step: str, since: float, seconds: float) -> Failure | None:
        """Watch signals until they are well over a whole window; the window slides while patience lasts."""
        name, number = step or "all", 0
        run.sleep(seconds)
        while True:
            found = _sure(run, f"signals {name} {number}", self._steps.measure, plan, step, since, seconds)
            if found["go"] != "on":
                return Failure(found["go"], found["reason"], step)
            if found["word"] == "well":
                return None
            late = float(found["at"]) - since >= seconds + self._settings.patience_seconds
            if found["word"] == "harm" or late:
                return Failure("signals", found["reason"], step, {"signals": found["signals"]})
            number += 1
            run.sleep(self._settings.poll_seconds)

    # -- back ---------------------------------------------------------------------------------------------------------

    def _back(self, run: Run, plan: str, done: Sequence[str], failure: Failure) -> dict[str, str]:
        """Take back what was done, the last first; what could not be taken back ends it, for the earlier ones stand below it."""
        if not done:
            return {}
        if failure.kind == "unknown":  # nobody knows what there is to take back
            return dict.fromkeys(done, "left")
        _sure(run, "turn back", self._steps.turn_back, plan, failure.plain())
        undone: dict[str, str] = {}
        for step in reversed(done):
            undone[step] = self._undo(run, plan, step) if "left" not in undone.values() else "left"
        return undone

    def _undo(self, run: Run, plan: str, step: str) -> str:
        way = _sure(run, f"undo {step}?", self._steps.way_back, plan, step)
        if way["way"] != "undo":
            return str(way["way"])
        performed = self._perform(run, plan, step, "undo")
        verified = (
            self._settled(run, plan, step, "undo", float(way["timeout_seconds"]))
            if performed["outcome"] == "done"
            else None
        )
        ok = verified is not None and verified["ok"]
        _sure(run, f"undone {step}", self._steps.undone, plan, step, ok, performed, verified or {})
        return "undone" if ok else "left"

    def _further(self, run: Run, plan: str) -> str:
        try:
            return str(run.step("again", self._steps.again, plan))
        except StepFailed:  # it is in the run's record; people take over
            return ""

    def _try(self, run: Run, name: str, function: Callable[..., Any], *arguments: Any) -> Mapping[str, Any]:
        """A step whose failing is an answer: whether it had an effect is looked for at the next."""
        try:
            found: Mapping[str, Any] = run.step(name, function, *arguments)
        except StepFailed as error:
            problem = {"key": "action.problem", "params": {"problem": error.problem[:500]}}
            return {
                "outcome": "unknown",
                "reason": problem,
                "problem": error.problem,
                "wait_s": AFTER_FAULT_S,
            }
        return found


def _sure(run: Run, name: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """A step that must be done, tried again while its store is away."""
    for number in range(MOST_FAULTS):
        try:
            return run.step(name if not number else f"{name} again {number}", function, *arguments)
        except StepFailed:
            run.sleep(AFTER_FAULT_S)
    return run.step(f"{name} at last", function, *arguments)


def _failure(found: Mapping[str, Any], step: str) -> Failure:
    kinds: dict[str, Kind] = {"refused": "refused", "wait": "refused", "unknown": "unknown"}
    reason = found["reason"] or {}
    kind = kinds.get(found["outcome"], "failed")
    if kind == "refused":
        kind = WISHED.get(reason.get("key", ""), kind)
    return Failure(kind, reason, step, {"problem": found["problem"]})
