"""Passages by words and by sense at once; the score is how likely a passage is about what was asked, in whatever language.

Measures of one passage: the angle of its nearest sentence to the question, the share of the question's words that it holds, and the
share of its meanings that it holds; the two shares also of its document as a whole. Words count only between texts of one language. Each pair of languages has its own weights, so that the
scores of an English and of a Chinese passage can be compared: fusing ranks instead would let the passages of the question's language win.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sre_copilot.domain.knowledge import Passage, Retrieved, Scope
from sre_copilot.knowledge.encoder import Encoder, Vectors
from sre_copilot.knowledge.junk import alike
from sre_copilot.knowledge.language import Words, language, latin_runs, sentences, width, words
from sre_copilot.knowledge.lexical import LexicalIndex

WINDOW = 120  # characters that sentences are joined to before they are encoded: a sentence of five words has no sense of its own
MOST_PARTS = 10  # vectors of one passage, so that a long table cannot fill the memory
ENCODED = (
    600  # characters of the passage as a whole that are encoded: the encoder averages, and more blurs it
)
CANDIDATES = 60  # passages that are looked at for copies and the share of one document
OF_ONE_DOCUMENT = 3  # passages of one document in an answer: one long document does not push the others out
OF_DOCUMENT = 6  # mentions of one word that count in a document as a whole: two in each of three passages
NOTHING_FITS = 0.05
"""Least score of what is shown at all: one in twenty of those is right; what may be quoted as an answer must be likelier, see `answering`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """How the measures are weighed, so that the sum is the logit of being about what was asked."""

    bias: float
    sense: float
    own: float
    shared: float
    document_own: float
    document_shared: float


# Fitted on the seen half of the questions of `eval retrieval`: first their order (a softmax over all passages of a question, with a small
# penalty), then one slope and one bias for how often the best passage is right, where every question was also asked of a base without its answer.
SAME = Weights(bias=-4.4, sense=2.2, own=1.0, shared=2.4, document_own=1.6, document_shared=2.1)
CROSSED = Weights(bias=-4.5, sense=1.8, own=0.0, shared=2.3, document_own=0.0, document_shared=4.0)


class Senses(Protocol):
    """Finds passages by their vectors."""

    def similarities(self, vector: Vectors) -> tuple[Sequence[str], NDArray[np.float32]]:
        """Passages, and the cosine of each one's nearest part; those that are far may be left out."""
        ...


@dataclass(frozen=True, slots=True)
class Measures:
    """What was measured of every passage, one number each: cosine -1..1, shares 0..1, whether the language is that of the question."""

    sense: NDArray[np.float32]
    own: NDArray[np.float32]
    shared: NDArray[np.float32]
    document_own: NDArray[np.float32]
    document_shared: NDArray[np.float32]
    same: NDArray[np.bool_]


class HybridIndex:
    """Passages, ready to be asked; it is made anew when they change."""

    def __init__(self, passages: Sequence[Passage], *, senses: Senses, encoder: Encoder) -> None:
        self.passages = tuple(passages)
        self._senses = senses
        self.encoder = encoder
        self._keys: Sequence[str] = ()
        self._places = np.zeros(0, dtype=np.int64)
        self._at = {passage.id: at for at, passage in enumerate(self.passages)}
        taken = [words(indexed_text(passage)) for passage in self.passages]
        self.own = LexicalIndex([each.own for each in taken])
        self.shared = LexicalIndex([each.shared for each in taken])
        self._of, held = _by_document(self.passages, taken)
        self._document_own = LexicalIndex([each.own for each in held], mentions=OF_DOCUMENT)
        self._document_shared = LexicalIndex([each.shared for each in held], mentions=OF_DOCUMENT)
        self._vocabularies = [frozenset(words(passage.text).own) for passage in self.passages]
        self._chinese = np.array([passage.lang == "zh" for passage in self.passages], dtype=bool)

    def search(
        self,
        question: str,
        *,
        scope: Scope | None = None,
        kinds: Iterable[str] = (),
        limit: int = 5,
        least: float = NOTHING_FITS,
    ) -> tuple[Retrieved, ...]:
        """Passages that fit, best first; none when nothing fits."""
        if not self.passages or not question.strip():
            return ()
        scores = fused(self.measures(question))
        wanted = frozenset(kinds)
        if scope is not None or wanted:
            scores[~self._allowed(scope, wanted)] = 0.0
        order = np.argsort(-scores, kind="stable")[:CANDIDATES]
        chosen = self._varied([int(at) for at in order if scores[at] >= least], limit)
        return tuple(Retrieved(passage=self.passages[at], score=float(scores[at])) for at in chosen)

    def measures(self, question: str) -> Measures:
        """Measure every passage."""
        asked = words(question)
        sense = self._sense(question)
        # a word of the other language that no passage has is unknown, not missing; what is unknown is said by `understood`
        shared = [token for token in asked.shared if token[0] == "~" or self.shared.knows(token)]
        understood = np.float32(asked.understood)
        return Measures(
            sense=sense,
            own=self.own.scores(asked.own),
            shared=self.shared.scores(shared) * understood,
            document_own=self._document_own.scores(asked.own)[self._of],
            document_shared=self._document_shared.scores(shared)[self._of] * understood,
            same=self._chinese == (language(question) == "zh"),
        )

    def unknown(self, question: str) -> tuple[str, ...]:
        """Words of a question that no passage holds and that have no known meaning: names of what is not spoken of, or unusual words."""
        asked = words(question).shared
        strange = {token for token in asked if token[0] == "=" and not self.shared.knows(token)}
        return tuple(
            dict.fromkeys(run for run in latin_runs(question) if strange.intersection(words(run).shared))
        )

    def document(self, passage: Passage) -> tuple[Passage, ...]:
        """All passages of the document of a passage."""
        return tuple(each for each in self.passages if each.document_id == passage.document_id)

    def _sense(self, question: str) -> NDArray[np.float32]:
        """The cosine of each passage; a passage that was too far to be named is as far as the farthest that was."""
        keys, values = self._senses.similarities(self.encoder.encode([question])[0])
        if (
            keys is not self._keys
        ):  # all of them, in one order, are named again and again by the default store
            self._places = np.array([self._at.get(key, -1) for key in keys], dtype=np.int64)
            self._keys = keys
        sense = np.full(len(self.passages), float(values.min()) if len(values) else 0.0, dtype=np.float32)
        known = self._places >= 0
        sense[self._places[known]] = values[known]
        return sense

    def _allowed(self, scope: Scope | None, kinds: frozenset[str]) -> NDArray[np.bool_]:
        return np.array(
            [(not kinds or p.kind in kinds) and applies(p.scope, scope) for p in self.passages], dtype=bool
        )

    def _varied(self, order: Sequence[int], limit: int) -> list[int]:
        """The best without copies, and without more than a few of one document."""
        chosen: list[int] = []
        count: dict[str, int] = {}
        for at in order:
            document = self.passages[at].document_id
            copied = any(alike(self._vocabularies[at], self._vocabularies[other]) for other in chosen)
            if copied or count.get(document, 0) >= OF_ONE_DOCUMENT:
                continue
            chosen.append(at)
            count[document] = count.get(document, 0) + 1
            if len(chosen) == limit:
                break
        return chosen


def fused(measures: Measures) -> NDArray[np.float32]:
    """One score of each passage, 0..1."""
    return np.where(measures.same, _weighed(measures, SAME), _weighed(measures, CROSSED)).astype(np.float32)


def applies(passage: Scope, wanted: Scope | None) -> bool:
    """Whether what is said for a scope holds where it is asked for; what is said for no service in particular holds for all."""
    if wanted is None:
        return True
    services = (
        not passage.services or not wanted.services or bool(set(passage.services) & set(wanted.services))
    )
    severity = not passage.severity or not wanted.severity or passage.severity == wanted.severity
    known = dict(passage.labels)
    return services and severity and all(known.get(key, value) == value for key, value in wanted.labels)


def indexed_text(passage: Passage) -> str:
    """What a passage is found by: its words below the headings that stand above it."""
    return "\n".join(dict.fromkeys((passage.title, *passage.headings, passage.text)))


def parts(passage: Passage) -> tuple[str, ...]:
    """The texts that are encoded of a passage: the whole below its headings, the headings, and its sentences."""
    head = " ".join(dict.fromkeys((passage.title, *passage.headings)))
    return (f"{head}\n{passage.text}"[:ENCODED], head, *_windows(passage.text))[:MOST_PARTS]


def _by_document(
    passages: Sequence[Passage], taken: Sequence[Words]
) -> tuple[NDArray[np.int64], list[Words]]:
    """The document of each passage, by its place among the documents, and the words of each document."""
    places: dict[str, int] = {}
    for passage in passages:
        places.setdefault(passage.document_id, len(places))
    of = np.array([places[passage.document_id] for passage in passages], dtype=np.int64)
    own: list[list[str]] = [[] for _ in places]
    shared: list[list[str]] = [[] for _ in places]
    for place, each in zip(of, taken, strict=True):
        own[place] += each.own
        shared[place] += each.shared
    return of, [
        Words(own=tuple(a), shared=tuple(b), understood=1.0) for a, b in zip(own, shared, strict=True)
    ]


def _windows(text: str) -> list[str]:
    found: list[str] = []
    for sentence in sentences(text):
        if found and width(found[-1]) < WINDOW:
            found[-1] = f"{found[-1]} {sentence}"
        else:
            found.append(sentence)
    return found


def _weighed(measures: Measures, weights: Weights) -> NDArray[np.float64]:
    total = (
        weights.bias
        + weights.sense * measures.sense
        + weights.own * measures.own
        + weights.shared * measures.shared
        + weights.document_own * measures.document_own
        + weights.document_shared * measures.document_shared
    )
    return np.asarray(1.0 / (1.0 + np.exp(-total.astype(np.float64))))
