"""A model may choose among what is known; it can neither invent a service nor turn an order into something else."""

from __future__ import annotations

from typing import Any, cast

import pytest

from sre_copilot.agents.answer import Understood
from sre_copilot.agents.prompts import prompt
from sre_copilot.agents.understanding.intents import INTENTS
from sre_copilot.agents.understanding.refining import Named, Reading, refine
from sre_copilot.llm.speaking import Ledger, Question, Reply, Silent

SERVICES = ("payment", "checkout")


class Says(Silent):
    """A speaker whose model always answers the same."""

    available = True  # type: ignore[assignment]

    def __init__(self, reading: Reading | None) -> None:
        self.reading = reading
        self.asked: list[Question[Any]] = []

    def ask(self, question: Question[Any], *, ledger: Ledger, call: Any = None) -> Reply[Any]:
        self.asked.append(question)
        return Reply(value=self.reading, trouble=None if self.reading else "garbage")


def unsure(text: str, **changed: Any) -> Understood:
    values = {"text": text, "lang": "en", "intent": "smalltalk", "confidence": 0.1, **changed}
    return Understood(**cast("dict[str, Any]", values))


def refined(understood: Understood, reading: Reading | None) -> Understood:
    speaker = Says(reading)
    return refine(understood, speaker, speaker.ledger(), services=SERVICES)


def test_an_intent_and_a_service_that_the_question_names_are_taken() -> None:
    reading = Reading(intent="diagnose", services=[Named(service="payment", words="the till")])
    found = refined(unsure("the till is acting up"), reading)
    assert (found.intent, found.services) == ("diagnose", ("payment",))


@pytest.mark.parametrize(
    "named",
    [
        Named(service="billing", words="the till"),
        Named(service="payment", words="payment"),
        Named(service="payment", words=""),
    ],
)
def test_a_service_that_is_not_known_or_not_in_the_question_is_not_taken(named: Named) -> None:
    assert (
        refined(unsure("the till is acting up"), Reading(intent="diagnose", services=[named])).services == ()
    )


@pytest.mark.parametrize("reading", [None, Reading(intent="format_disk")])
def test_garbage_changes_nothing(reading: Reading | None) -> None:
    before = unsure("the till is acting up")
    assert refined(before, reading) == before


def test_what_is_clear_and_what_is_an_order_is_not_asked_at_all() -> None:
    speaker = Says(Reading(intent="help"))
    for understood in (unsure("x", confidence=0.9), unsure("restart it", intent="act")):
        assert refine(understood, speaker, speaker.ledger(), services=SERVICES) == understood
    assert speaker.asked == []


def test_without_a_model_the_rules_stand() -> None:
    before = unsure("hm")
    assert refine(before, Silent(), Silent().ledger(), services=SERVICES) == before


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_prompt_lists_every_intent_and_the_services(lang: Any) -> None:
    assert {"{intents}", "{services}"} <= {
        part for part in prompt("understanding", lang).split() if "{" in part
    } | {"{services}" if "{services}" in prompt("understanding", lang) else ""}
    speaker = Says(Reading(intent="help"))
    refine(unsure("hm", lang=lang), speaker, speaker.ledger(), services=SERVICES)
    assert all(f"- {name}: " in speaker.asked[0].instructions for name in INTENTS)
    assert "checkout, payment" in speaker.asked[0].instructions
