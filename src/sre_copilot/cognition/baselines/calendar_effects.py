"""What the day of the week and holidays add to the time of day, told from how far whole days lie off.

References
----------
Efron and Morris, Stein's estimation rule and its competitors, 1973, eq. 1.8 (shrink a difference by the variance of its estimate).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sre_copilot.cognition.baselines.lanes import (
    LANES,
    LEAF,
    absolute,
    full,
    known_or,
    load,
    most,
    store,
    where_above,
)
from sre_copilot.cognition.baselines.sorted_lanes import median_rows

HOLIDAY = 7  # kind of a day; 0 is Monday, 6 is Sunday
KINDS = 8
WORKING, WEEKEND = 8, 9  # rows of the groups, beside those of the kinds
LEAST_PARTS = 0.25  # share of a day's parts that must be known before its level counts
FIRST_KIND = np.array([0, 1, 2, 3, 4, 5, 6, 7, 0, 5])
LAST_KIND = np.array([0, 1, 2, 3, 4, 5, 6, 7, 4, 6])
FEW, NOISE = (
    10,
    12,
)  # rows of `found`: their numbers follow what each kind and group is, then how far days of one lie apart
FOUND = 22  # rows of `found`


@njit(**LEAF)
def calendar_effects(means, days, parts, later, kinds, effects, levels, found, work):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Write what each kind of day adds to the time of day, shape (KINDS, LANES).

    Saturdays and Sundays are first told from working days together, since a week holds one of each; a single day of the week
    is told from its group once it was seen twice. Each difference is shrunk by how far days of one kind differ anyway. A
    usual working day is 0; a holiday never seen is NaN.

    Parameters
    ----------
    means : shape (days * parts, LANES), means of the same parts of each row; NaN: too little is known
    later : shape (parts,), 1 where the part belongs to the calendar day after the one on which its row begins
    kinds : shape (days + 1,), kind of each calendar day
    levels, found, work : scratch of rows of sixteen: days + 1, FOUND, and as many as days + 1 or parts
    """
    _day_levels(means, days, parts, later, levels, work)
    _kind_levels(levels, days + 1, kinds, found, work)
    _shrink(found, effects)


@njit(**LEAF)
def _day_levels(means, days, parts, later, levels, work):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """How far each calendar day lies off the typical one: the median over its parts, which no incident of hours moves."""
    nothing, least = full(np.float32(np.nan)), full(np.float32(int(LEAST_PARTS * parts)))
    for part in range(parts):
        for day in range(days):
            store(work, day * LANES, load(means, (day * parts + part) * LANES))
        typical, _known = median_rows(work, days)
        for day in range(days):
            at = (day * parts + part) * LANES
            store(means, at, load(means, at) - typical)
    for day in range(days + 1):
        for part in range(parts):
            row = day - later[part]
            value = nothing
            if 0 <= row < days:
                value = load(means, (row * parts + part) * LANES)
            store(work, part * LANES, value)
        level, known = median_rows(work, parts)
        store(levels, day * LANES, where_above(known, least, level, nothing))


@njit(**LEAF)
def _kind_levels(levels, days, kinds, found, work):  # type: ignore[no-untyped-def]
    """Median of the days of each kind and group, their number, and how far days lie off their own kind [0] and group [1]."""
    factor = full(np.float32(1.4826))
    for each in range(NOISE):
        count = 0
        for day in range(days):
            kind, level = kinds[day], load(levels, day * LANES)
            if each < FEW and FIRST_KIND[each] <= kind <= LAST_KIND[each]:
                store(work, count * LANES, level)
                count += 1
            if each >= FEW and kind != HOLIDAY:
                own = kind if each == FEW else WORKING + kind // 5
                store(work, count * LANES, factor * absolute(level - load(found, own * LANES)))
                count += 1
        middle, known = median_rows(work, count)
        place = each if each < FEW else each + FEW
        store(found, place * LANES, middle)
        if each < FEW:
            store(found, (FEW + each) * LANES, known)


@njit(**LEAF)
def _shrunk(apart, noise, few):  # type: ignore[no-untyped-def]
    """Shrink a difference: times difference² / (difference² + variance of its estimate)."""
    one, zero = full(np.float32(1.0)), full(np.float32(0.0))
    share = noise / apart
    return known_or(apart / (one + few * share * share), zero)


@njit(**LEAF)
def _shrink(found, effects):  # type: ignore[no-untyped-def]
    """Turn levels of kinds into effects."""
    one, zero = full(np.float32(1.0)), full(np.float32(0.0))
    working, weekend = load(found, WORKING * LANES), load(found, WEEKEND * LANES)
    works, rests = load(found, (FEW + WORKING) * LANES), load(found, (FEW + WEEKEND) * LANES)
    within, between = load(found, 2 * FEW * LANES), load(found, (2 * FEW + 1) * LANES)
    working = where_above(works, zero, working, where_above(rests, zero, weekend, zero))
    apart = where_above(rests, zero, weekend - working, zero)
    apart = _shrunk(apart, between, one / most(works, one) + one / most(rests, one))
    for kind in range(7):
        base = apart if kind >= 5 else zero
        times = load(found, (FEW + kind) * LANES)
        own = load(found, kind * LANES) - working - base
        more = _shrunk(own, within, one / most(times - one, one))
        store(effects, kind * LANES, base + where_above(times, one, more, zero))
    store(effects, HOLIDAY * LANES, load(found, HOLIDAY * LANES) - working)
