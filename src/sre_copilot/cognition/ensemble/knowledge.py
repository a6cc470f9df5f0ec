"""What the ensemble has learned of each series: read-only between two learnings."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sre_copilot.cognition.ensemble.state import LANES

Floats = NDArray[np.float32]
Bytes = NDArray[np.int8]
CODES = 64  # common patterns kept: 48 to 96 find as much, and a tick reads them all


class Part(IntEnum):
    """The components, in the order of the rows of `Knowledge.usual`."""

    SEASONAL = 0
    STEP = 1
    SHAPE = 2
    HOURS = 3
    BASIS = 4
    LEVEL = 5
    LEAK = 6


PARTS = len(Part)


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Learned, read-only arrays of `n` series; all but `step_seconds` may be memory-mapped.

    `step_seconds` of shape (1,). Some arrays are blocked, so that a tick reads them in one go: their first axis is blocks of `LANES`
    series, their last the series of a block. `codes` (blocks, CODES, SHORT, LANES) are patterns of short windows in multiples of
    `code_unit` (n,) around `level` (n,); `basis` (blocks, TRIANGLE, LANES), in multiples of `basis_unit` (blocks, POINTS, LANES),
    says how each step of the window follows from the earlier ones: the rows of a lower triangle. `spread` (n,) is the
    robust standard deviation of the past, `jump` (n,) that of its steps. `usual` (PARTS, n) is the square beyond which a
    component is evidence, `needed` (n,) how much evidence is worth telling; `confidence` (n,) in 0..1 grows with what was
    seen, 0 where nothing could be learned.
    """

    step_seconds: NDArray[np.int64]
    level: Floats
    spread: Floats
    jump: Floats
    codes: Bytes
    code_unit: Floats
    basis: Bytes
    basis_unit: Floats
    usual: Floats
    needed: Floats
    confidence: Floats

    @property
    def series(self) -> int:
        """Number of series."""
        width: int = self.level.shape[0]
        return width

    @property
    def bytes_per_series(self) -> int:
        """Read-only bytes of each series."""
        arrays = (getattr(self, field.name) for field in fields(self) if field.name != "step_seconds")
        total: int = sum(array.nbytes for array in arrays)
        return total // max(self.series, 1)

    def take(self, rows: list[int]) -> Knowledge:
        """Return what is known of these series in this order; any may be named more than once, or left out."""
        arrays = {field.name: getattr(self, field.name) for field in fields(self)}
        taken = {name: _taken(array, rows) for name, array in arrays.items() if name != "step_seconds"}
        return Knowledge(step_seconds=self.step_seconds, **taken)


def blocked(array: NDArray[Any]) -> NDArray[Any]:
    """From (..., n) to (blocks, ..., LANES), filled up with zeros."""
    blocks = -(-array.shape[-1] // LANES)
    padded = np.zeros((*array.shape[:-1], blocks * LANES), array.dtype)
    padded[..., : array.shape[-1]] = array
    return np.ascontiguousarray(np.moveaxis(padded.reshape(*array.shape[:-1], blocks, LANES), -2, 0))


def _taken(array: NDArray[Any], rows: list[int]) -> NDArray[Any]:
    if array.ndim <= 2:
        return np.ascontiguousarray(array[..., rows])
    places = np.asarray(rows, np.intp)
    picked = array[places // LANES, ..., places % LANES]
    return blocked(np.moveaxis(picked, 0, -1))
