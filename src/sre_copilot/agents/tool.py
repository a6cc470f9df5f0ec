"""What a tool is: it reads, it answers in a digest, and what it says is a finding that anyone can re-run.

One file a tool in `agents/tools/`, registered in `sre_copilot.tools`. A tool cannot act, takes no host and no address, and never
returns raw telemetry: a digest within its budget, and a handle to page on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from sre_copilot.agents.scene import Scene
from sre_copilot.domain.evidence import Finding, Gap, Message
from sre_copilot.domain.incident import Diagnosis, Observation
from sre_copilot.domain.knowledge import Lang, Recalled, Retrieved, Scope
from sre_copilot.domain.signals import Window
from sre_copilot.knowledge.answering import Answered
from sre_copilot.perception.source import Asked
from sre_copilot.settings.section import Role

Say = Callable[[Message, Lang], str]
"""Says a message in a language: the sentences are kept further up, and handed down."""

Outcome = Literal["success", "error", "no_data", "approval_required"]


class Arguments(BaseModel):
    """Arguments of a tool; an unknown one is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TimeArguments(Arguments):
    """A stretch of time, RFC 3339 UTC; the scene's own incident window where both are left out."""

    start: str = Field(default="", description="Start, RFC 3339 UTC, for example 2026-01-31T14:00:00Z")
    end: str = Field(default="", description="End, RFC 3339 UTC")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What a tool says. `digest` is what a model or a person reads first; `rows` holds all of it and stays with us, paged by `handle`.

    Each statement of the digest is one of the `findings`, which re-run true on `observation`; `problem` says, on an error, the query, the range
    and the server's own words.
    """

    outcome: Outcome
    digest: str = ""
    findings: tuple[Finding, ...] = ()
    gaps: tuple[Gap, ...] = ()
    asked: tuple[Asked, ...] = ()
    problem: str = ""
    rows: pl.DataFrame | None = None
    handle: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    observation: Observation | None = None


class Investigated(Protocol):
    """What the deterministic core concluded, with all that it rests on."""

    @property
    def observation(self) -> Observation: ...
    @property
    def diagnosis(self) -> Diagnosis: ...
    @property
    def considered(self) -> tuple[Finding, ...]: ...
    @property
    def observed(self) -> Mapping[str, tuple[float | None, ...]]: ...


class Investigator(Protocol):
    """The deterministic core: an observation in, a diagnosis out."""

    def __call__(self, observation: Observation) -> Investigated: ...


class Library(Protocol):
    """What is known beforehand, as agents may use it: they read, they never write."""

    def search(
        self, question: str, *, scope: Scope | None = None, kinds: tuple[str, ...] = (), limit: int = 5
    ) -> tuple[Retrieved, ...]:
        """Passages that fit, best first; none when nothing fits."""
        ...

    def answer(self, question: str, *, scope: Scope | None = None, limit: int = 3) -> Answered:
        """Passages that answer a question, word by word; none, and what no document speaks of."""
        ...

    def recall(
        self, findings: tuple[Finding, ...], *, observation: Observation, fault_type: str = "", limit: int = 5
    ) -> tuple[Recalled, ...]:
        """Known faults that fit what was found, best first."""
        ...


class Pages(Protocol):
    """Rows of earlier results, kept for a while."""

    def rows(self, handle: str) -> pl.DataFrame | None:
        """The rows behind a handle; None when they are no longer kept."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolContext:
    """All that a tool may use: what the composition root hands out, and nothing it could act with."""

    scene: Scene
    investigate: Investigator
    say: Say
    lang: Lang = "en"
    role: Role = "viewer"
    library: Library | None = None
    incident_window: Window | None = None
    pages: Pages | None = None
    digest_characters: int = 2400


class Tool(Protocol):
    """Answers one kind of question about the scene."""

    name: ClassVar[str]
    Arguments: ClassVar[type[Arguments]]
    needs: ClassVar[Role]

    def description(self, lang: Lang) -> str:
        """One sentence on what it answers, for models and people."""
        ...

    def run(self, arguments: Any, context: ToolContext) -> ToolResult:
        """Answer; a failure is a result with the outcome `error`, not an exception."""
        ...
