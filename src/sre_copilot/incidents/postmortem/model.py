"""The report as data, free of any language: sections of sentences, each with the records that it rests on; times are epoch seconds UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sre_copilot.domain.evidence import Message
from sre_copilot.incidents.report.model import Language
from sre_copilot.incidents.report.words import say

SectionName = Literal[
    "impact", "cause", "timeline", "actions", "good", "bad", "follow_ups", "comments", "missing"
]
Outcome = Literal["fault", "no_fault", "inconclusive", "failed", "none", "hidden"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A sentence, the records that it rests on (`timeline/12`, `plan/PLAN-…`), and where it tells of a moment, when and who.

    `spoken` is a sentence that was kept in every language when it was found; then `sentence` only names what it is.
    A line without a record says that there is none.
    """

    sentence: Message
    rests_on: tuple[str, ...] = ()
    at: float | None = None
    who: str = ""
    spoken: Mapping[Language, str] = field(default_factory=dict)

    def text(self, lang: Language) -> str:
        """The sentence in a language."""
        return self.spoken.get(lang) or say(self.sentence, lang)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One part of the report; never empty: where there is nothing to say, that is said."""

    name: SectionName
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Postmortem:
    """Everything that is told of one incident at `made_at`; a person's comments are in a section of their own, and making the report anew changes none of them."""

    incident_id: str
    number: int
    title: str
    status: str
    severity: str
    priority: str
    services: tuple[str, ...]
    began_at: float
    opened_at: float
    resolved_at: float | None
    made_at: float
    outcome: Outcome
    headline: Line
    sections: tuple[Section, ...]

    def section(self, name: SectionName) -> Section:
        """One part."""
        return next(each for each in self.sections if each.name == name)


def line(
    key: str,
    *rests_on: str,
    at: float | None = None,
    who: str = "",
    **params: str | float,
) -> Line:
    """A line of the sentence `postmortem.KEY`."""
    message = Message(key=f"postmortem.{key}", params=tuple(params.items()))
    return Line(sentence=message, rests_on=rests_on, at=at, who=who)


def named(names: tuple[str, ...] | list[str], most: int = 10) -> str:
    """Names in one parameter; of many the first ones, and how many more."""
    shown = ", ".join(str(each) for each in names[:most])
    return f"{shown} … (+{len(names) - most})" if len(names) > most else shown
