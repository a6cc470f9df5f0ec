"""What the ensemble remembers of each series from one tick to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sre_copilot.cognition.ensemble.spans import BINS, POINTS

Floats = NDArray[np.float32]

LAST, SEEN, STEP, LEVEL, SLOW, DRIFT, SQUARE, HELD = range(POINTS + 2 * BINS, POINTS + 2 * BINS + 8)
ROWS = POINTS + 2 * BINS + 8
LANES = 128  # series worked on together: their scratch fits the first cache
SCRATCH = 40
TOGETHER = 16  # blocks that a kernel works through at once: their scratch fits the second cache


@dataclass(frozen=True, slots=True)
class State:
    """Mutable memory of `n` series.

    `memory` has shape (ROWS, n), float32, so that a tick reads contiguous rows: `POINTS` last values, `BINS` means and `BINS` sums of
    squares of the bins of the last hours, both as rings, then moving averages. `clock` counts the ticks; its remainders are the
    places in the rings, which all series share. `scratch` and `parts` are working space.
    """

    memory: Floats
    clock: NDArray[np.int64]
    scratch: Floats
    parts: NDArray[np.uint8]

    @classmethod
    def fresh(cls, series: int) -> State:
        """Nothing seen yet."""
        return cls._with(np.zeros((ROWS, series), np.float32), 0)

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[np.generic]]) -> State:
        """Return the state that `arrays` was made of.

        Raises
        ------
        ValueError : when the arrays are of another form, of another release for instance
        """
        memory, clock = arrays["memory"], arrays["clock"]
        if memory.ndim != 2 or memory.shape[0] != ROWS or clock.shape != (1,):
            raise ValueError(
                f"memory of shape {memory.shape} and clock of shape {clock.shape} are no state of {ROWS} rows: begin with a fresh one"
            )
        return cls._with(np.array(memory, np.float32, order="C"), int(clock[0]))

    @classmethod
    def _with(cls, memory: Floats, clock: int) -> State:
        return cls(
            memory,
            np.array([clock], np.int64),
            np.zeros((TOGETHER, SCRATCH, LANES), np.float32),
            np.zeros(memory.shape[1], np.uint8),
        )

    @property
    def series(self) -> int:
        """Number of series."""
        width: int = self.memory.shape[1]
        return width

    @property
    def bytes_per_series(self) -> int:
        """Mutable bytes of each series."""
        size: int = self.memory.dtype.itemsize * self.memory.shape[0]
        return size

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return what must be saved, by name; the arrays are the state's own, not copies."""
        return {"memory": self.memory, "clock": self.clock}

    def copy(self) -> State:
        """Return the same memory once more: what is ticked into it leaves no trace here."""
        return State._with(self.memory.copy(), int(self.clock[0]))

    def grow(self, more: int) -> State:
        """Return what is remembered of these series, and `more` of which nothing is."""
        fresh = np.zeros((ROWS, more), np.float32)
        return State._with(np.concatenate([self.memory, fresh], axis=1), int(self.clock[0]))

    def take(self, rows: list[int]) -> State:
        """Return the memory of these series in this order; any may be named more than once, or left out."""
        return State._with(np.ascontiguousarray(self.memory[:, rows]), int(self.clock[0]))
