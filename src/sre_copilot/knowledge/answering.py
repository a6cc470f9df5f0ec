"""Questions to documents: the exact words of a passage with document and page, or that nothing was found.

A passage that is about the same thing is not yet an answer. What speaks for it is measured in `evidence` and weighed by one logistic model,
whose weights and threshold come from `python -m benchmarks.answering_fit`; the threshold is where nineteen of twenty questions without
an answer are declined. What no passage speaks of is told, so that a refusal can be understood. This refuses too much rather than too
little: whoever asks still sees the nearest passages.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.resources import files
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sre_copilot.domain.knowledge import Retrieved, Scope
from sre_copilot.knowledge.encoder import Encoder, UniversalSentenceEncoder
from sre_copilot.knowledge.evidence import NAMES, Asked, Weighed, weigh
from sre_copilot.knowledge.index import HybridIndex
from sre_copilot.knowledge.terms import Meanings

QUOTED = 3
CANDIDATES = 5  # passages that are looked at closely: of the development questions nine of ten have the answer among three; more cost time
WEIGHTS_FILE = "answer_weights.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What documents say to a question: passages word by word, best first; none, and why.

    `missing` is what the likeliest passage does not speak of; `nearest` are passages about the same thing, which are no answer.
    The score of a quote is how likely it answers; that of the nearest, how likely it is about what was asked.
    """

    quotes: tuple[Retrieved, ...] = ()
    reason: Literal["", "nothing_fits", "terms_missing"] = ""
    missing: tuple[str, ...] = ()
    nearest: tuple[Retrieved, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """A logistic model: the logit of answering is the bias and the weighed numbers; from `answers` on a passage is quoted."""

    bias: float
    answers: float
    weights: NDArray[np.float64]

    def chance(self, weighed: Weighed) -> float:
        """How likely a passage answers, 0..1."""
        logit = self.bias + float(self.weights @ np.array(weighed.row()))
        return float(1.0 / (1.0 + np.exp(-logit)))


def answer(
    question: str,
    index: HybridIndex,
    *,
    scope: Scope | None = None,
    kinds: Sequence[str] = (),
    limit: int = QUOTED,
) -> Answered:
    """Quote the passages that answer, or say that none does."""
    found = index.search(question, scope=scope, kinds=kinds, limit=CANDIDATES)
    if not found:
        return Answered(reason="nothing_fits", missing=index.unknown(question))
    weighed = weigh(Asked(question, index, _meanings(index.encoder)), found)
    judged = sorted(((judge().chance(each), each) for each in weighed), key=lambda pair: -pair[0])
    quotes = [replace(each.found, score=chance) for chance, each in judged if chance > judge().answers]
    if quotes:
        return Answered(quotes=tuple(quotes[:limit]))
    missing = judged[0][1].missing
    return Answered(
        reason="terms_missing" if missing else "nothing_fits", missing=missing, nearest=found[:limit]
    )


@cache
def judge() -> Judge:
    """The model that was fitted."""
    held = json.loads((files("sre_copilot.knowledge") / WEIGHTS_FILE).read_text(encoding="utf-8"))
    weights = np.array([held["weights"][name] for name in NAMES], dtype=np.float64)
    return Judge(bias=held["bias"], answers=held["answers"], weights=weights)


def _meanings(encoder: Encoder) -> Meanings:
    """Nearness of words by the shipped encoder, whichever one finds passages: the weights are for its cosines, and words are never sent anywhere."""
    return _remembered(encoder if isinstance(encoder, UniversalSentenceEncoder) else _shipped())


@lru_cache(maxsize=2)
def _remembered(encoder: UniversalSentenceEncoder) -> Meanings:
    return Meanings(encoder)


@cache
def _shipped() -> UniversalSentenceEncoder:
    return UniversalSentenceEncoder()
