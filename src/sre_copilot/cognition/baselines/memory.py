"""Memory whose rows are whole lines of the cache, so that no register is read from two of them or written to two."""

from __future__ import annotations

import numpy as np

from sre_copilot.cognition.baselines.lanes import LANES
from sre_copilot.cognition.baselines.profile import Floats


def lines(rows: int, columns: int) -> Floats:
    """Return memory, of any content, for rows of whole lines of the cache, which begin where a line does."""
    width = -(-columns // LANES) * LANES
    raw = np.empty(rows * width + LANES, np.float32)
    begin = -(raw.ctypes.data // 4) % LANES
    return raw[begin : begin + rows * width].reshape(rows, width)
