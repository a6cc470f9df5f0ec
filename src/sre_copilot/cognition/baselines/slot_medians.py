"""Median and median absolute deviation of each slot over the days, for one series.

References
----------
Knuth, The Art of Computer Programming 3, 1998, section 5.3.4 (an optimal network of 16 comparators for seven values).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sre_copilot.cognition.baselines.lanes import LEAF

MARGIN = 2  # slots beyond midnight on both sides, for the neighbours
WEEK = 7  # rows of the fast network: the default past is seven days


@njit(inline="always")
def _order(a, b):  # type: ignore[no-untyped-def]
    return (a if a < b else b), (b if a < b else a)


@njit(fastmath={"contract", "nsz"}, **LEAF)
def medians_of_week(values, base, slots, low, high, shift, centre, spread):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Write median and MAD over seven rows without a gap, for the slots low..high; `shift` is taken off each row.

    Results lie MARGIN later than their slot.

    The row `d` of the series lies at `values[base + d * slots:]`. Unsigned indices keep the loop free of branches.
    """
    s0, s1, s2, s3, s4, s5, s6 = shift[0], shift[1], shift[2], shift[3], shift[4], shift[5], shift[6]
    one, row = np.uint64(base), np.uint64(slots)
    for slot in range(np.uint64(low), np.uint64(high)):
        at = one + slot
        a, b, c = values[at] - s0, values[at + row] - s1, values[at + np.uint64(2) * row] - s2
        d, e = values[at + np.uint64(3) * row] - s3, values[at + np.uint64(4) * row] - s4
        f, g = values[at + np.uint64(5) * row] - s5, values[at + np.uint64(6) * row] - s6
        a, g = _order(a, g)
        c, d = _order(c, d)
        e, f = _order(e, f)
        a, c = _order(a, c)
        b, e = _order(b, e)
        d, g = _order(d, g)
        a, b = _order(a, b)
        c, f = _order(c, f)
        d, e = _order(d, e)
        b, c = _order(b, c)
        e, g = _order(e, g)
        c, d = _order(c, d)
        e, f = _order(e, f)
        b, c = _order(b, c)
        d, e = _order(d, e)
        f, g = _order(f, g)
        centre[slot + np.uint64(MARGIN)] = d
        # The deviations are 0 and two sorted triples; the fourth smallest of them is the least of these four.
        outer = d - a if d - a < g - d else g - d
        inner = d - c if d - c > f - d else f - d
        other = d - b if d - b > e - d else e - d
        outer = outer if outer < inner else inner
        spread[slot + np.uint64(MARGIN)] = outer if outer < other else other


@njit(**LEAF)
def medians_of_days(values, base, slots, low, high, shift, centre, spread):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Write median and MAD over any number of rows with gaps (not finite), for the slots low..high; NaN where never seen."""
    days = shift.size
    known = np.empty(days, np.float32)
    for slot in range(low, high):
        count = 0
        for day in range(days):
            value = values[base + day * slots + slot] - shift[day]
            if abs(value) < np.float32(np.inf):
                known[count] = value
                count += 1
        middle = np.float32(np.nan)
        for twice in range(2):
            if twice:
                for i in range(count):
                    known[i] = abs(known[i] - middle)
            for i in range(1, count):
                value, j = known[i], i
                while j > 0 and known[j - 1] > value:
                    known[j] = known[j - 1]
                    j -= 1
                known[j] = value
            spread[slot + MARGIN] = np.float32(np.nan)
            if count:
                spread[slot + MARGIN] = np.float32(0.5) * (known[(count - 1) // 2] + known[count // 2])
            if not twice:
                middle = spread[slot + MARGIN]
        centre[slot + MARGIN] = middle
