"""What is known beforehand: experience, procedures, past faults and documents, and passages quoted from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Lang = Literal["en", "zh"]
Kind = Literal["card", "sop", "case", "document", "conversation"]
Standing = Literal["draft", "accepted", "rejected", "retired"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where something is said to hold: services (none: everywhere), and labels that must match."""

    services: tuple[str, ...] = ()
    severity: str = ""
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One experience: what caused it, how it shows, how to stop the loss. Trust is 0..1 and moves with outcomes.

    `signature` names the kinds of findings (`metric.saturation`, `log.new_template` …) and the fault type that it is recognised by.
    """

    id: str
    title: str
    root_cause: str
    manifestation: str
    measure: str
    owner: str = ""
    scope: Scope = Scope()
    fault_type: str = ""
    signature: tuple[str, ...] = ()
    standing: Standing = "draft"
    trust: float = 0.5
    revision: int = 1
    lang: Lang = "en"
    origin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastFault:
    """A fault that was, as it was judged and confirmed; `signature` as of a card."""

    id: str
    at: float
    service: str
    fault_type: str
    summary: str
    measure: str = ""
    effectiveness: float | None = None
    signature: tuple[str, ...] = ()
    severity: str = ""
    duration_s: float | None = None
    standing: Standing = "draft"
    investigation_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A part of a document that can be quoted: its own words, with the document, the headings above it, and the page where there is one."""

    id: str
    document_id: str
    kind: Kind
    title: str
    text: str
    headings: tuple[str, ...] = ()
    page: int | None = None
    lang: Lang = "en"
    scope: Scope = Scope()


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieved:
    """A passage that fits a question; `score` is 0..1 and comparable between questions, so that "nothing fits" can be said."""

    passage: Passage
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """A known fault that fits what was found now.

    `match` is 0..1, `margin` how far the next one is behind; `confirmed` says that the checks of its signature hold on the present telemetry.
    Only match, margin and check together make an instant recall (`certain`).
    """

    match: float
    margin: float
    confirmed: bool
    certain: bool
    entity: str = ""
    """Where it fits now."""
    card: Card | None = None
    past: PastFault | None = None
