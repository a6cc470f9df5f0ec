"""Questions to documents: the exact words of a passage with document and page, or that nothing was found.

A passage that is about the same thing is not yet an answer. It must also speak of what the question names, of the thing that it asks for
(“which provider”), and hold that kind of thing (a duration for “how long”), in either language. What is missing is told, so that a
refusal can be understood. This refuses too much rather than too little: whoever asks still sees the nearest passages by searching.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sre_copilot.domain.knowledge import Passage, Retrieved, Scope
from sre_copilot.knowledge.asked_for import asked_for, holds, things
from sre_copilot.knowledge.index import HybridIndex, indexed_text
from sre_copilot.knowledge.language import language, words

QUOTED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What documents say to a question: passages word by word, best first; none, and why.

    `missing` is what no passage that fits speaks of; `nearest` are passages about the same thing, which are no answer.
    """

    quotes: tuple[Retrieved, ...] = ()
    reason: Literal["", "nothing_fits", "terms_missing"] = ""
    missing: tuple[str, ...] = ()
    nearest: tuple[Retrieved, ...] = ()


ANSWERS = 0.45
"""Score from which on a passage is quoted: nearly as likely as not about what was asked; the other conditions then refuse three of four that are not."""
CERTAIN = 0.7
"""Score that is asked for when the question has a word that no document knows: it may be an unusual word, or the name of something else."""
_NAME = re.compile(
    r"[A-Za-z0-9]+(?:[._:/@#+]+[A-Za-z0-9]+)+|[A-Za-z]+-?\d[A-Za-z0-9]*|\d[\w.]*|(?<=[a-z0-9,;:)\"'] )[A-Z][A-Za-z0-9]*|\b[A-Z][a-z]*[A-Z][A-Za-z0-9]*"
)
_LATIN = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[._:/@#+-]+[A-Za-z0-9]+)*")


def answer(
    question: str,
    index: HybridIndex,
    *,
    scope: Scope | None = None,
    kinds: Sequence[str] = (),
    limit: int = QUOTED,
) -> Answered:
    """Quote the passages that answer, or say that none does."""
    found = index.search(question, scope=scope, kinds=kinds, limit=limit)
    unknown = index.unknown(question)
    fitting = tuple(each for each in found if each.score >= (CERTAIN if unknown else ANSWERS))
    lacking = [_lacks(question, each.passage, index) for each in fitting]
    quotes = tuple(each for each, missing in zip(fitting, lacking, strict=True) if not missing)
    if quotes:
        return Answered(quotes=quotes)
    missing = lacking[0] if lacking else unknown
    return Answered(reason="terms_missing" if missing else "nothing_fits", missing=missing, nearest=found)


def _lacks(question: str, passage: Passage, index: HybridIndex) -> tuple[str, ...]:
    """What a passage would have to say, and does not."""
    kind = asked_for(question)
    text = indexed_text(passage)
    missing = [
        *lacks(question, index.document(passage)),
        *(each for each in things(question) if not speaks_of(text, each)),
    ]
    return tuple(dict.fromkeys([*missing, *([] if holds(passage.text, kind) else [kind])]))


def speaks_of(text: str, term: str) -> bool:
    """Whether a text holds a term, as such or by its meaning in the other language."""
    taken, wanted = words(text), words(term)
    held = {*taken.shared, *taken.own, *(f"={each}" for each in taken.own)}
    return term in text.lower() or bool(held & {*wanted.shared, *wanted.own})


def names(question: str) -> tuple[str, ...]:
    """What a question names: identifiers, numbers, words with capitals within a sentence, Latin words in Chinese."""
    found = [*_NAME.findall(question), *(_LATIN.findall(question) if language(question) == "zh" else ())]
    return tuple(dict.fromkeys(found))


def lacks(question: str, document: Sequence[Passage]) -> tuple[str, ...]:
    """What a question names and a document does not speak of, in neither language."""
    text = "\n".join(indexed_text(passage) for passage in document)
    return tuple(
        name for name in names(question) if name.lower() not in text.lower() and not speaks_of(text, name)
    )
