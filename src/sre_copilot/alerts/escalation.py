"""Escalation: whom to call, one step after another, until somebody takes it on.

The state is plain JSON (`IncidentState.escalation`); every function returns a new one. A step's wait counts from the moment at which the step before it was
really called, and one call of `advance` calls one step at most. So after hours without a process (or a clock set forward) the step that is overdue is called at
once, and the ones after it at their own distances: in order, none left out, none twice, and each person has the time that the policy gives before the next one
is called. A clock set back lengthens no wait: what was left of it is waited from then on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

TargetKind = Literal["schedule", "team", "person", "receiver"]
Status = Literal["running", "snoozed", "acknowledged", "resolved", "exhausted"]
KEPT_PAGES = 50  # in the state: what people look back at; the timeline has all
LATE_S = 30.0  # a turn takes a second, a take-over by another worker ten: more is worth saying


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Whom a step calls."""

    kind: TargetKind
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Whom to call, so many seconds after the step before it (the first: after the beginning)."""

    after_s: float
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Steps in order, gone through `rounds` times; the first step of a further round comes `repeat_after_s` after the last of the round before.

    `last_resort` is called instead where a step finds nobody; `receiver` is the way by which persons are called ('': that of the route).
    """

    id: str
    steps: tuple[Step, ...]
    rounds: int = 1
    repeat_after_s: float = 900.0
    last_resort: tuple[Target, ...] = ()
    receiver: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A step that is due: `step` and `round` count from 1, `key` is the same whenever it is computed again, `due_at` is when it was due."""

    key: str
    policy: str
    step: int
    steps: int
    round: int
    rounds: int
    targets: tuple[Target, ...]
    due_at: float
    at: float

    @property
    def late_s(self) -> float:
        """Seconds by which it comes late; 0 where it is no more than the turn of a clock or a take-over."""
        return self.at - self.due_at if self.at - self.due_at > LATE_S else 0.0


def begin(
    policy: Policy, now: float, *, subject: str = "", before: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The state of an escalation that begins.

    `subject` (the incident), the time, and how often it has begun (`before`: the state of the last time, after a reopening) make its keys differ from all others.
    """
    return {
        "policy": policy.id,
        "subject": subject,
        "times": int((before or {}).get("times", 0)) + 1,
        "began_at": now,
        "status": "running",
        "round": 1,
        "step": 1,
        "set_at": now,
        "next_at": now + policy.steps[0].after_s,
        "left_s": None,
        "snoozed_until": None,
        "paged": [],
    }


def advance(policy: Policy, state: Mapping[str, Any], now: float) -> tuple[dict[str, Any], tuple[Page, ...]]:
    """Go on to `now`: the new state, and the step that is to be called now, if one is.

    A snooze that is over ends here. Where the configuration changed meanwhile, the policy's present steps count; a step that it no longer has is the end of the
    round. An empty state (nothing is under way) stays empty, here and in all functions below.
    """
    if not state:
        return {}, ()
    found = _clock_checked(dict(state), now)
    if found["status"] == "snoozed" and now >= found["snoozed_until"]:
        found = resume(found, found["snoozed_until"])
    if found["status"] == "running" and found["step"] > len(policy.steps):
        found = _after_step(policy, found, found["set_at"])
    if found["status"] != "running" or now < found["next_at"]:
        return found, ()
    page = _page(policy, found, now)
    noted = {"key": page.key, "round": page.round, "step": page.step, "due_at": page.due_at, "at": now}
    found["paged"] = [*found["paged"], noted][-KEPT_PAGES:]
    return _after_step(policy, {**found, "step": found["step"] + 1}, now), (page,)


def acknowledge(state: Mapping[str, Any], now: float) -> dict[str, Any]:
    """Somebody has taken it on: nobody else is called, unless it is resumed. One that has ended stays as it is."""
    if state.get("status") not in ("running", "snoozed"):
        return dict(state)
    return {**_paused(state, now), "status": "acknowledged", "snoozed_until": None}


def resolve(state: Mapping[str, Any]) -> dict[str, Any]:
    """It is over: nobody is called any more, and nothing resumes it; what begins again begins a new escalation."""
    if not state:
        return {}
    return {**state, "status": "resolved", "next_at": None, "left_s": None, "snoozed_until": None}


def snooze(state: Mapping[str, Any], now: float, *, until: float) -> dict[str, Any]:
    """Wait until a time; then it goes on with what was left of the wait for the next step. One that was acknowledged, or has ended, stays as it is."""
    if state.get("status") not in ("running", "snoozed"):
        return dict(state)
    return {**_paused(state, now), "status": "snoozed", "snoozed_until": until}


def resume(state: Mapping[str, Any], now: float) -> dict[str, Any]:
    """Go on after a snooze or an acknowledgement that was taken back, with what was left of the wait."""
    if state.get("status") not in ("snoozed", "acknowledged"):
        return dict(state)
    going = {"status": "running", "snoozed_until": None, "left_s": None}
    return {**state, **going, "set_at": now, "next_at": now + state["left_s"]}


def next_at(state: Mapping[str, Any]) -> float | None:
    """When `advance` has something to do next; None: never by itself."""
    moment: float | None = {
        "running": state.get("next_at"),
        "snoozed": state.get("snoozed_until"),
    }.get(str(state.get("status", "")))
    return moment


def _paused(state: Mapping[str, Any], now: float) -> dict[str, Any]:
    """The state with its wait stopped; what is left of one that was stopped before stays."""
    if state["left_s"] is not None:
        return {**state, "next_at": None}
    checked = _clock_checked(dict(state), now)
    return {**checked, "left_s": max(0.0, checked["next_at"] - now), "next_at": None}


def _clock_checked(state: dict[str, Any], now: float) -> dict[str, Any]:
    """The state as it must be when the clock shows an earlier time than when the wait began: the clock was set back, and the wait is not longer for it."""
    if state["status"] == "running" and now < state["set_at"]:
        wait = state["next_at"] - state["set_at"]
        return {**state, "set_at": now, "next_at": now + wait}
    return state


def _page(policy: Policy, state: Mapping[str, Any], now: float) -> Page:
    number, turn = state["step"], state["round"]
    which = f"{state['times']}/{state['began_at']:.3f}"
    return Page(
        key=f"{state['subject']}/{state['policy']}/{which}/{turn}/{number}",
        policy=state["policy"],
        step=number,
        steps=len(policy.steps),
        round=turn,
        rounds=policy.rounds,
        targets=policy.steps[number - 1].targets,
        due_at=state["next_at"],
        at=now,
    )


def _after_step(policy: Policy, state: Mapping[str, Any], now: float) -> dict[str, Any]:
    """The state that waits for the step it names, which may be the first of a further round, or none at all."""
    if state["step"] <= len(policy.steps):
        wait = policy.steps[state["step"] - 1].after_s
        return {**state, "set_at": now, "next_at": now + wait}
    if state["round"] < policy.rounds:
        further = {"round": state["round"] + 1, "step": 1}
        return {**state, **further, "set_at": now, "next_at": now + policy.repeat_after_s}
    return {**state, "status": "exhausted", "next_at": None}
