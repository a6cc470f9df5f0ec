"""The table of shapes: which masked lines have been seen, each with a number."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sre_copilot.cognition.logs.kernel import SCRATCH
from sre_copilot.cognition.logs.scanning import count_lines, replant, scan

AT_ONCE = 1 << 23
"""Bytes that are unwrapped at once: enough for full speed, few enough that the copies stay small beside a large buffer."""

_FIRST = 1 << 12
"""Places of an empty table: a program writes a few hundred shapes."""

Buffer = bytes | bytearray | memoryview


class Shapes:
    """Numbers the shapes of log lines in the order in which they are met.

    Two lines are of one shape when a 64-bit hash of their masked bytes is equal: among a million shapes two differ unseen
    with a chance of 3e-8.
    """

    def __init__(self) -> None:
        self.count = 0
        self._keys = np.zeros(_FIRST, dtype=np.uint64)
        self._values = np.zeros(_FIRST, dtype=np.int32)
        self._ends = np.zeros(_FIRST // 2, dtype=np.int64)
        self._bytes = np.zeros(_FIRST * 32 + 2 * SCRATCH, dtype=np.uint8)

    def add(self, buffer: Buffer, *, unwrap: Callable[[bytes], bytes] | None = None) -> NDArray[np.int32]:
        """Number the lines of a buffer, which end with a newline each; the last may lack it.

        Where a line wraps its message (JSON, logfmt), it and those after it go through `unwrap`, `AT_ONCE` bytes at a time; None takes all lines as they are.
        """
        raw = bytes(buffer)
        text, start, row, wrapped = np.frombuffer(raw, dtype=np.uint8), 0, 0, False
        ids = np.empty(count_lines(text), dtype=np.int32)
        while row < len(ids):
            if wrapped and unwrap:
                end = raw.find(b"\n", start + AT_ONCE) + 1 or len(raw)
                part = self.add(unwrap(raw[start:end]))
                ids[row : row + len(part)] = part
                start, row, wrapped = end, row + len(part), False
                continue
            self._make_room()
            start, row, self.count, wrapped = scan(
                text,
                start,
                ids,
                row,
                self._keys,
                self._values,
                self._bytes,
                self._ends,
                self.count,
                unwrap is None,
            )
        return ids

    def texts(self, first: int, last: int) -> pl.Series:
        """The shapes `first <= number < last` as text; bytes that are no UTF-8 become the replacement character."""
        if last <= first:
            return pl.Series(dtype=pl.String)
        text = self._bytes[self._start(first) : self._start(last)].tobytes().decode(errors="replace")
        return pl.Series(text.removesuffix("\n").split("\n"), dtype=pl.String)

    def _start(self, number: int) -> int:
        return int(self._ends[number - 1]) if number else 0

    def _make_room(self) -> None:
        used = self._start(self.count)
        if used + 2 * SCRATCH > len(self._bytes):
            self._bytes = np.concatenate([self._bytes, np.zeros(len(self._bytes), dtype=np.uint8)])
        if 2 * (self.count + 1) > len(self._keys):
            self._grow()

    def _grow(self) -> None:
        """Twice the places, each key at the first free one after its own."""
        keys, values = self._keys, self._values
        self._keys = np.zeros(2 * len(keys), dtype=np.uint64)
        self._values = np.zeros(2 * len(keys), dtype=np.int32)
        self._ends = np.concatenate([self._ends, np.zeros(len(self._ends), dtype=np.int64)])
        replant(keys, values, self._keys, self._values)
