"""How many of the words of a question a passage holds, the rarer the more: BM25, brought to 0..1 so that questions can be compared."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import bm25s  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray

K1 = 1.2  # how soon a repeated word stops counting: the value of the literature; stuffing gains at most 2.2 times one mention
B = 0.5  # how much a long passage is discounted: passages are of one size, so half of the usual discount
logging.getLogger("bm25s").setLevel(logging.WARNING)


class LexicalIndex:
    """Passages by their words.

    References
    ----------
    Robertson, Zaragoza (2009), The Probabilistic Relevance Framework: BM25 and Beyond, section 3.4.
    """

    def __init__(self, corpus: Sequence[Sequence[str]]) -> None:
        self._size = len(corpus)
        self._index: bm25s.BM25 | None = None
        frequency: dict[str, int] = {}
        for tokens in corpus:
            for token in set(tokens):
                frequency[token] = frequency.get(token, 0) + 1
        self._weight = {token: _weight(count, self._size) for token, count in frequency.items()}
        if frequency:
            self._index = bm25s.BM25(k1=K1, b=B, method="lucene")
            self._index.index([list(tokens) for tokens in corpus], show_progress=False)

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
            return np.zeros(self._size, dtype=np.float32)
        most = sum(self.weight(token) for token in asked)
        found = np.asarray(self._index.get_scores(known), dtype=np.float32)
        # one mention in a passage of mean length counts 1 / (1 + K1) of the most; one mention is all that is asked for
        share: NDArray[np.float32] = np.minimum(found * (1 + K1) / most, 1.0).astype(np.float32)
        return share


def _weight(count: int, size: int) -> float:
    return float(np.log1p((size - count + 0.5) / (count + 0.5)))
