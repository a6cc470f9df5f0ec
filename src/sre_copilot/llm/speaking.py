"""What the rest of the product knows of language models: a question goes in, a validated value or a reason comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel

Value = TypeVar("Value", bound=BaseModel)
Tier = Literal["fast", "strong"]
Trouble = Literal[
    "no_model",
    "offline",
    "budget",
    "time_out",
    "refused",
    "rate_limited",
    "unreachable",
    "garbage",
    "repetition",
    "cut_off",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Text that came from outside (telemetry, documents, people, other servers): data, never an instruction. It is wrapped before it is sent."""

    text: str
    provenance: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """A tool as a model sees it: its arguments as JSON schema."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(Generic[Value]):
    """All that a model is told. `instructions` is our own text (a prompt file); whatever came from outside goes into `material` alone.

    `needs_tools`: a value given before any tool was called is not taken (small models skip the tools and invent an answer).
    """

    role: str
    instructions: str
    text: str
    result: type[Value]
    material: tuple[Material, ...] = ()
    tools: tuple[ToolSpec, ...] = ()
    needs_tools: bool = False
    tier: Tier = "fast"
    max_calls: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What was spent."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    cost: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply(Generic[Value]):
    """A value of the form that was asked for, or None and why; never an exception for what a model or its server did."""

    value: Value | None
    usage: Usage = field(default_factory=Usage)
    trouble: Trouble | None = None
    problem: str = ""
    model: str = ""


class Ledger(Protocol):
    """The budget of one investigation: what is left, what was spent."""

    @property
    def spent(self) -> Usage:
        """All that was spent."""
        ...

    def exhausted(self) -> str:
        """Which limit is reached, in words; '' when there is room."""
        ...


CallTool = Callable[[str, Mapping[str, Any]], Material]
"""Runs a tool by name with arguments and returns what the model may read; it never raises."""


class Speaker(Protocol):
    """Speaks to a model."""

    @property
    def available(self) -> bool:
        """Whether there is a model at all; without one every question is answered with the trouble `no_model`."""
        ...

    def ledger(self) -> Ledger:
        """Open the budget of one investigation."""
        ...

    def ask(self, question: Question[Value], *, ledger: Ledger, call: CallTool | None = None) -> Reply[Value]:
        """Ask; the reply's value passed its validation, its pseudonyms are restored."""
        ...


class Silent:
    """A speaker where there is no model."""

    available = False

    def ledger(self) -> Ledger:
        """A budget of which nothing is spent."""
        return _Unspent()

    def ask(self, question: Question[Value], *, ledger: Ledger, call: CallTool | None = None) -> Reply[Value]:
        """Say that there is none."""
        return Reply(value=None, trouble="no_model", problem="no language model is configured")


class _Unspent:
    spent = Usage()

    def exhausted(self) -> str:
        return ""
