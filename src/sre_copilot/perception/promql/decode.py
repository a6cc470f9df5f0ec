"""Reading the answer to a range query while it arrives, straight into an array.

Of such an answer almost every byte lies in lists `"values":[[time,"number"],…]`. The kernel writes those numbers into their cells and
leaves the rest, with `null` in place of each list, to a JSON parser; so any order of keys, white space and escapes are read as
JSON has them. Numbers come out as `float32(float(text))` would give them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from sre_copilot.domain.series import Values
from sre_copilot.perception.promql.kernel import (
    DONE,
    DOUBTFUL,
    MORE_ROWS,
    NOT_A_SAMPLE,
    NULL,
    OFF_GRID,
    scan,
)

_LONGEST_SAMPLE = 4096  # bytes; a list element that does not end within so many is no sample
_BATCH = 1 << 17  # bytes: few calls, and still in the cache of one core


@dataclass(frozen=True, slots=True)
class Decoded:
    """An answer: the document without its samples, the labels of each series, and its values on the grid (NaN where there is none)."""

    document: dict[str, Any]
    labels: tuple[dict[str, str], ...]
    values: Values
    histograms: int = 0


class MatrixDecoder:
    """Takes the bytes of one answer as they come; raises `ValueError` where they are not what the interface promises.

    `rows` is how many series are expected. With more than `most` series it raises `OverflowError` and reads no further.
    """

    def __init__(
        self, *, start: int, step_seconds: int, width: int, rows: int = 16, most: int = 2**31
    ) -> None:
        self._most = most
        self._grid = np.array([start * 1000, step_seconds * 1000, width], np.int64)
        self._values = np.full((rows, width), np.nan, np.float32)
        self._state = np.array([0, -1], np.int64)
        self._buffer = np.empty(2 * _BATCH, np.uint8)
        self._filled = 0
        self._skeleton: list[bytes] = []

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes; they are read when there are enough to be worth a call."""
        end = self._filled + len(chunk)
        if end > self._buffer.size:
            self._buffer = np.concatenate([self._buffer, np.empty(end, np.uint8)])
        self._buffer[self._filled : end] = np.frombuffer(chunk, np.uint8)
        self._filled = end
        if end >= _BATCH:
            self._read()

    def _read(self) -> None:
        data = self._buffer[: self._filled]
        kept = np.empty(data.size + len(NULL), np.uint8)
        code = MORE_ROWS
        while code != DONE:
            code, end, written, first, last, column = scan(data, self._state, self._grid, self._values, kept)
            self._skeleton.append(kept[:written].tobytes())
            if code == MORE_ROWS:
                self._grow()
            elif code == DOUBTFUL:
                self._values[self._state[1], column] = float(data[first:last].tobytes())
            elif code != DONE:
                raise ValueError(_problem(code, data[end : end + 40].tobytes()))
            data = data[end:]
        if self._state[0] and data.size > _LONGEST_SAMPLE:
            raise ValueError(_problem(NOT_A_SAMPLE, data[:40].tobytes()))
        self._buffer[: data.size] = data.copy()
        self._filled = data.size

    def finish(self) -> Decoded:
        """Return what was read."""
        self._read()
        document = orjson.loads(b"".join([*self._skeleton, self._buffer[: self._filled].tobytes()]))
        data = document.get("data") if isinstance(document, dict) else None
        result = data.get("result") if isinstance(data, dict) else None
        if not isinstance(result, list):
            raise ValueError("it holds no data.result")
        if not all(isinstance(each, dict) and isinstance(each.get("metric"), dict) for each in result):
            raise ValueError("it holds no series of a range query")
        rows = [each["metric"] for each in result if "values" in each]
        if len(rows) != self._state[1] + 1:
            raise ValueError("it holds lists of values outside of data.result")
        if len(rows) > self._most:
            raise OverflowError(f"{len(rows)} series")
        histograms = sum("histograms" in each for each in result)
        return Decoded(document, tuple(rows), self._values[: len(rows)], histograms)

    def _grow(self) -> None:
        if len(self._values) > self._most:
            raise OverflowError(f"more than {self._most} series")
        more = np.full((2 * len(self._values), self._values.shape[1]), np.nan, np.float32)
        more[: len(self._values)] = self._values
        self._values = more


def _problem(code: int, seen: bytes) -> str:
    said = seen.decode("utf-8", "replace")
    if code == OFF_GRID:
        return f"it holds a time that was not asked for, at {said}"
    return f"it holds what is no sample, at {said}"
