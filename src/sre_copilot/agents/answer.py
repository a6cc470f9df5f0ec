"""What a team says: claims that each rest on findings, and the events on the way there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sre_copilot.agents.tool import Investigated
from sre_copilot.domain.evidence import Finding, Gap, Message, Refutation
from sre_copilot.domain.incident import Diagnosis
from sre_copilot.domain.knowledge import Lang, Recalled, Retrieved
from sre_copilot.domain.signals import Window
from sre_copilot.llm.speaking import Usage
from sre_copilot.perception.source import Asked

EventKind = Literal[
    "started",
    "intent",
    "plan",
    "tool_call",
    "tool_result",
    "finding",
    "hypothesis",
    "recalled",
    "claim",
    "refuted",
    "note",
    "answer",
    "ended",
]
AnswerKind = Literal["diagnosis", "measured", "knowledge", "listing", "query", "code", "declined"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One sentence and the findings that it rests on; only `agents.grounding` makes one that may be printed."""

    text: str
    finding_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened while an answer was formed: what people watch, and what the room keeps."""

    kind: EventKind
    agent: str
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)


Listener = Callable[[Event], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """A question as the copilot understood it.

    `intent` is one of `agents.understanding.intents.INTENTS`; `missing` names what has to be asked back; `confidence` 0..1 is how clearly the rules matched.
    """

    text: str
    lang: Lang
    intent: str
    services: tuple[str, ...] = ()
    window: Window | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    confidence: float = 0.0
    parts: tuple[Understood, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is said in the end. Every claim's findings were re-run; `partial` says which limit cut it short; `declined` why there is none."""

    kind: AnswerKind
    lang: Lang
    headline: str
    understood: Understood
    claims: tuple[Claim, ...] = ()
    findings: tuple[Finding, ...] = ()
    observed: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    """What the checks of each finding evaluated to when they were re-run, by its id."""
    struck: tuple[Refutation, ...] = ()
    gaps: tuple[Gap, ...] = ()
    reasons: tuple[Message, ...] = ()
    next_steps: tuple[Message, ...] = ()
    diagnosis: Diagnosis | None = None
    investigated: Investigated | None = None
    asked: tuple[Asked, ...] = ()
    quotes: tuple[Retrieved, ...] = ()
    recalled: tuple[Recalled, ...] = ()
    body: str = ""
    partial: str = ""
    usage: Usage = field(default_factory=Usage)
