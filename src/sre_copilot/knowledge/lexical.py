"""How many of the words of a question a passage holds, the rarer the more: BM25, brought to 0..1 so that questions can be compared."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import bm25s  # type: ignore[import-untyped]

K1 = 1.2  # how soon a repeated word stops counting: the value of the literature
B = 0.5  # how much a long passage is discounted: passages are of one size, so half of the usual discount
MENTIONS = 2  # of one word that count: a passage that says it twice is about it, more is stuffing
LEAST = 300  # passages from which on the rareness of a word can be told; a smaller base is filled up with passages about nothing
FILLING = "\0"


class LexicalIndex:
    """Passages by their words.

    References
    ----------
    Robertson, Zaragoza (2009), The Probabilistic Relevance Framework: BM25 and Beyond, section 3.4.
    """

    def __init__(self, corpus: Sequence[Sequence[str]], *, mentions: int = MENTIONS) -> None:
        self._count = len(corpus)
        self._size = max(len(corpus), LEAST)
        self._index: bm25s.BM25 | None = None
        frequency: dict[str, int] = {}
        for tokens in corpus:
            for token in set(tokens):
                frequency[token] = frequency.get(token, 0) + 1
        self._weight = {token: _weight(count, self._size) for token, count in frequency.items()}
        if frequency:
            import bm25s  # noqa: PLC0415 - it takes a second, and only a search needs it

            logging.getLogger("bm25s").setLevel(logging.WARNING)  # it lowers its own level when it is loaded
            self._index = bm25s.BM25(k1=K1, b=B, method="lucene")
            damped = [_damped(tokens, mentions) for tokens in corpus]
            usual = [FILLING] * (sum(map(len, damped)) // len(damped))
            filled = damped + [usual] * (self._size - len(damped))
            self._index.index(filled, show_progress=False)

    def weight(self, token: str) -> float:
        """How much a word tells: a word that no passage holds tells the most."""
        return self._weight.get(token, _weight(0, self._size))

    def knows(self, token: str) -> bool:
        """Whether any passage holds a word."""
        return token in self._weight

    def scores(self, tokens: Sequence[str]) -> NDArray[np.float32]:
        """The share of the question's weight that each passage holds, 0..1."""
        asked = list(dict.fromkeys(tokens))
        known = [token for token in asked if token in self._weight]
        if self._index is None or not known:
            return np.zeros(self._count, dtype=np.float32)
        most = sum(self.weight(token) for token in asked)
        found = np.asarray(self._index.get_scores(known), dtype=np.float32)[: self._count]
        # one mention in a passage of mean length counts 1 / (1 + K1) of the most; one mention is all that is asked for
        share: NDArray[np.float32] = np.minimum(found * (1 + K1) / most, 1.0).astype(np.float32)
        return share


def _damped(tokens: Sequence[str], most: int) -> list[str]:
    """Words, each as often as it counts at most."""
    counts = Counter(tokens)
    return [token for token, count in counts.items() for _ in range(min(count, most))]


def _weight(count: int, size: int) -> float:
    return float(np.log1p((size - count + 0.5) / (count + 0.5)))
