"""What an executor is: the only thing in the product that changes another system, one action at a time.

Whoever calls one goes through the doors of `action.hands`: approved plan, lock of the target, lease, limits, kill switch. An executor itself decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sre_copilot.domain.evidence import Message
from sre_copilot.domain.plan import Action, ActionSpec
from sre_copilot.errors import SreCopilotError


class ActionError(SreCopilotError):
    """An action was not carried out, or it is unknown whether it was.

    Parameters
    ----------
    effect : `none`: nothing was changed; `unknown`: it may have been, look before trying again; `done`: it was, and something else failed
    retry : whether the same call may be made again
    """

    def __init__(self, message: str, *, effect: str = "unknown", retry: bool = False) -> None:
        super().__init__(message)
        self.effect = effect
        self.retry = retry


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """The present state of a target, as far as it concerns an action; `digest` is the same for the same state."""

    exists: bool
    state: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""
    version: str = ""
    """What the target compares (`resourceVersion`, commit, row version); '' where it compares nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a dry run says: state before and after as lines that differ, and objections that people should see."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    difference: tuple[str, ...]
    objections: tuple[Message, ...] = ()
    checked_by_target: bool = False
    """Whether the target itself judged it (`dryRun=All`, `EXPLAIN`), not we alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What comes along with an effect: its key, what to compare, how long it may take, and whether it was called off."""

    key: str
    """The same for each attempt of the same effect (plan, step, and do or undo)."""
    deadline: float
    """Monotonic seconds (`time.monotonic`) by which it must have ended; never later than the lease that permits it."""
    version: str = ""
    """Carry it out on this version only, where the target compares."""
    cancelled: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What an action did; `changed` is False when it was there already. `detail` is kept for ever and holds no secret."""

    changed: bool
    detail: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """Whether a target is in the state that an action is to bring about (ready, running, committed), by what was seen."""

    ok: bool
    settled: bool
    """False: not yet, look again; True: it is so, or will not become so."""
    reason: Message
    detail: Mapping[str, Any] = field(default_factory=dict)


class Executor(Protocol):
    """One system, configured. All methods block at most until the deadline, raise `ActionError` for what the system answers, and may be called from any thread."""

    name: str

    def specs(self) -> Sequence[ActionSpec]:
        """What it can do."""
        ...

    def check(self, action: Action) -> Action:
        """The action with its parameters as they are understood, defaults filled in; reaches nothing.

        Raises
        ------
        ActionError : names the parameter or the part of the target, and the way out (effect `none`)
        """
        ...

    def look(self, action: Action) -> Looked:
        """The present state of the target; changes nothing."""
        ...

    def preview(self, action: Action) -> Preview:
        """What would be done; changes nothing."""
        ...

    def backup(self, action: Action) -> Mapping[str, Any]:
        """What `undo` needs to restore the present state, as JSON; holds no secret value."""
        ...

    def execute(self, action: Action, call: Call) -> Effect:
        """Do it, once for each key."""
        ...

    def done(self, action: Action, call: Call, backup: Mapping[str, Any]) -> bool | None:
        """Whether the effect of this key is there: by the key, or by the state. None: it cannot be told."""
        ...

    def verify(self, action: Action, call: Call) -> Verified:
        """Whether the target has come to the state that was asked for."""
        ...

    def undo(self, action: Action, call: Call, backup: Mapping[str, Any]) -> Effect:
        """Restore what was backed up, once for each key."""
        ...
