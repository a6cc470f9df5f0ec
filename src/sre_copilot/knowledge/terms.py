"""What a question is about, term by term, and how nearly a text speaks of each: by the word, by its meaning in the other language, or by a word near to it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from sre_copilot.knowledge.encoder import Encoder, Vectors
from sre_copilot.knowledge.language import glossary, is_chinese, is_little, plain, runs, words

Shares = NDArray[np.float64]
FAR, NEAR = 0.42, 0.72
"""Cosines of two words between which they come to count as one: unrelated words of the shipped encoder stay below .42, forms and translations of one word are above .72."""
REMEMBERED = 20_000  # words whose vectors are kept: the vocabulary of a large base, 40 MB
LONGEST_PIECE = 3  # characters of Chinese between two question words that are taken as one word; longer ones are cut into pairs
_PART = re.compile(r"[a-z]+|\d+")


@cache
def _question_words() -> tuple[frozenset[str], re.Pattern[str]]:
    lines = (files("sre_copilot.knowledge") / "question_words.txt").read_text(encoding="utf-8").splitlines()
    found = [word for line in lines if not line.startswith("#") for word in line.split()]
    chinese = sorted((word for word in found if is_chinese(word)), key=len, reverse=True)
    return frozenset(found), re.compile("|".join(chinese))


def terms(text: str) -> tuple[str, ...]:
    """The words that carry what a text is about, in order, none twice."""
    little, _ = _question_words()
    found = [each for run in runs(text) for each in (_chinese(run) if is_chinese(run) else _latin(run))]
    return tuple(dict.fromkeys(each for each in found if each not in little))


def _latin(run: str) -> list[str]:
    parts = _PART.findall(run)
    if len(parts) > 1 and not all(
        part.isalpha() for part in parts
    ):  # v2.1, p99: whole, or it means another thing
        return [run]
    return [part for part in parts if not is_little(part) and (len(part) > 1 or part.isdigit())]


def _chinese(run: str) -> list[str]:
    """Words of the glossary, the longest first; what lies between them is cut at question words."""
    _, little = _question_words()
    known, found, piece, at = glossary(), [], "", 0
    while at < len(run):
        size = known.size(run, at, least=2)
        shaping = little.match(run, at)
        if size and not (shaping and len(shaping[0]) > size):
            found += [*_pieces(piece, little), run[at : at + size]]
            piece, at = "", at + size
        else:
            piece, at = piece + run[at], at + 1
    return [each for each in (*found, *_pieces(piece, little)) if len(each) > 1 or each in known.chinese]


def _pieces(text: str, little: re.Pattern[str]) -> list[str]:
    found: list[str] = []
    for piece in filter(None, little.split(text)):
        if len(piece) <= LONGEST_PIECE:
            found.append(piece)
        else:  # an even piece is most often words of two; of an odd one it is not known where they begin
            found += [piece[at : at + 2] for at in range(0, len(piece) - 1, 2 - len(piece) % 2)]
    return found


class Meanings:
    """How near words are to each other; it remembers the vectors of words."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._known: dict[str, Vectors] = {}

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """One vector a text."""
        known = self._known  # it is replaced and never emptied: another thread may be reading it
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        if len(known) + len(missing) > REMEMBERED:
            known = self._known = {}
            missing = list(dict.fromkeys(texts))
        if missing:
            known.update(zip(missing, self._encoder.encode(missing), strict=True))
        return np.array([known[text] for text in texts]) if texts else np.zeros((0, 1), np.float32)

    def spoken_of(self, wanted: Sequence[str], texts: Sequence[str]) -> Shares:
        """How nearly each text (row) speaks of each term (column), 0..1."""
        found = np.array([[_literal(term, text) for term in wanted] for text in texts], dtype=np.float64)
        found = found.reshape(len(texts), len(wanted))
        # a number is the same or another one; near to it means nothing
        soft = [at for at, term in enumerate(wanted) if not any(map(str.isdigit, term))]
        held = [_vocabulary(text) for text in texts]
        every = list(dict.fromkeys(word for some in held for word in some))
        if not soft or not every:
            return found
        cosines = self.vectors(every) @ self.vectors([wanted[at] for at in soft]).T
        shares = np.clip((cosines - FAR) / (NEAR - FAR), 0.0, 1.0)
        places = {word: at for at, word in enumerate(every)}
        for row, some in enumerate(held):
            if some:
                nearest = shares[[places[word] for word in some]].max(axis=0)
                found[row, soft] = np.maximum(found[row, soft], nearest)
        return found


def _literal(term: str, text: str) -> float:
    """1 when a text holds a term or its meaning, the share of it when it holds a part."""
    if term in plain(text):
        return 1.0
    own, shared = _tokens(term)
    held_own, held_shared = _tokens(text)
    if shared & held_shared:
        return 1.0
    return len(own & held_own) / len(own) if own else 0.0


@lru_cache(maxsize=REMEMBERED)
def _tokens(text: str) -> tuple[frozenset[str], frozenset[str]]:
    taken = words(text)
    return frozenset(taken.own), frozenset(taken.shared)


@lru_cache(maxsize=REMEMBERED)
def _vocabulary(text: str) -> tuple[str, ...]:
    """Words of a text whose nearness to a term may count: no numbers, and of identifiers their parts."""
    found: list[str] = []
    for run in runs(text):
        if is_chinese(run):
            found += _chinese(run)
        else:
            found += [part for part in _PART.findall(run) if not is_little(part)]
    return tuple(dict.fromkeys(word for word in found if len(word) > 1 and not word.isdigit()))
