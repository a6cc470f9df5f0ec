"""What one durable run of `workflow.1` carries: all that it needs, so that it goes on whatever is applied or deleted meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal

from sre_copilot.workflows.reading import read
from sre_copilot.workflows.spec import Step, Workflow

TOGETHER = ":together"
"""How the name ends under which the outcomes of several steps are kept as one."""
Status = Literal["succeeded", "failed", "timed_out", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A run, or a branch of one.

    `at` is the path of the steps that it does ('' for the whole workflow), `label` what stands before their names, `deadline` when it ends at the latest;
    `parent`, `topic` and `place` say whom it tells that it is over. `kept` are steps of an earlier run that are not done again, `begun` what its other steps have begun: plans and runs.
    """

    run: str
    workflow: str
    version: int
    text: str
    deadline: float
    now: float
    who: str
    role: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    trigger: Mapping[str, Any] = field(default_factory=dict)
    steps: Mapping[str, Any] = field(default_factory=dict)
    loop: Mapping[str, Any] = field(default_factory=dict)
    incident: str = ""
    at: str = ""
    label: str = ""
    parent: str = ""
    topic: str = ""
    place: int = 0
    ancestors: tuple[str, ...] = ()
    kept: Mapping[str, Any] = field(default_factory=dict)
    begun: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Frame:
        """From what is kept of it."""
        return cls(**{**kept, "ancestors": tuple(kept.get("ancestors", ()))})

    @property
    def whole(self) -> bool:
        """Whether it is a run of its own and no branch of one."""
        return not self.at

    @property
    def spec(self) -> Workflow:
        """The workflow."""
        return parsed(self.text)

    def as_json(self) -> dict[str, Any]:
        """What is kept of it."""
        return {**asdict(self), "ancestors": list(self.ancestors)}

    def branch(
        self,
        at: str,
        label: str,
        *,
        steps: Mapping[str, Any],
        now: float,
        deadline: float,
        parent: str,
        topic: str,
        place: int,
        loop: Mapping[str, Any] | None = None,
    ) -> Frame:
        """A branch of it."""
        return replace(
            self, at=at, label=label, steps=steps, now=now, deadline=deadline, parent=parent, topic=topic, place=place,
            loop=self.loop if loop is None else loop,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a step; `began` and `at` are epoch seconds UTC, `again` whether another attempt can help."""

    status: Status
    output: Any = None
    error: str = ""
    began: float = 0.0
    at: float = 0.0
    again: bool = False
    attempt: int = 1
    log: tuple[str, ...] = ()

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Outcome:
        """From what is kept of it."""
        return cls(**{**kept, "log": tuple(kept.get("log", ()))})

    def as_json(self) -> dict[str, Any]:
        """What is kept of it: only what is not as usual."""
        plain: dict[str, Any] = {
            "status": self.status,
            "began": self.began,
            "at": self.at,
            "output": self.output,
        }
        more = {"error": self.error, "again": self.again, "log": list(self.log)}
        plain |= {key: value for key, value in more.items() if value}
        return plain if self.attempt == 1 else {**plain, "attempt": self.attempt}

    @property
    def seen(self) -> dict[str, Any]:
        """What expressions see of it."""
        return {"status": self.status, "output": self.output, "error": self.error}

    @property
    def good(self) -> bool:
        """Whether the workflow goes on in any case."""
        return self.status in ("succeeded", "skipped")


@lru_cache(maxsize=256)
def parsed(text: str) -> Workflow:
    """A workflow that was applied, read once in each process."""
    return read(text).workflow


@lru_cache(maxsize=4_096)
def found(text: str, path: str) -> tuple[tuple[str, Step], ...]:
    """The steps at a path (of a list, or of one step), each with its own path."""
    walked = dict(parsed(text).walk())
    if path in walked:
        return ((path, walked[path]),)
    return tuple(
        (own, step)
        for own, step in walked.items()
        if own.startswith(path + "[") and "]" not in own[len(path) + 1 : -1]
    )
