"""What is to be done for one step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sre_copilot.workflows.frames import Frame
from sre_copilot.workflows.ports import Asker
from sre_copilot.workflows.spec import Step
from sre_copilot.workflows.templates import fill


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One attempt of a step; `scope` is what its expressions see, `until` when it has to be over, `key` that of the durable run."""

    frame: Frame
    path: str
    step: Step
    label: str
    scope: Mapping[str, Any]
    until: float
    key: str
    attempt: int = 1

    @property
    def effect(self) -> str:
        """Key of what the step does to the world: the same for every attempt, also after a crash."""
        return f"{self.frame.run}/{self.label}"

    @property
    def asker(self) -> Asker:
        """On whose behalf."""
        return Asker(
            who=self.frame.who, role=self.frame.role, run=self.frame.run, workflow=self.frame.workflow
        )

    def filled(self, value: Any) -> Any:
        """A value with its expressions replaced."""
        return fill(value, self.scope)
