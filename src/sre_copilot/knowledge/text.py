"""How alike two short texts are, in Chinese and English, without a model."""

from __future__ import annotations

import re

_WORD = re.compile(r"[a-z0-9]+|[\u4e00-\u9fff]+")
_CJK = re.compile(r"[\u4e00-\u9fff]")


def pieces(text: str) -> frozenset[str]:
    """Words of Latin letters and digits, and pairs of Chinese characters."""
    found: set[str] = set()
    for word in _WORD.findall(text.lower()):
        if _CJK.match(word):
            found.update(word[i : i + 2] for i in range(max(1, len(word) - 1)))
        else:
            found.add(word)
    return frozenset(found)


def likeness(one: str, other: str) -> float:
    """The share of the pieces of the shorter text that the other has too, 0..1."""
    first, second = pieces(one), pieces(other)
    least = min(len(first), len(second))
    return len(first & second) / least if least else 0.0
