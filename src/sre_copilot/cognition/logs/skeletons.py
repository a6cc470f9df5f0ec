"""Skeletons: what many masked lines have in common when several of their words are values at once.

Refinement compares lines that differ in one place alone, which finds nothing where two places are redrawn in every line. Among thousands
of lines the words of a statement are the frequent ones, and values are rare.

References
----------
Dai et al., Logram: efficient log parsing using n-gram dictionaries, TSE 2020, section 3.2 (rare words are values).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sre_copilot.cognition.logs.matching import ANY, Ints, Tokens, Words

RARE = 8
"""Different lines that must hold a word in one place for it to be part of the statement; names of parts seldom recur in so many."""

FEWEST = 32
"""Different lines of one skeleton from which it is a statement: four times what makes a word frequent."""


def skeletons(lines: Tokens, rows: Ints) -> tuple[Ints, list[tuple[int, list[bool]]]]:
    """Group lines by what they share with at least `FEWEST` others.

    At least two words and half of all must be frequent ones, else nothing tells which statement it is.

    Parameters
    ----------
    lines, rows : which of the lines to look at

    Returns
    -------
    shape (rows,), the group of each or -1; and of each group one of its lines, with which of its tokens are values
    """
    keys, rare = _skeletons(lines.hashes, lines.ends, rows)
    distinct, first, inverse, counts = np.unique(
        keys, return_index=True, return_inverse=True, return_counts=True
    )
    kept = (distinct != 0) & (counts >= FEWEST)
    number = np.where(kept, np.cumsum(kept) - 1, -1)
    ends = np.concatenate([np.zeros(1, dtype=np.int64), lines.ends])
    examples = [
        (row := int(rows[place]), rare[ends[row] : ends[row + 1]].tolist()) for place in first[kept].tolist()
    ]
    return number[inverse], examples


@njit(cache=True, nogil=True)
def _skeletons(tokens: Words, ends: Ints, rows: Ints) -> tuple[Words, NDArray[np.bool_]]:
    """A key of each line's skeleton, 0 for none, and which tokens are rare."""
    total = 0
    for row in rows:
        total += ends[row] - (ends[row - 1] if row else 0)
    size = 16
    while size < 2 * total:
        size *= 2
    places = np.uint64(size - 1)
    keys = np.zeros(size, dtype=np.uint64)
    counts = np.zeros(size, dtype=np.int32)
    where = np.zeros(len(tokens), dtype=np.int64)
    for row in rows:
        begin = ends[row - 1] if row else 0
        for at in range(begin, ends[row]):
            place = np.uint64((ends[row] - begin) * 1024 + at - begin + 1)
            key = (tokens[at] ^ (place * np.uint64(0x9E3779B97F4A7C15))) | np.uint64(1)
            slot = (key * np.uint64(0xD6E8FEB86659FD93) >> np.uint64(20)) & places
            while keys[slot] != key and keys[slot] != 0:
                slot = (slot + np.uint64(1)) & places
            keys[slot] = key
            counts[slot] += 1
            where[at] = np.int64(slot)
    found = np.zeros(len(rows), dtype=np.uint64)
    rare = np.zeros(len(tokens), dtype=np.bool_)
    for index, row in enumerate(rows):
        words = frequent = 0
        begin = ends[row - 1] if row else 0
        value = np.uint64(ends[row] - begin)
        for at in range(begin, ends[row]):
            is_word = tokens[at] != ANY
            rare[at] = is_word and counts[where[at]] < RARE
            words += is_word
            frequent += is_word and not rare[at]
            value = (value ^ (ANY if rare[at] else tokens[at])) * np.uint64(0xD6E8FEB86659FD93)
            value ^= value >> np.uint64(32)
        if frequent >= 2 and 2 * frequent >= words and frequent < words:
            found[index] = value
    return found, rare
