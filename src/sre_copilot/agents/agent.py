"""What an agent is: it gets a task, works with its tools, and returns a fault description in words that findings carry.

One file an agent, registered in `sre_copilot.agents`; the copilot chooses among them by what they say they can do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

from sre_copilot.agents.answer import Claim, Listener, Understood
from sre_copilot.agents.core import Core
from sre_copilot.agents.tool import Investigated, ToolContext, ToolResult
from sre_copilot.domain.evidence import Finding, Gap
from sre_copilot.domain.incident import Observation
from sre_copilot.domain.knowledge import Lang, Recalled, Retrieved
from sre_copilot.domain.signals import Window
from sre_copilot.llm.speaking import Ledger, Speaker, ToolSpec
from sre_copilot.perception.source import Asked

State = Literal["waiting", "running", "done", "failed", "skipped"]
UseTool = Callable[[str, Mapping[str, Any]], ToolResult]
"""Calls a tool by name with plain arguments; never raises, tells the listener, and refuses what the asker's role may not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One piece of work; it begins when all that it comes `after` is done, a smaller `priority` first."""

    id: str
    agent: str
    about: Understood
    window: Window | None = None
    services: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    priority: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultDescription:
    """What an agent found, in words that are carried by findings; nothing abnormal is a statement too, if its check holds."""

    agent: str
    claims: tuple[Claim, ...] = ()
    findings: tuple[Finding, ...] = ()
    gaps: tuple[Gap, ...] = ()
    asked: tuple[Asked, ...] = ()
    quotes: tuple[Retrieved, ...] = ()
    recalled: tuple[Recalled, ...] = ()
    body: str = ""
    problem: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What an agent works with; `observation` is what a diagnosis is about, read once for the whole team."""

    context: ToolContext
    core: Core[Investigated]
    use: UseTool
    speaker: Speaker
    ledger: Ledger
    listen: Listener
    observation: Observation | None = None
    reflecting: bool = True
    specs: tuple[ToolSpec, ...] = ()
    before: Mapping[str, FaultDescription] = field(default_factory=dict)


class Agent(Protocol):
    """Works on one kind of task."""

    name: ClassVar[str]
    tools: ClassVar[tuple[str, ...]]

    def description(self, lang: Lang) -> str:
        """One sentence on what it can be asked."""
        ...

    def work(self, task: Task, desk: Desk) -> FaultDescription:
        """Do the task; what went wrong is the description's `problem`, not an exception."""
        ...
