"""A model may word claims more readably; what it writes is taken only when it says nothing that the claims do not say.

The rule is deliberately narrow: numbers, names and all words that carry meaning are those of the sentence that is cited, in its order;
what is negated or goes up or down is so there as well. What does not pass is replaced by the product's own sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pydantic import BaseModel, Field

from sre_copilot.agents.agent import Desk
from sre_copilot.agents.answer import Claim
from sre_copilot.agents.prompts import prompt
from sre_copilot.domain.knowledge import Lang
from sre_copilot.llm.speaking import Material, Question

LONGER = 1.3  # times the length of what is cited: wording, not elaboration
KEPT = 0.6  # of what carries meaning: leaving out more makes another sentence of it
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_WORD = re.compile(r"[A-Za-z][A-Za-z_./:-]*[A-Za-z0-9_]|[A-Za-z]")
_TOKEN = re.compile(rf"{_NUMBER.pattern}|{_WORD.pattern}|[㐀-鿿]")
_FUNCTION_WORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "been",
        "being",
        "by",
        "for",
        "from",
        "had",
        "has",
        "have",
        "in",
        "into",
        "is",
        "it",
        "its",
        "of",
        "on",
        "or",
        "since",
        "so",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "those",
        "to",
        "was",
        "were",
        "which",
        "while",
        "with",
        "within",
        "during",
        "per",
        "about",
        "around",
        "also",
        "both",
        "each",
    ]
)
_FUNCTION_CHARACTERS = frozenset(
    "的了在是和与及或为由从到至于之间内中上下时分秒其该此这那有个条均都也并且而以约共"
)
_POLAR: tuple[frozenset[str], ...] = (
    frozenset({"no", "not", "never", "without", "none", "nothing", "cannot", "neither", "nor", "n't"}),
    frozenset({"rose", "rises", "risen", "higher", "above", "increased", "more", "grew", "longer"}),
    frozenset(
        {"fell", "falls", "fallen", "lower", "below", "decreased", "less", "fewer", "dropped", "shorter"}
    ),
)
_POLAR_CHINESE: tuple[str, ...] = ("不未无没非", "升增高多超", "降减低少")


class Sentence(BaseModel):
    """One sentence and the claims that it words."""

    cites: list[str] = Field(description="ids of the findings that the sentence rests on, as given")
    text: str = Field(max_length=600, description="the sentence")


class Wording(BaseModel):
    """All sentences."""

    sentences: list[Sentence] = Field(max_length=12)


def faithful(text: str, sources: Sequence[str]) -> bool:
    """Whether a sentence says just what its sources say: all of their numbers, no other word that carries meaning, all in the same order.

    The order keeps who did what to whom, the numbers keep "101, normally 6" from becoming "6".
    """
    source = " ".join(sources)
    if not text.strip() or "\n" in text or len(text) > LONGER * len(source):
        return False
    said, meant = _meaning(text), _meaning(source)
    return (
        _NUMBER.findall(text) == _NUMBER.findall(source)
        and _is_part(said, meant)
        and len(said) >= KEPT * len(meant)
        and _polarity(text) == _polarity(source)
    )


def _meaning(text: str) -> list[str]:
    """Numbers, words and Chinese characters that carry meaning, in their order."""
    found = (match.casefold() for match in _TOKEN.findall(text))
    return [each for each in found if each not in _FUNCTION_WORDS and each not in _FUNCTION_CHARACTERS]


def _is_part(said: Sequence[str], meant: Sequence[str]) -> bool:
    """Whether `said` is `meant` with some left out."""
    rest = iter(meant)
    return all(each in rest for each in said)


def _polarity(text: str) -> tuple[int, ...]:
    words = [found.casefold() for found in _WORD.findall(text)]
    english = tuple(sum(word in kind for word in words) for kind in _POLAR)
    chinese = tuple(sum(text.count(character) for character in kind) for kind in _POLAR_CHINESE)
    return english + chinese


def reworded(claims: Sequence[Claim], desk: Desk) -> tuple[Claim, ...]:
    """The claims as a model words them, each sentence only where it is faithful; the claims themselves everywhere else."""
    if len(claims) == 0 or not desk.speaker.available or desk.ledger.exhausted():
        return tuple(claims)
    listed = "\n".join(f"[{','.join(claim.finding_ids)}] {claim.text}" for claim in claims)
    reply = desk.speaker.ask(
        Question(
            role="wording",
            instructions=prompt("wording", desk.context.lang),
            text=_TASK[desk.context.lang],
            material=(Material(text=listed, provenance="verified claims"),),
            result=Wording,
            max_calls=1,
        ),
        ledger=desk.ledger,
    )
    return taken(claims, reply.value.sentences) if reply.value else tuple(claims)


_TASK: dict[Lang, str] = {
    "en": "Word these claims for an on-call engineer.",
    "zh": "请为值班工程师改写这些结论。",
}


def taken(claims: Sequence[Claim], sentences: Iterable[Sentence]) -> tuple[Claim, ...]:
    """The claims in their order; one is replaced by the first faithful sentence that cites just its findings."""
    offered = {frozenset(sentence.cites): sentence.text.strip() for sentence in reversed(list(sentences))}
    return tuple(
        Claim(text=text, finding_ids=claim.finding_ids)
        if (text := offered.get(frozenset(claim.finding_ids), "")) and faithful(text, [claim.text])
        else claim
        for claim in claims
    )
