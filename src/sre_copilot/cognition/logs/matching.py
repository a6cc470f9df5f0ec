"""Which known template a masked line belongs to: token by token, in machine code."""

# ruff: noqa: PLR0917, SIM110 - what is compiled takes plain arguments and runs plain loops
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sre_copilot.cognition.logs.kernel import MARK

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint64]
Ints = NDArray[np.int64]

_BASIS, _PRIME = np.uint64(14695981039346656037), np.uint64(1099511628211)
"""Constants of FNV-1a (Fowler, Noll, Vo), 64 bit."""

ANY = np.uint64(((int(_BASIS) ^ MARK) * int(_PRIME)) % 2**64)
"""The hash of a token that is a variable."""

_OPEN = 0
"""Stands for the number of tokens in the key of a template that any tokens may follow."""


@dataclass(frozen=True)
class Tokens:
    """Hashes of the tokens of many lines: those of line `i` end before `ends[i]`, where those of the next begin."""

    hashes: Words
    ends: Ints


def tokens_of(lines: str) -> Tokens:
    """The tokens of lines that are parted by newlines, tokens by single spaces."""
    return Tokens(*_tokens(np.frombuffer(lines.encode() + b"\n", dtype=np.uint8), lines.count("\n") + 1))


class Matcher:
    """Finds the template of masked lines among those it was made of.

    Parameters
    ----------
    templates : texts, tokens parted by single spaces; a token that is `MARK` alone matches any token
    is_open : shape (templates,), whether more tokens may follow the last, which is a variable

    Of several templates that match, the one with the fewest variables counts, then the first.
    """

    def __init__(self, templates: Sequence[str], is_open: Sequence[bool]) -> None:
        self._templates = tokens_of("\n".join(templates))
        self._open = np.asarray(is_open, dtype=np.bool_)
        keys, variables = _keys(self._templates.hashes, self._templates.ends, self._open)
        self._order = np.lexsort((variables, keys)).astype(np.int64)
        self._keys = keys[self._order]

    def match(self, lines: Tokens, rows: Ints) -> Ints:
        """The place of the template of each of some lines, -1 where none matches."""
        known = self._templates
        return np.asarray(
            _match(
                lines.hashes,
                lines.ends,
                rows,
                self._keys,
                self._order,
                known.hashes,
                known.ends,
                self._open,
            )
        )


@njit(cache=True, nogil=True)
def _tokens(text: Bytes, lines: int) -> tuple[Words, Ints]:
    hashes = np.empty(len(text) + 1, dtype=np.uint64)
    ends = np.empty(lines, dtype=np.int64)
    count = row = 0
    value = _BASIS
    for byte in text:
        if byte in (32, 10):
            hashes[count] = value
            count += 1
            value = _BASIS
            if byte == 10:
                ends[row] = count
                row += 1
        else:
            value = (value ^ np.uint64(byte)) * _PRIME
    return hashes[:count].copy(), ends


@njit(cache=True, nogil=True)
def _key(count: int, first: np.uint64) -> np.uint64:
    return (first ^ np.uint64(count)) * np.uint64(0x9E3779B97F4A7C15)


@njit(cache=True, nogil=True)
def _keys(tokens: Words, ends: Ints, opened: NDArray[np.bool_]) -> tuple[Words, Ints]:
    """What the lines of each template share (how many tokens, and the first), and how many variables it has."""
    keys = np.empty(len(ends), dtype=np.uint64)
    variables = np.zeros(len(ends), dtype=np.int64)
    begin = 0
    for row in range(len(ends)):
        keys[row] = _key(_OPEN if opened[row] else ends[row] - begin, tokens[begin])
        for at in range(begin, ends[row]):
            variables[row] += tokens[at] == ANY
        begin = ends[row]
    return keys, variables


@njit(cache=True, nogil=True)
def _fits(line: Words, tokens: Words, opened: bool) -> bool:
    size = len(tokens) - 1 if opened else len(tokens)
    if len(line) < size:
        return False
    for at in range(size):
        if tokens[at] != ANY and tokens[at] != line[at]:
            return False
    return True


@njit(cache=True, nogil=True)
def _match(
    lines: Words,
    line_ends: Ints,
    rows: Ints,
    keys: Words,
    order: Ints,
    tokens: Words,
    ends: Ints,
    opened: NDArray[np.bool_],
) -> Ints:
    found = np.full(len(rows), -1, dtype=np.int64)
    for place, row in enumerate(rows):
        line = lines[(line_ends[row - 1] if row else 0) : line_ends[row]]
        for way in range(4):  # as many tokens or open; the first token or a variable in its place
            key = _key(len(line) if way < 2 else _OPEN, ANY if way % 2 else line[0])
            at = np.searchsorted(keys, key)
            while at < len(keys) and keys[at] == key and found[place] < 0:
                each = order[at]
                if _fits(line, tokens[(ends[each - 1] if each else 0) : ends[each]], opened[each]):
                    found[place] = each
                at += 1
            if found[place] >= 0:
                break
    return found
