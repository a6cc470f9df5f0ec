"""The executor `supervisor`. Which run of a process is under way is told by its process id and its start."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from sre_copilot.action.executor import ActionError, Call
from sre_copilot.action.executors.common import VerbExecutor, left, permitted, schema
from sre_copilot.action.executors.lifecycle import Life, Phase, Touch, cycles
from sre_copilot.action.executors.supervisor.client import (
    ALREADY_STARTED,
    BAD_NAME,
    NOT_RUNNING,
    Client,
    Fault,
)
from sre_copilot.action.executors.supervisor.settings import SupervisorExecutorSettings
from sre_copilot.domain.plan import Action, Target

KINDS = ("process", "group")
POLL_S = 0.1
PHASES: Mapping[str, Phase] = {
    "STARTING": "coming", "RUNNING": "up", "BACKOFF": "coming", "STOPPING": "going", "STOPPED": "stopped",
}  # fmt: skip
"""EXITED, FATAL and UNKNOWN are `down`."""


class SupervisorExecutor(VerbExecutor):
    """One supervisor."""

    Settings: ClassVar[type[SupervisorExecutorSettings]] = SupervisorExecutorSettings

    def __init__(self, settings: SupervisorExecutorSettings) -> None:
        manager = Supervisor(settings)
        verbs = cycles(manager, KINDS, timeout_s=settings.action_timeout_seconds)
        touches = [_signal(manager, settings.signals)] if settings.signals else []
        super().__init__(
            settings.name, [*verbs, *touches], allowed=settings.processes, protected=settings.protected
        )


class Supervisor:
    """What supervisor shows, and what it is asked for; waiting is done here, so that a time-out ends it."""

    def __init__(self, settings: SupervisorExecutorSettings) -> None:
        self.name, self.steady_s = settings.name, settings.steady_seconds
        self._client = Client(settings)
        self._allowed, self._protected = settings.processes, settings.protected

    def lives(self, target: Target, call: Call | None) -> Sequence[Life]:
        """One process, or those of a group; refused where one of them may not be touched, by whichever name it was asked for."""
        found = self._described(target, call)
        for each in found:
            permitted(self.name, _names(each), allowed=self._allowed, protected=self._protected)
        return [_life(each) for each in found]

    def _described(self, target: Target, call: Call | None) -> list[Mapping[str, Any]]:
        if target.kind == "group":
            found = self._client.read("getAllProcessInfo", call=call)
            return [each for each in found if each["group"] == target.name]
        try:
            return [self._client.read("getProcessInfo", target.name, call=call)]
        except Fault as fault:
            if fault.code == BAD_NAME:
                return []
            raise

    def start(self, target: Target, lives: Sequence[Life], call: Call) -> None:
        """Start those that do not run; every one is tried, and the first trouble is told."""
        troubles = [trouble for each in lives if (trouble := self._start(each, call))]
        if troubles:
            first = troubles[0]
            some = len(troubles) < len(lives)
            raise ActionError(str(first), effect="unknown" if some else first.effect, retry=first.retry)

    def stop(self, target: Target, lives: Sequence[Life], call: Call) -> None:
        """Stop them, and wait until all have ended."""
        for each in lives:
            if each.phase in {"coming", "up"}:
                self._tolerant("stopProcess", each.name, call, known=NOT_RUNNING)
        self._until(target, lives, call, lambda life: life.phase in {"stopped", "down"}, "is still stopping")

    def restart(self, target: Target, lives: Sequence[Life], call: Call) -> None:
        """Stop and start; once the first has been stopped it is gone through with, called off or not."""
        self.stop(target, lives, call)
        try:
            self.start(target, lives, call)
        except Fault as fault:
            raise ActionError(f"{fault}; it was ended before", effect="done") from None
        except ActionError as error:
            ended = error.effect == "none" and not error.retry
            raise ActionError(str(error), effect="done" if ended else "unknown", retry=error.retry) from None

    def signal(self, target: Target, signal: str, call: Call) -> None:
        """Send a signal to a process, or to each of a group."""
        method = "signalProcessGroup" if target.kind == "group" else "signalProcess"
        self._client.change(method, target.name, signal, call=call)

    def _start(self, life: Life, call: Call) -> ActionError | None:
        try:
            self._tolerant("startProcess", life.name, call, known=ALREADY_STARTED)
        except ActionError as error:
            return error
        return None

    def _tolerant(self, method: str, name: str, call: Call, *, known: int) -> None:
        """Ask without waiting for the end; that it is so already is as good."""
        try:
            self._client.change(method, name, False, call=call)  # False: do not wait
        except Fault as fault:
            if fault.code != known:
                raise

    def _until(
        self, target: Target, lives: Sequence[Life], call: Call, holds: Callable[[Life], bool], otherwise: str
    ) -> None:
        names = {each.name for each in lives}
        while True:
            open_ = [each for each in self._seen(target, call) if each.name in names and not holds(each)]
            if not open_:
                return
            if call.deadline - time.monotonic() < POLL_S:
                raise ActionError(f"{self.name}: {open_[0].name} {otherwise}; give it more time", retry=True)
            time.sleep(POLL_S)

    def _seen(self, target: Target, call: Call) -> Sequence[Life]:
        """States while something is under way: that they cannot be read does not mean that nothing was changed."""
        left(call, self.name, effect="unknown")
        try:
            return self.lives(target, call)
        except ActionError as error:
            raise ActionError(str(error), effect="unknown", retry=True) from None


def _signal(manager: Supervisor, signals: Sequence[str]) -> Touch:
    """Send a signal, by name."""
    known = {"type": "string", "enum": list(signals), "description": "name of the signal, without SIG"}

    def send(action: Action, call: Call) -> None:
        manager.signal(action.target, action.parameters["signal"], call)

    return Touch(manager, "signal", KINDS, send, parameters=schema(("signal",), signal=known))


def _names(info: Mapping[str, Any]) -> tuple[str, ...]:
    """All that a process is called by: with its group, by its group, and alone where both have one name."""
    return (f"{info['group']}:{info['name']}", info["group"])


def _life(info: Mapping[str, Any]) -> Life:
    """A process as supervisor describes it; its own clock gives the age, ours may differ."""
    phase = PHASES.get(info["statename"], "down")
    since = info["start"] if phase in {"coming", "up"} else info["stop"]
    group, name = info["group"], info["name"]
    return Life(
        name=name if group == name else f"{group}:{name}",
        state=info["statename"],
        phase=phase,
        run=f"{info['pid']}@{info['start']}" if info["pid"] else "",
        age_s=max(0.0, info["now"] - since),
    )
