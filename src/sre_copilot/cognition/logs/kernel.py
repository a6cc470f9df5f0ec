"""How one log line is masked, byte by byte.

A shape is a line whose plainly variable words have been replaced by one `MARK` byte. Lines of one shape share everything that later steps look at, so
that whatever costs more is done once a shape.
"""

# ruff: noqa: PLR0917, PLR0912, SIM110 - what is compiled takes plain arguments and runs plain loops
from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]

MARK = 1
"""The byte of a variable part: a control character, so that no log text holds it by intent."""

HEAD = 320
"""Characters of a line that are looked at: the statement stands at the head, dumps of data follow. Few logging
statements hold more than 250 characters of constant text."""

SCRATCH = 8 * HEAD
"""Bytes of one masked line at most: a character takes four in UTF-8, and the last word is padded to eight."""

_DIGIT, _PREFIX, _REST, LAST, _VALUE_END, _PATH, _URL_END, _SPACE = (1 << bit for bit in range(8))


def _classes() -> Bytes:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    alphabets = {
        _DIGIT: "0123456789",
        _PREFIX: letters + "_$.@-",
        _REST: letters + "0123456789_.:@%$/+-",
        LAST: letters + "0123456789_%",
        _VALUE_END: ' \t,;()[]{}<>"=\r\n',
        _PATH: letters + "0123456789_.@%+:*$~-",
        _URL_END: " \t,;\"'<>])}\r\n",
        _SPACE: " \t\x0b\x0c\x01",
    }
    table = np.zeros(256, dtype=np.uint8)
    for flag, alphabet in alphabets.items():
        for character in alphabet:
            table[ord(character)] |= flag
    return table


CLASS = _classes()


_CODE = np.array(
    [
        int.from_bytes(ending.encode(), "big")
        for ending in (
            "py",
            "java",
            "go",
            "js",
            "ts",
            "rb",
            "rs",
            "c",
            "cc",
            "cpp",
            "cs",
            "php",
            "kt",
            "scala",
        )
    ],
    dtype=np.int64,
)
"""Endings of files of source code, as numbers."""


@njit(cache=True, nogil=True)
def _mark(out: Bytes, at: int) -> int:
    """Write a variable at `at`; with a separator between them it is one with the variable before."""
    back = at - 1
    if back >= 0 and out[back] == 32:
        back -= 1
        if back >= 0 and out[back] == 44:  # `, `
            back -= 1
    elif back >= 0 and (out[back] == 44 or out[back] == 47 or out[back] == 45 or out[back] == 58):  # , / - :
        back -= 1
    if back >= 0 and out[back] == MARK:
        return back + 1
    out[at] = MARK
    return at + 1


@njit(cache=True, nogil=True)
def _names_code(out: Bytes, begin: int, end: int) -> bool:
    """Whether a name ends like a file of source code."""
    ending = at = 0
    while at < 5 and end - at - 1 > begin:
        byte = int(out[end - at - 1])
        if byte == 46:
            break
        ending |= byte << (8 * at)
        at += 1
    if end - at - 1 <= begin or out[end - at - 1] != 46:
        return False
    for known in _CODE:
        if known == ending:
            return True
    return False


@njit(cache=True, nogil=True)
def _dotted(out: Bytes, begin: int, end: int) -> bool:
    """Whether a dot stands inside a word."""
    for at in range(begin + 1, end - 1):
        if out[at] == 46:
            return True
    return False


@njit(cache=True, nogil=True)
def _copy(text: Bytes, start: int, end: int, out: Bytes, size: int) -> int:
    for at in range(start, end):
        out[size] = text[at]
        size += 1
    return size


@njit(cache=True, nogil=True)
def _digits(text: Bytes, at: int, stop: int) -> int:
    """The first byte from `at` on that is no digit."""
    while at < stop and CLASS[text[at]] & _DIGIT:
        at += 1
    return at


@njit(cache=True, nogil=True)
def _location_end(text: Bytes, start: int, end: int, stop: int) -> int:
    """Where a code location (`file.py:42`) ends whose colon lies in `start <= t < end`, or -1."""
    for at in range(start + 1, end - 1):
        if text[at] == 58 and CLASS[text[at + 1]] & _DIGIT and _names_code(text, start, at):
            return _digits(text, at + 1, stop)
    return -1


@njit(cache=True, nogil=True)
def _number(
    text: Bytes, at: int, stop: int, limit: int, out: Bytes, size: int, word: int, placed: bool
) -> tuple[int, int, bool]:
    """A word that holds a digit is a variable; a code location is none."""
    end, last, colon = at + 1, at, False
    while end < stop and CLASS[text[end]] & _REST:
        if CLASS[text[end]] & LAST:
            last = end
        colon |= text[end] == 58
        end += 1
    end = last + 1
    kept = -1
    if not placed and colon:
        kept = _location_end(text, at, end, limit)
    elif not placed and word >= 0 and end + 1 < stop and text[end] == 35 and CLASS[text[end + 1]] & _DIGIT:
        kept = _digits(text, end + 1, limit)
    if kept >= 0:
        return kept, _copy(text, at, min(kept, limit), out, size), True
    begin = word if word >= 0 else size
    if word < 0 and size > 0 and out[size - 1] == 43:  # +1
        begin = size - 1
    return end, _mark(out, begin), placed


@njit(cache=True, nogil=True)
def _value(text: Bytes, at: int, stop: int, out: Bytes, size: int) -> tuple[int, int]:
    """What follows an equals sign is a variable, quoted or not."""
    end = at
    if at < stop and text[at] == 34:
        end += 1
        while end < stop and text[end] != 34 and text[end] != 10:
            end += 1
        if end >= stop or text[end] != 34:
            return at, size
        end += 1
    else:
        while end < stop and not CLASS[text[end]] & _VALUE_END:
            end += 1
    if end > at:
        out[size] = MARK
        size += 1
    return end, size


@njit(cache=True, nogil=True)
def _path(
    text: Bytes, at: int, stop: int, limit: int, out: Bytes, size: int, word: int, placed: bool
) -> tuple[int, int, bool]:
    """A path is a variable, with the dots before it; a code location is none."""
    end = at + 1
    while end < stop and (
        CLASS[text[end]] & _PATH or (text[end] == 47 and end + 1 < stop and CLASS[text[end + 1]] & _PATH)
    ):
        end += 1
    kept = -1 if placed else _location_end(text, at, end, limit)
    if kept >= 0:
        return kept, _copy(text, at, min(kept, limit), out, size), True
    if end < stop and text[end] == 47:
        end += 1
    begin = size
    while word >= 0 and begin > word and begin > size - 2 and out[begin - 1] == 46:
        begin -= 1
    return end, _mark(out, begin), placed


@njit(cache=True, nogil=True)
def _colon(
    text: Bytes, at: int, stop: int, limit: int, out: Bytes, size: int, word: int, placed: bool
) -> tuple[int, int, bool]:
    """A colon behind a word: `file.py:42` is kept, `host.name:80`, `scheme://…` and `C:\\…` are variables."""
    following = text[at + 1]
    if CLASS[following] & _DIGIT:
        if not placed and _names_code(out, word, size):
            end = min(_digits(text, at + 1, stop), limit)
            return end, _copy(text, at, end, out, size), True
        if _dotted(out, word, size):
            return _digits(text, at + 1, stop), _mark(out, word), placed
    scheme = following == 47 and at + 2 < stop and text[at + 2] == 47
    if scheme or (following == 92 and size - word == 1):
        end = at + 2
        while end < stop and not CLASS[text[end]] & _URL_END:
            end += 1
        return end, _mark(out, word), placed
    out[size] = 58
    return at + 1, size + 1, placed


@njit(cache=True, nogil=True)
def _letters(text: Bytes, at: int, stop: int, out: Bytes, size: int) -> tuple[int, int]:
    """Copy the letters of a word, the first whatever it is."""
    out[size] = text[at]
    size += 1
    at += 1
    while at < stop and text[at] != 64 and CLASS[text[at]] & _PREFIX:
        out[size] = text[at]
        size += 1
        at += 1
    return at, size


@njit(cache=True, nogil=True)
def _host(text: Bytes, at: int, stop: int) -> int:
    """Where what follows an at sign ends."""
    while at < stop and CLASS[text[at]] & _PATH and text[at] != 58:
        at += 1
    return at


@njit(cache=True, nogil=True)
def mask_line(text: Bytes, start: int, stop: int, out: Bytes) -> tuple[int, int]:
    """Mask the line that begins at `start`; return the size of its shape in `out` and where reading ended.

    `word` is where in `out` the run of letters before the present byte began, or -1: a digit makes a variable of it. `placed` is whether
    a code location was kept: there is one at most.
    """
    at, limit = start, min(start + HEAD, stop)
    size: int = np.int64(0)  # type: ignore[assignment] # a typed zero: a literal one would compile everything twice
    word: int = np.int64(-1)  # type: ignore[assignment]
    placed: bool = np.bool_(False)  # type: ignore[assignment]
    while at < limit:
        byte = text[at]
        kind = CLASS[byte]
        if kind & _PREFIX:
            if byte == 64 and 0 <= word < size and at + 1 < stop and CLASS[text[at + 1]] & LAST:  # name@host
                at, size, word = _host(text, at + 1, stop), _mark(out, word), -1
                continue
            word = size if word < 0 else word
            at, size = _letters(text, at, limit, out, size)
            continue
        if kind & _SPACE:
            if size > 0 and out[size - 1] != 32:
                out[size] = 32
                size += 1
            at += 1
        elif kind & _DIGIT:
            at, size, placed = _number(text, at, stop, limit, out, size, word, placed)
        elif byte == 61:
            out[size] = byte
            at, size = _value(text, at + 1, stop, out, size + 1)
        elif byte == 47 and at + 1 < stop and CLASS[text[at + 1]] & _PATH:
            at, size, placed = _path(text, at, stop, limit, out, size, word, placed)
        elif byte == 58 and at + 1 < stop and word >= 0:
            at, size, placed = _colon(text, at, stop, limit, out, size, word, placed)
        elif byte == 35 and word >= 0 and not placed and at + 1 < stop and CLASS[text[at + 1]] & _DIGIT:
            end = min(_digits(text, at + 1, stop), limit)  # Class#42
            at, size, placed = end, _copy(text, at, end, out, size), True
        elif byte in (10, 13):
            break
        else:
            if byte >= 0xC0:  # more bytes of the same character follow
                limit = min(limit + (3 if byte >= 0xF0 else 2 if byte >= 0xE0 else 1), stop)
            out[size] = byte
            size += 1
            at += 1
        word = -1
    if size > 0 and out[size - 1] == 32:
        size -= 1
    return size, at
