"""Median and median absolute deviation of each slot over the days, for one series, sixteen slots at a time.

References
----------
Knuth, The Art of Computer Programming 3, 1998, section 5.3.4 (an optimal network of 16 comparators for seven values).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import intrinsic

from sre_copilot.cognition.baselines.lanes import (
    INSIDE,
    LANES,
    LEAF,
    absolute,
    fetch,
    first_lanes,
    full,
    known_or,
    least_of,
    load,
    most_of,
    sixteen,
    store,
    total,
    where_known,
)
from sre_copilot.cognition.baselines.sorted_lanes import median_rows

MARGIN = 16  # slots beyond midnight on both sides, for the neighbours; whole lines of the cache
WEEK = 7  # rows of the fast network: the default past is seven days
ORDER = [
    "ag",
    "cd",
    "ef",
    "ac",
    "be",
    "dg",
    "ab",
    "cf",
    "de",
    "bc",
    "eg",
    "cd",
    "ef",
    "bc",
    "de",
    "fg",
]  # comparators
_compiled: Any = intrinsic
PAIR: Any = types.Tuple((sixteen, sixteen))  # type: ignore[no-untyped-call]


@_compiled  # type: ignore[untyped-decorator]
def median_of_week(typing: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any) -> Any:  # noqa: PLR0917
    """Median and median absolute deviation of seven values; what is not used of the result costs nothing."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        rows = dict(zip("abcdefg", arguments, strict=True))
        for low, high in map(tuple, ORDER):
            both = rows[low], rows[high]
            rows[low], rows[high] = least_of(builder, *both), most_of(builder, *both)
        # The deviations are 0 and two sorted triples; the fourth smallest of them is the least of these four.
        middle = rows["d"]
        below = [builder.fsub(middle, rows[each]) for each in "abc"]
        above = [builder.fsub(rows[each], middle) for each in "gfe"]
        spread = least_of(builder, below[0], above[0])
        spread = least_of(builder, spread, most_of(builder, below[1], above[2]))
        spread = least_of(builder, spread, most_of(builder, below[2], above[1]))
        pair = ir.Constant(ir.ArrayType(middle.type, 2), ir.Undefined)
        return builder.insert_value(builder.insert_value(pair, middle, 0), spread, 1)

    return PAIR(a, b, c, d, e, f, g), generate


@njit(**INSIDE)
def _week_at(values, at, coming, slots, off, sums):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Median and MAD of seven rows at sixteen slots, and their sums with these; asks for what lies at `coming`.

    What comes next is asked for early, so that memory works while the network sorts.
    """
    a, b, c = load(values, at), load(values, at + slots), load(values, at + 2 * slots)
    d, e, f = load(values, at + 3 * slots), load(values, at + 4 * slots), load(values, at + 5 * slots)
    g = load(values, at + 6 * slots)
    sums = (sums[0] + a, sums[1] + b, sums[2] + c, sums[3] + d, sums[4] + e, sums[5] + f, sums[6] + g)
    for day in range(WEEK):
        fetch(values, coming + day * slots)
    middle, apart = median_of_week(
        a - off[0], b - off[1], c - off[2], d - off[3], e - off[4], f - off[5], g - off[6]
    )
    return middle, apart, sums


@njit(**INSIDE)
def medians_of_week(values, base, coming, slots, low, high, shift, lane, centre, spread, sums, row, parts):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Write median and MAD over seven rows for the slots low..high, and sixteen sums of each row; whether there is no gap.

    The row `d` of the series lies at `values[base + d * slots:]`; `shift[d, lane]` is taken off it. Results lie MARGIN later than their slot, the sums
    at row `row + d * parts`. The MAD of every other sixteen slots stands for the next, since spreads are kept by half an hour. The
    series at `coming` is next. Whole registers only: the last slots of a part that has more are left to `medians_of_days`.
    """
    off = (
        full(shift[0, lane]),
        full(shift[1, lane]),
        full(shift[2, lane]),
        full(shift[3, lane]),
        full(shift[4, lane]),
        full(shift[5, lane]),
        full(shift[6, lane]),
    )
    zero = full(np.float32(0.0))
    each = (zero, zero, zero, zero, zero, zero, zero)
    for slot in range(low, high - LANES, 2 * LANES):
        middle, apart, each = _week_at(values, base + slot, coming + slot, slots, off, each)
        store(centre, slot + MARGIN, middle)
        store(spread, slot + MARGIN, apart)
        store(spread, slot + MARGIN + LANES, apart)
        after = slot + LANES
        middle, _unused, each = _week_at(values, base + after, coming + after, slots, off, each)
        store(centre, after + MARGIN, middle)
    if (high - low) % (2 * LANES):
        slot = high - LANES
        middle, apart, each = _week_at(values, base + slot, coming + slot, slots, off, each)
        store(centre, slot + MARGIN, middle)
        store(spread, slot + MARGIN, apart)
    to, width = row * LANES, parts * LANES
    store(sums, to, each[0])
    store(sums, to + width, each[1])
    store(sums, to + 2 * width, each[2])
    store(sums, to + 3 * width, each[3])
    store(sums, to + 4 * width, each[4])
    store(sums, to + 5 * width, each[5])
    store(sums, to + 6 * width, each[6])
    everything = (each[0] + each[1]) + (each[2] + each[3]) + (each[4] + each[5]) + each[6]
    return abs(total(everything)) < np.float32(np.inf)


@njit(**LEAF)
def means_of_days(values, base, days, slots, low, high, result, row, parts):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Write the mean of the known slots low..high of each row; NaN where fewer than half are known."""
    one, zero = full(np.float32(1.0)), full(np.float32(0.0))
    for day in range(days):
        sums, known, start = zero, zero, base + day * slots
        for slot in range(low, high, LANES):
            value = load(values, start + slot)
            sums = sums + first_lanes(known_or(value, zero), high - slot)
            known = known + first_lanes(where_known(value, one, zero), high - slot)
        count = total(known)
        mean = total(sums) / count if 2 * count >= high - low else np.float32(np.nan)
        result[row + day * parts] = mean


@njit(**LEAF)
def medians_of_days(values, base, slots, low, high, shift, lane, centre, spread, rows):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Write median and MAD over any number of rows with gaps (not finite), for the slots low..high; NaN where never seen.

    Returns the number of known values. Up to fifteen places beyond `high` are written too: the next part writes them again. `rows` is scratch, sixteen values a day.
    """
    days, seen = shift.shape[0], full(np.float32(0.0))
    for slot in range(low, high, LANES):
        for day in range(days):
            store(rows, day * LANES, load(values, base + day * slots + slot) - full(shift[day, lane]))
        middle, known = median_rows(rows, days)
        seen = seen + first_lanes(known, high - slot)
        store(centre, slot + MARGIN, middle)
        for day in range(days):
            value = load(values, base + day * slots + slot) - full(shift[day, lane])
            store(rows, day * LANES, absolute(value - middle))
        middle, _known = median_rows(rows, days)
        store(spread, slot + MARGIN, middle)
    return total(seen)
