"""A model's second look at a question that the rules were unsure of: it may choose among what is known, and adds nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pydantic import BaseModel, ConfigDict, Field

from sre_copilot.agents.answer import Understood
from sre_copilot.agents.prompts import prompt
from sre_copilot.agents.understanding.intents import INTENTS
from sre_copilot.agents.understanding.wording import plain
from sre_copilot.llm.speaking import Ledger, Question, Speaker

UNSURE = 0.6  # confidence of the rules from which on they are not asked again
REFINED = 0.6  # confidence of what a model chose: as much as the rules' own where they are just sure
MOST_NAMES = 60  # services that are offered: more would fill a small model's context


class Named(BaseModel):
    """A service, and the words of the question that mean it."""

    model_config = ConfigDict(extra="forbid")
    service: str = Field(max_length=200)
    words: str = Field(max_length=200)


class Reading(BaseModel):
    """How a model reads a question."""

    model_config = ConfigDict(extra="forbid")
    intent: str = Field(max_length=40)
    services: list[Named] = Field(default_factory=list, max_length=10)


def refine(
    understood: Understood, speaker: Speaker, ledger: Ledger, *, services: Sequence[str] = ()
) -> Understood:
    """What was understood, with a model's choice of intent and services where the rules were unsure.

    An intent must be one that there is; a service must be known, and the words that are said to mean it must stand in the question.
    Times and parameters stay as the rules read them. An order to act stays one.
    """
    if (
        understood.confidence >= UNSURE
        or understood.intent == "act"
        or not speaker.available
        or understood.parts
    ):
        return understood
    question = Question(
        role="understanding",
        instructions=_instructions(understood, services),
        text=understood.text,
        result=Reading,
        max_calls=1,
    )
    reading = speaker.ask(question, ledger=ledger).value
    if reading is None or reading.intent not in INTENTS:
        return understood
    found = understood.services or _named(reading, plain(understood.text), services)
    missing = tuple(name for name in INTENTS[reading.intent].needs if name == "service" and not found)
    return replace(
        understood,
        intent=reading.intent,
        services=found,
        missing=missing,
        confidence=max(REFINED, understood.confidence),
    )


def _named(reading: Reading, text: str, services: Sequence[str]) -> tuple[str, ...]:
    known = set(services)
    named = [each for each in reading.services if each.service in known]
    return tuple(dict.fromkeys(each.service for each in named if each.words and plain(each.words) in text))


def _instructions(understood: Understood, services: Sequence[str]) -> str:
    listed = "\n".join(
        f"- {name}: {intent.zh if understood.lang == 'zh' else intent.en}" for name, intent in INTENTS.items()
    )
    names = ", ".join(sorted(services)[:MOST_NAMES])
    return prompt("understanding", understood.lang).format(intents=listed, services=names)
