"""One pass over the bytes of many log lines: each is masked, hashed and given the number of its shape."""

# ruff: noqa: PLR0917 - what is compiled takes plain arguments
from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sre_copilot.cognition.logs.kernel import CLASS, HEAD, LAST, SCRATCH, Bytes, Ints, mask_line


@njit(cache=True, nogil=True)
def _wraps(text: Bytes, begin: int, end: int) -> bool:
    """Whether a line may be JSON or logfmt with its message inside: `{` or `key=` at its start, in the latter case ` msg=` after it."""
    if text[begin] == 123:
        return True
    at = begin
    while at < end and CLASS[text[at]] & LAST and text[at] != 37:
        at += 1
    if at == begin or at >= end or text[at] != 61:
        return False
    word: int = np.int64(0)  # type: ignore[assignment]
    for place in range(at, min(end, begin + 4 * HEAD)):
        word = ((word << 8) | int(text[place])) & 0xFFFFFFFFFF
        if word == _MSG:
            return True
    return False


_MSG = int.from_bytes(b" msg=", "big")


@njit(cache=True, nogil=True)
def _hash(out: Bytes, words: NDArray[np.uint64], size: int) -> np.uint64:
    """A 64-bit hash of a shape, eight bytes at a time; never 0, which is an empty place of the table."""
    for each in range(size, (size + 7) & ~7):
        out[each] = 0
    value = np.uint64(size) * np.uint64(0x9E3779B97F4A7C15)
    for each in range((size + 7) >> 3):
        value = (value ^ words[each]) * np.uint64(0xD6E8FEB86659FD93)
        value ^= value >> np.uint64(32)
    value = (value ^ (value >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    value ^= value >> np.uint64(32)
    return value if value != 0 else np.uint64(1)


@njit(cache=True, nogil=True)
def scan(
    text: Bytes,
    start: int,
    ids: NDArray[np.int32],
    row: int,
    keys: NDArray[np.uint64],
    values: NDArray[np.int32],
    shapes: Bytes,
    ends: Ints,
    count: int,
    plain: bool,
) -> tuple[int, int, int, bool]:
    """Number the shapes of the lines from byte `start` on; return the next byte, the next row, how many shapes are known, and whether the next
    line wraps a message and was therefore left (never with `plain`).

    Stops before the end of `text` when `keys` is half full, `ends` is full or `shapes` may not hold another line, too; the caller makes room and
    goes on. `ends[k]` is where shape `k` ends in `shapes`, its newline included; there the next begins.
    """
    scratch = np.zeros(SCRATCH, dtype=np.uint8)
    words = scratch.view(np.uint64)
    places = np.uint64(len(keys) - 1)
    used = ends[count - 1] if count else 0
    stop = len(text)
    room = min(len(keys) // 2, len(ends))
    while start < stop:
        if count >= room or used + SCRATCH > len(shapes) or row >= len(ids):
            break
        begin = start
        size, start = mask_line(text, start, stop, scratch)
        while start < stop and text[start] != 10:
            start += 1
        start += 1
        if not plain and _wraps(text, begin, min(start, stop)):
            return begin, row, count, True
        key = _hash(scratch, words, size)
        at = key & places
        while keys[at] != key and keys[at] != 0:
            at = (at + np.uint64(1)) & places
        if keys[at] == 0:
            keys[at] = key
            values[at] = count
            for each in range(size):
                shapes[used + each] = scratch[each]
            shapes[used + size] = 10
            used += size + 1
            ends[count] = used
            count += 1
        ids[row] = values[at]
        row += 1
    return start, row, count, False


@njit(cache=True, nogil=True)
def count_lines(text: Bytes) -> int:
    """How many lines end in newlines, and one more for a last one that lacks it."""
    found = 0
    for byte in text:
        found += byte == 10
    return found + (len(text) > 0 and text[-1] != 10)


@njit(cache=True, nogil=True)
def replant(
    keys: NDArray[np.uint64],
    values: NDArray[np.int32],
    wider: NDArray[np.uint64],
    wider_values: NDArray[np.int32],
) -> None:
    """Move the entries of a table into a wider one."""
    places = np.uint64(len(wider) - 1)
    for old in range(len(keys)):
        if keys[old] != 0:
            at = keys[old] & places
            while wider[at] != 0:
                at = (at + np.uint64(1)) & places
            wider[at] = keys[old]
            wider_values[at] = values[old]
