"""From rows as they were recorded to a regular grid of time, and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MOST_CELLS_PER_ROW = 100  # beyond, the clock of the recording jumped: a grid of years would say nothing


@dataclass(frozen=True, slots=True)
class Grid:
    """Values at `start + i * step_seconds`, NaN where no row fell; `cells` says into which each row did."""

    start: int
    step_seconds: int
    values: Floats
    cells: NDArray[np.int64]


def to_grid(times: NDArray[np.int64], values: Floats) -> Grid:
    """Lay rows, in the order of their times, on a grid of their median distance; of rows in one cell the last counts.

    Where the grid would be mostly holes (`MOST_CELLS_PER_ROW`) the rows are taken as neighbours instead.
    """
    distances = np.diff(times)
    step = int(max(1, np.median(distances[distances > 0]))) if (distances > 0).any() else 60
    cells = (times - times[0] + step // 2) // step
    if cells[-1] >= MOST_CELLS_PER_ROW * len(cells):
        cells = np.arange(len(times), dtype=np.int64)
    grid = np.full(int(cells[-1]) + 1, np.nan)
    grid[cells] = values
    return Grid(int(times[0]), step, grid, cells)
