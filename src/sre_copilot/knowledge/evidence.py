"""What speaks for a passage as the answer to a question, as a few numbers that one small model weighs; see `answering`.

A passage about the same thing is near in sense and shares its words. An answer also speaks of what is asked *about* the thing, near one
place, and there holds a value of the kind that is asked for, which the question has not said itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields

import numpy as np

from sre_copilot.domain.knowledge import Passage, Retrieved
from sre_copilot.knowledge.asked_for import (
    ASKS_A_NUMBER,
    PLAIN_TO_SEE,
    counted,
    kind_of,
    tells,
    things,
    values,
)
from sre_copilot.knowledge.index import HybridIndex
from sre_copilot.knowledge.language import language, sentences, words
from sre_copilot.knowledge.terms import Meanings, Shares, terms

LONGEST = 300  # characters of a sentence that are encoded: a listing is one sentence, and its sense is in its beginning
BESIDE = (
    0.8  # what a word counts in the sentence before or after, in a heading, or in the first row of a table
)
MANY = 8.0  # terms of a long question, and the weight of one rare word: brings sums near 1, so that weights can be read
REACH = (
    30,
    16,
)  # characters before and after a value within which a noun belongs to it; in Chinese about one half
REACH_CHINESE = (14, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Numbers of one passage; shares are of the question's terms, weighted by their rareness, 0..1."""

    near: float  # share that is spoken of around one sentence
    held: float  # share that is spoken of in the passage or its headings
    beyond_title: float  # the same as `near`, of the terms that the document's title does not have
    missing: float  # weight that no word of the passage covers; 1 is one rare word
    terms: float  # how many terms there are; 1 is eight
    focus: float  # how nearly the thing is spoken of that is asked for by name; 1 when none is
    value: float  # how nearly that thing stands beside a number or a name; 1 when none is asked for
    kind: float  # whether that sentence holds the kind of thing that is asked for
    kind_missing: float  # 1 when it is a kind that would be plain to see, and is not there
    asks_a_number: float  # 1 when it is a number, a duration or a date
    asks_a_duration: (
        float  # 1 when it is a duration: texts hold fewer of these than other numbers, so that one tells more
    )
    sense: float  # cosine of question and sentence
    margin: float  # by how much the passage is likelier than the best of any other document
    crossed: float  # 1 when the languages differ: fewer words can be recognised


NAMES = tuple(field.name for field in fields(Evidence))


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """A passage, what speaks for it, and the terms that it does not speak of."""

    found: Retrieved
    evidence: Evidence
    missing: tuple[str, ...]

    def row(self) -> tuple[float, ...]:
        """The numbers in the order of `NAMES`."""
        return astuple(self.evidence)


class Asked:
    """A question taken apart once, for all passages that are looked at."""

    def __init__(self, question: str, index: HybridIndex, meanings: Meanings) -> None:
        self.question = question
        self.meanings = meanings
        self.terms = terms(question)
        self.weights = np.array([_weight(each, index) for each in self.terms]) if self.terms else np.ones(1)
        self.kind = kind_of(question)
        self.language = language(question)
        self.counted = counted(question)
        named = tuple(each for each in things(question) if terms(each))[:2]
        self.named = named if self.kind == "which" and not self.counted else ()
        self.focus = tuple(dict.fromkeys((*named, *self.counted)))
        self.vector = meanings.vectors([question])[0]

    def spoken_of(self, texts: Sequence[str]) -> Shares:
        """How nearly each text speaks of each term."""
        if not self.terms:
            return np.ones((len(texts), 1))
        return self.meanings.spoken_of(self.terms, texts)

    def share(self, row: Shares) -> float:
        """The share of the question's weight."""
        return float(row @ self.weights / self.weights.sum())


def weigh(asked: Asked, found: Sequence[Retrieved]) -> tuple[Weighed, ...]:
    """Measure each of the passages that were found."""
    best: dict[str, float] = {}
    for each in found:
        document = each.passage.document_id
        best[document] = max(best.get(document, 0.0), each.score)
    return tuple(_weighed(asked, each, best) for each in found)


def _weighed(asked: Asked, found: Retrieved, best: dict[str, float]) -> Weighed:
    passage = found.passage
    lines = [each for each in sentences(passage.text) if len(each) > 3] or [passage.text]
    head = " ".join(dict.fromkeys((passage.title, *passage.headings)))
    *rows, headed, titled = asked.spoken_of([*lines, head, passage.title])
    shares = np.array(rows)
    around = _around(lines, shares, headed)
    senses = asked.meanings.vectors([line[:LONGEST] for line in lines]) @ asked.vector
    kinds = np.array([tells(line, asked.kind, asked.question) for line in lines], dtype=np.float64)
    beside = np.array([_beside(asked, line) for line in lines])
    # the sentence is chosen by shares first, the rest decides between equals
    at = int(
        np.argmax(around @ asked.weights / asked.weights.sum() + 0.6 * senses + 0.4 * kinds + 0.3 * beside)
    )
    held = np.maximum(shares.max(axis=0), headed)
    rest = (1.0 - titled) * asked.weights
    others = max((score for key, score in best.items() if key != passage.document_id), default=0.0)
    evidence = Evidence(
        near=asked.share(around[at]),
        held=asked.share(held),
        beyond_title=float(around[at] @ rest / rest.sum()) if rest.sum() > 1e-6 else 0.6,
        missing=float((1.0 - held) @ asked.weights) / MANY,
        terms=len(asked.terms) / MANY,
        focus=_focus(asked, passage, head),
        value=float(beside[at]),
        kind=float(kinds[at]),
        kind_missing=float(asked.kind in PLAIN_TO_SEE and not kinds[at]),
        asks_a_number=float(asked.kind in ASKS_A_NUMBER),
        asks_a_duration=float(asked.kind == "duration"),
        sense=float(senses[at]),
        margin=found.score - others,
        crossed=float(passage.lang != asked.language),
    )
    absent = tuple(term for term, share in zip(asked.terms, held, strict=False) if share < 0.5)
    return Weighed(found=found, evidence=evidence, missing=absent)


def _around(lines: Sequence[str], shares: Shares, headed: Shares) -> Shares:
    """What is spoken of around each sentence: in it, and a little less in its neighbours, the headings and the first row of its table."""
    tables = [at for at, line in enumerate(lines) if line.startswith("|")]
    found = []
    for at, own in enumerate(shares):
        near = [*shares[max(0, at - 1) : at + 2], headed]
        if at in tables:
            near.append(shares[tables[0]])
        found.append(np.maximum(own, BESIDE * np.max(near, axis=0)))
    return np.array(found)


def _beside(asked: Asked, line: str) -> float:
    """How nearly what is counted, or asked for by name, stands beside a value."""
    nouns = asked.counted or asked.named
    if not nouns:
        return 1.0
    before, after = REACH_CHINESE if language(line) == "zh" else REACH
    if asked.counted:  # a number stands before what it counts, a name after what it names
        before, after = after, before
    spans = values(line, asked.kind, asked.question)
    texts = [line[max(0, start - before) : end + after] for start, end in spans]
    return float(asked.meanings.spoken_of(nouns, texts).min(axis=1).max()) if texts else 0.0


def _focus(asked: Asked, passage: Passage, head: str) -> float:
    if not asked.focus:
        return 1.0
    return float(asked.meanings.spoken_of(asked.focus, [f"{head}\n{passage.text}"])[0].mean())


def _weight(term: str, index: HybridIndex) -> float:
    """How rare a term is among the passages, by its words or its meaning; one that no passage has is as rare as can be."""
    taken = words(term)
    known = [index.own.weight(each) for each in taken.own if index.own.knows(each)]
    known += [index.shared.weight(each) for each in taken.shared if index.shared.knows(each)]
    return max(known, default=index.own.weight("\0unknown"))
