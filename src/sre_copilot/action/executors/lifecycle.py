"""Start, stop and restart of what runs under a manager (a process, a unit, a container), whoever the manager is.

A manager shows which run of a thing is under way (process id and start, invocation id, moment of start): by that a restart is told from none.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from sre_copilot.action.executor import Call, Effect, Looked, Preview, Verified
from sre_copilot.action.executors.common import begun, difference, digest, refused, schema, undoing
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Action, ActionSpec, RiskLevel, Target

Phase = Literal["coming", "up", "going", "stopped", "down"]
"""`stopped`: somebody wants it so; `down`: it ended or failed by itself, and nobody wants it so."""
Way = Literal["start", "stop", "restart"]
UP: frozenset[Phase] = frozenset({"coming", "up"})
WANTED: frozenset[Phase] = frozenset({"coming", "up", "down"})
ABSENT_STATE = "absent"
SETTLE_S = 3.0  # a manager that starts again what has ended does so within a second or two; before that `down` is no verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One thing that runs or not: how its manager calls its state, which run it is, and for how many seconds it has been so."""

    name: str
    state: str
    phase: Phase
    run: str
    age_s: float


class Manager(Protocol):
    """Who starts and stops; a target may stand for several things."""

    name: str
    steady_s: float
    """So long must a thing have run to count as running."""

    def lives(self, target: Target, call: Call | None) -> Sequence[Life]:
        """What the target stands for; nothing when there is no such target."""
        ...

    def start(self, target: Target, lives: Sequence[Life], call: Call) -> None:
        """Start them."""
        ...

    def stop(self, target: Target, lives: Sequence[Life], call: Call) -> None:
        """Stop them, and wait until they have ended."""
        ...

    def restart(self, target: Target, lives: Sequence[Life], call: Call) -> None:
        """End those that run, and start all."""
        ...


class Cycle:
    """One of `start`, `stop`, `restart`."""

    def __init__(
        self, manager: Manager, way: Way, kinds: tuple[str, ...], *, timeout_s: float, parameters: Any = None
    ) -> None:
        self.manager, self.way = manager, way
        self.spec = ActionSpec(
            name=f"{manager.name}.{way}",
            level=RiskLevel.MEDIUM,
            parameters=parameters or schema(),
            kinds=kinds,
            does=Message(key=f"process.does.{way}"),
            reversible=True,
            exactly_once=True,
            timeout_seconds=timeout_s,
            idempotent=way != "restart",
        )

    def adjust(self, action: Action) -> Action:
        """The action as it is."""
        return action

    def look(self, action: Action) -> Looked:
        """States as the manager calls them. The digest says what runs, not which run it is: what crashes and comes back all the time is the same patient."""
        lives = self.manager.lives(action.target, None)
        state = {each.name: {"state": each.state, "run": each.run} for each in lives}
        return Looked(exists=bool(lives), state=state, digest=digest(_wanted(lives)) if lives else "")

    def preview(self, action: Action) -> Preview:
        """States before and after."""
        lives = self.present(action, None)
        before: dict[str, Any] = {each.name: each.state for each in lives}
        after = {each.name: each.state if self._there(each) else self._becomes(each) for each in lives}
        return Preview(
            before=before,
            after=after,
            difference=difference(before, after),
            objections=self._objections(lives),
        )

    def backup(self, action: Action) -> Mapping[str, Any]:
        """What runs, and which run it is."""
        lives = self.present(action, None)
        return {"lives": {each.name: {"phase": each.phase, "run": each.run} for each in lives}}

    def execute(self, action: Action, call: Call) -> Effect:
        """Do it to what is not so already."""
        lives = self.present(action, call)
        chosen = [each for each in lives if not self._there(each)]
        if not chosen:
            return Effect(changed=False, detail={"states": {each.name: each.state for each in lives}})
        act = {"start": self.manager.start, "stop": self.manager.stop, "restart": self.manager.restart}
        act[self.way](action.target, chosen, call)
        return Effect(changed=True, detail={"before": _runs(chosen)})

    def done(self, action: Action, call: Call, backup: Mapping[str, Any]) -> bool | None:
        """A restart by other runs than before; start and stop by what runs."""
        lives = self.manager.lives(action.target, call)
        if not lives:
            return None
        if undoing(call):
            return not _astray(lives, backup)
        if self.way != "restart":
            return all(self._there(each) for each in lives)
        before = backup.get("lives", {})
        return all(each.phase in UP and each.run != before.get(each.name, {}).get("run") for each in lives)

    def verify(self, action: Action, call: Call) -> Verified:
        """Whether all run, or none; what has only just come up may go down again."""
        lives = self.manager.lives(action.target, call)
        if not lives:
            return _said("gone", False, True, action.target.name, ABSENT_STATE)
        verdicts = [self._verdict(each) for each in lives]
        return min(verdicts, key=lambda each: (each.ok, not each.settled))

    def undo(self, action: Action, call: Call, backup: Mapping[str, Any]) -> Effect:
        """Start what ran, stop what was stopped; a run that was ended does not come back."""
        lives = self.present(action, call)
        astray = _astray(lives, backup)
        start = [each for each in astray if each.phase not in WANTED]
        stop = [each for each in astray if each.phase in WANTED]
        if start:
            self.manager.start(action.target, start, call)
        if stop:
            self.manager.stop(action.target, stop, call)
        return Effect(changed=bool(astray), detail={"before": _runs(astray)} if astray else {})

    def _there(self, life: Life) -> bool:
        """Whether nothing need be done; a restart is never there."""
        if self.way == "restart":
            return False
        return life.phase in UP if self.way == "start" else life.phase in {"stopped", "down"}

    def _becomes(self, life: Life) -> str:
        if self.way == "restart":
            return "restarted" if life.phase in UP else "started"
        return "started" if self.way == "start" else "stopped"

    def _verdict(self, life: Life) -> Verified:
        if self.way == "stop":
            over = life.phase in {"stopped", "down"}
            return _said(
                "stopped" if over else "runs", over, over or life.phase == "up", life.name, life.state
            )
        if life.phase == "up" and life.age_s >= self.manager.steady_s:
            return _said("runs", True, True, life.name, life.state)
        settled = life.phase == "stopped" or (life.phase == "down" and life.age_s > SETTLE_S)
        word = "not_running" if life.phase in {"stopped", "down"} else "not_yet"
        return _said(word, False, settled, life.name, life.state)

    def _objections(self, lives: Sequence[Life]) -> tuple[Message, ...]:
        if all(self._there(each) for each in lives):
            return (Message(key="process.objection.nothing_to_do"),)
        if self.way != "start" and len(lives) > 1:
            return (Message(key="process.objection.all_at_once", params=(("number", len(lives)),)),)
        return ()

    def present(self, action: Action, call: Call | None) -> Sequence[Life]:
        """What the target stands for; raises when there is no such target."""
        lives = self.manager.lives(action.target, call)
        if not lives:
            target = action.target
            raise refused(
                self.manager.name, f"target.name: there is no {target.kind} {target.name}; correct it"
            )
        return lives


class Touch:
    """Something done to what runs that leaves no trace, such as a signal: nobody can tell afterwards whether it was done, so a person must want it."""

    def __init__(
        self,
        manager: Manager,
        way: str,
        kinds: tuple[str, ...],
        act: Callable[[Action, Call], None],
        *,
        parameters: Any = None,
        idempotent: bool = False,
        timeout_s: float = 30.0,
    ) -> None:
        self._manager, self._way, self._act = manager, way, act
        self._cycle = Cycle(manager, "start", kinds, timeout_s=timeout_s)
        self.spec = ActionSpec(
            name=f"{manager.name}.{way}",
            level=RiskLevel.HIGH,
            parameters=parameters or schema(),
            kinds=kinds,
            does=Message(key=f"process.does.{way}"),
            reversible=False,
            exactly_once=False,
            timeout_seconds=timeout_s,
            idempotent=idempotent,
        )

    def adjust(self, action: Action) -> Action:
        """The action as it is."""
        return action

    def look(self, action: Action) -> Looked:
        """What runs."""
        return self._cycle.look(action)

    def preview(self, action: Action) -> Preview:
        """To what it would be done."""
        before = self._cycle.preview(action).before
        told = " ".join(map(str, [self._way, *action.parameters.values()]))
        trace = Message(key="process.objection.no_trace")
        lines = tuple(f"{name}: {told}" for name in before)
        return Preview(before=before, after=before, difference=lines, objections=(trace,))

    def backup(self, action: Action) -> Mapping[str, Any]:
        """What runs; there is nothing to restore."""
        return self._cycle.backup(action)

    def execute(self, action: Action, call: Call) -> Effect:
        """Do it."""
        self._cycle.present(action, call)
        self._act(action, begun(call, self._manager.name))
        return Effect(changed=True, detail=dict(action.parameters))

    def done(self, action: Action, call: Call, backup: Mapping[str, Any]) -> bool | None:
        """Nobody knows."""
        return None

    def verify(self, action: Action, call: Call) -> Verified:
        """Whether it still runs."""
        return self._cycle.verify(action, call)

    def undo(self, action: Action, call: Call, backup: Mapping[str, Any]) -> Effect:
        """It cannot be taken back."""
        raise refused(self._manager.name, f"{self.spec.name} cannot be undone; let a person decide")


class Ages:
    """Since when something has been as it is, by when it was first seen so here: no clock of another machine is needed, and it never seems older than it is."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[str, float]] = {}

    def age_s(self, name: str, state: str) -> float:
        """Seconds since this state was first seen."""
        known, since = self._seen.get(name, ("", 0.0))
        if known != state:
            since = time.monotonic()
            self._seen[name] = (state, since)
        return time.monotonic() - since


def cycles(manager: Manager, kinds: tuple[str, ...], *, timeout_s: float) -> list[Cycle]:
    """All three."""
    ways: tuple[Way, ...] = ("start", "stop", "restart")
    return [Cycle(manager, way, kinds, timeout_s=timeout_s) for way in ways]


def _wanted(lives: Sequence[Life]) -> dict[str, str]:
    coarse = {"coming": "up", "up": "up", "going": "stopped", "stopped": "stopped", "down": "down"}
    return {each.name: coarse[each.phase] for each in lives}


def _astray(lives: Sequence[Life], backup: Mapping[str, Any]) -> list[Life]:
    """What is wanted otherwise than it was; what had failed by itself is not made to fail again."""
    before = backup.get("lives", {})
    return [
        each
        for each in lives
        if each.name in before and (before[each.name]["phase"] in WANTED) != (each.phase in WANTED)
    ]


def _runs(lives: Sequence[Life]) -> dict[str, str]:
    return {each.name: f"{each.state} {each.run}".strip() for each in lives}


def _said(word: str, ok: bool, settled: bool, name: str, state: str) -> Verified:
    reason = Message(key=f"process.verify.{word}", params=(("name", name), ("state", state)))
    return Verified(ok=ok, settled=settled, reason=reason, detail={"name": name, "state": state})
