"""Medians of many series or slots at once: one lane each, sorted by a network without branches, what is missing on both ends.

References
----------
Knuth, The Art of Computer Programming 3, 1998, section 5.2.2, algorithm M (Batcher's merge exchange).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sre_copilot.cognition.baselines.lanes import (
    LANES,
    LEAF,
    full,
    known_or,
    least,
    load,
    most,
    store,
    where_above,
    where_known,
)


@njit(**LEAF)
def median_rows(rows, count):  # type: ignore[no-untyped-def]
    """Return each lane's median of its finite values in the first `count` rows of sixteen, NaN without one; and how many are finite.

    Missing values become +inf and -inf in turn, so that the middle stays in the middle. The rows are sorted in place.
    """
    sign, infinite, known = full(np.float32(1.0)), full(np.float32(np.inf)), full(np.float32(0.0))
    one, zero = full(np.float32(1.0)), full(np.float32(0.0))
    for row in range(count):
        value = load(rows, row * LANES)
        store(rows, row * LANES, known_or(value, infinite * sign))
        sign = where_known(value, sign, zero - sign)
        known = known + where_known(value, one, zero)
    sort_rows(rows, count)
    low, high = load(rows, max(count - 1, 0) // 2 * LANES), load(rows, count // 2 * LANES)
    below = load(rows, max(count // 2 - 1, 0) * LANES)
    low, high = where_above(sign, zero, low, below), where_above(sign, zero, high, low)
    middle = full(np.float32(0.5)) * (low + high)
    nothing = full(np.float32(np.nan))
    return where_above(known, zero, known_or(middle, nothing), nothing), known


@njit(**LEAF)
def sort_rows(rows, count):  # type: ignore[no-untyped-def]
    """Sort each lane of the first `count` rows."""
    top = 1
    while 2 * top < count:
        top *= 2
    part = top
    while part > 0:
        reach, rest, apart = top, 0, part
        while True:
            for row in range(count - apart):
                if row & part == rest:
                    one, two = load(rows, row * LANES), load(rows, (row + apart) * LANES)
                    store(rows, row * LANES, least(one, two))
                    store(rows, (row + apart) * LANES, most(one, two))
            if reach == part:
                break
            apart, reach, rest = reach - part, reach // 2, part
        part //= 2
