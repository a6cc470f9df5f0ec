"""What the rest of the product knows of durable runs: start one by its key, look at it, cancel it, tell it something.

A workflow is a plain function of its `Run` and its arguments. Between its steps it holds no effect of its own: what a step returns is kept (JSON), and
a step that has returned is never called again, whichever process goes on with the run. A step in flight when the process died is called again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from sre_copilot.errors import DurableError

RunStatus = Literal["waiting", "running", "succeeded", "failed", "cancelled"]
"""`waiting`: not begun yet; `running`: begun, be it in a step or in a wait."""


class StepFailed(DurableError):  # noqa: N818 - a kind of DurableError, and it reads better so
    """A step raised; that is recorded as its outcome, and the step is not called again.

    Parameters
    ----------
    step : name of the step
    kind : name of the class of what it raised
    problem : what that said
    """

    def __init__(self, step: str, *, kind: str, problem: str) -> None:
        self.step = step
        self.kind = kind
        self.problem = problem
        super().__init__(f"step {step!r}: {kind}: {problem}")


class Run(Protocol):
    """What a workflow may do besides computing.

    Computing is to be short: all workflows of a process share one thread, in which only steps do not run. What takes long, asks the time,
    draws lots, reads or writes belongs into a step; so does starting another run.
    """

    @property
    def key(self) -> str:
        """Key of the run; an effect's own key is made of it and the name of the step."""
        ...

    def step(self, name: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function once; after a crash only when it had not returned. Its result is kept as JSON.

        Raises
        ------
        StepFailed : when the function raised; it ends the run as failed, unless the workflow catches it. Trying again is the workflow's matter: another step
        """
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; a crash does not lengthen it."""
        ...

    def receive(self, topic: str, timeout_seconds: float) -> Any:
        """Wait for what `Durable.send` tells it, at most so long; None when nothing came."""
        ...


Workflow = Callable[..., Any]
"""`workflow(run, **arguments)`; arguments and result are JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """How a run is doing. Times are epoch seconds UTC, on SQLite to the second."""

    key: str
    workflow: str
    status: RunStatus
    started_at: float | None
    finished_at: float | None
    result: Any = None
    error: str = ""
    executor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepState:
    """A step that has returned or raised. Times are epoch seconds UTC, None where they are not known."""

    name: str
    result: Any = None
    error: str = ""
    started_at: float | None = None
    finished_at: float | None = None


class Durable(Protocol):
    """A worker's hold on the runs of all workers."""

    def register(self, name: str, workflow: Workflow, *, lane_limit: int | None = None) -> None:
        """Make a workflow known, before `launch`; names are numbered when their steps change (`deliver.1`). With `lane_limit` at most so many runs of one lane are under way at once, in the order of their start."""
        ...

    def launch(self) -> None:
        """Begin to work: own runs, and those of workers that died."""
        ...

    def start(self, name: str, arguments: Mapping[str, Any], *, key: str, lane: str = "") -> bool:
        """Start a run, once: False when there is one with this key."""
        ...

    def state(self, key: str) -> RunState | None:
        """How a run is doing; None when there is none."""
        ...

    def steps(self, key: str) -> tuple[StepState, ...]:
        """The steps of a run that are over, in the order in which it asked for them; waits are none. Empty when there is no such run."""
        ...

    def cancel(self, key: str) -> bool:
        """Let it end before its next step; False when it has ended already."""
        ...

    def send(self, key: str, topic: str, value: Any, *, idempotency_key: str) -> None:
        """Tell a run something, once for each idempotency key."""
        ...

    def close(self) -> None:
        """Stop working; what is under way is gone on with by another worker, or by the next start."""
        ...
