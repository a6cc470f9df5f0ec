"""What came of a command, and who runs one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sre_copilot.action.executor import ActionError, Call
from sre_copilot.action.executors.common import left

MOST_BYTES = 64 * 1024  # of each output that are kept; what a person reads is less
CANNOT_RUN = frozenset(
    {126, 127}
)  # what shells answer for a program that is not there or may not be executed


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that ended by itself."""

    code: int
    out: str
    err: str
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long a command may take, whether it changes something (then nobody knows what it did when it did not end), and whether it was called off."""

    seconds: float
    changes: bool
    cancelled: Callable[[], bool] = lambda: False


class Shell(Protocol):
    """Runs commands somewhere."""

    def run(self, words: Sequence[str], limits: Limits, *, host: str = "") -> Ran:
        """Run a command to its end.

        Raises
        ------
        ActionError : when it could not be begun (effect `none`), or did not end in time or was called off (`unknown` where it changes something)
        """
        ...


def limits_of(call: Call | None, name: str, *, changes: bool, most: float) -> Limits:
    """What a call allows."""
    seconds = left(call, name, most=most)
    return Limits(
        seconds=seconds, changes=changes, cancelled=call.cancelled if call and changes else lambda: False
    )


def unfinished(place: str, words: Sequence[str], limits: Limits, why: str) -> ActionError:
    """A command that was begun and whose end nobody saw."""
    return ActionError(
        f"{place}: {words[0]}: {why}", effect="unknown" if limits.changes else "none", retry=True
    )
