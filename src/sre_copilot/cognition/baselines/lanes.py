"""Medians of many series at once: one lane a series, sorted by a network without branches.

References
----------
Knuth, The Art of Computer Programming 3, 1998, section 5.3.4 (insertion as a sorting network).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

# Of functions that only other kernels call: no entry from Python is compiled for them.
LEAF: dict[str, Any] = {
    "cache": True,
    "error_model": "numpy",
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}
LANES = 16  # float32 values in one 512-bit register, and in one line of the cache


@njit(**LEAF)
def median_lanes(rows, length, result):  # type: ignore[no-untyped-def]
    """Write each lane's median of its finite rows, NaN where it has none; `rows` (length, LANES) is sorted in place, +inf last."""
    for i in range(length):
        for lane in range(LANES):
            value = rows[i, lane]
            rows[i, lane] = value if abs(value) < np.float32(np.inf) else np.float32(np.inf)
    for i in range(1, length):
        for j in range(i, 0, -1):
            for lane in range(LANES):
                low, high = rows[j - 1, lane], rows[j, lane]
                rows[j - 1, lane] = low if low < high else high
                rows[j, lane] = high if low < high else low
    for lane in range(LANES):
        known = 0
        for i in range(length):
            known += rows[i, lane] < np.float32(np.inf)
        result[lane] = np.float32(np.nan)
        if known:
            result[lane] = np.float32(0.5) * (rows[(known - 1) // 2, lane] + rows[known // 2, lane])
