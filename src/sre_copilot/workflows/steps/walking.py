"""What a step that waits may ask of the run that it is in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from sre_copilot.durable.port import Run
from sre_copilot.workflows.frames import Outcome
from sre_copilot.workflows.spec import Step
from sre_copilot.workflows.steps.doing import Doing
from sre_copilot.workflows.steps.order import Order

GRACE_S = (
    5.0  # after its time a branch, or another run, says so itself, and better than whoever waits for it could
)


class Walk(Protocol):
    """A run on its way; `now` is the latest time that it knows, `scope` what expressions see."""

    run: Run
    now: float
    scope: dict[str, Any]
    doing: Doing

    def until(self, step: Step) -> float:
        """When a step that begins now has to be over."""
        ...

    def surely(self, name: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """A step of our own, tried again while the database is away."""
        ...

    def receive(self, topic: str, until: float) -> Any:
        """A message, or None at that time."""
        ...

    def order(self, path: str, step: Step, label: str, *, until: float, attempt: int = 1) -> Order:
        """What is to be done for a step."""
        ...

    def failed(self, problem: str, *, status: str = "failed") -> Outcome:
        """A step that failed now."""
        ...


Wait = Callable[[Walk, str, Step, str], Outcome]
Waits = Mapping[str, Wait]
