"""Single lines of an answer that terminal and Markdown share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sre_copilot.domain.knowledge import Lang
from sre_copilot.incidents.report.numbers import percentage
from sre_copilot.incidents.report.words import fault_words, word

SEPARATOR = " · "


def confidence(document: Mapping[str, Any]) -> str:
    """How sure it is of the cause; '' where none is named."""
    found = document["diagnosis"]
    if not found or found["outcome"] != "fault" or found["confidence"] is None:
        return ""
    return word("ask.confidence", document["lang"], percent=percentage(found["confidence"]))


def headline_findings(document: Mapping[str, Any]) -> list[str]:
    """The findings of the headline, where it is one of the claims."""
    return [
        name
        for claim in document["claims"]
        if claim["text"] == document["headline"]
        for name in claim["findings"]
    ]


def other_claims(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The claims that the headline does not say already."""
    return [claim for claim in document["claims"] if claim["text"] != document["headline"]]


def quote_line(quote: Mapping[str, Any], lang: Lang) -> str:
    """Where a passage stands: document, headings, page."""
    page = word("ask.page", lang, page=quote["page"]) if quote["page"] else ""
    return SEPARATOR.join(part for part in (quote["document"], " › ".join(quote["headings"]), page) if part)


def known_line(known: Mapping[str, Any], lang: Lang) -> str:
    """A known fault: what it was, how well it fits, what helped."""
    state = "confirmed" if known["confirmed"] else "unconfirmed"
    measure = word("ask.known.measure", lang, measure=known["measure"]) if known["measure"] else ""
    kind = fault_words(known["fault_type"], lang) if known["fault_type"] else ""
    match = word("ask.known.match", lang, percent=round(100 * (known["match"] or 0.0)))
    parts = (known["title"], kind, match, word(f"ask.known.{state}", lang), measure, known["id"])
    return SEPARATOR.join(part for part in parts if part)


def partial(document: Mapping[str, Any]) -> str:
    """Which limit cut it short; '' when none did."""
    reason = document["partial"]
    return word("ask.partial", document["lang"], reason=reason) if reason else ""


def usage(document: Mapping[str, Any]) -> str:
    """What the model cost; '' where none was asked."""
    spent = document["usage"]
    if not spent["calls"]:
        return ""
    tokens = spent["input_tokens"] + spent["output_tokens"]
    told = word("ask.usage", document["lang"], calls=spent["calls"], tokens=tokens, seconds=spent["seconds"])
    cost = word("ask.usage.cost", document["lang"], cost=spent["cost"]) if spent["cost"] else ""
    return told + cost
