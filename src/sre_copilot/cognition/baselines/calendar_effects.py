"""What the day of the week and holidays add to the time of day, told from how far whole days lie off.

References
----------
Efron and Morris, Stein's estimation rule and its competitors, 1973, eq. 1.8 (shrink a difference by the variance of its estimate).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sre_copilot.cognition.baselines.lanes import LANES, LEAF, median_lanes

HOLIDAY = 7  # kind of a day; 0 is Monday, 6 is Sunday
KINDS = 8
WORKING, WEEKEND = 8, 9  # rows of the groups, beside those of the kinds
LEAST_PARTS = 0.25  # share of a day's parts that must be known before its level counts
FIRST_KIND = np.array([0, 1, 2, 3, 4, 5, 6, 7, 0, 5])
LAST_KIND = np.array([0, 1, 2, 3, 4, 5, 6, 7, 4, 6])


@njit(cache=True, error_model="numpy")
def calendar_effects(means, later, kinds, effects):  # type: ignore[no-untyped-def]
    """Write what each kind of day adds to the time of day, shape (series, KINDS).

    Saturdays and Sundays are first told from working days together, since a week holds one of each; a single day of the week
    is told from its group once it was seen twice. Each difference is shrunk by how far days of one kind differ anyway. A
    usual working day is 0; a holiday never seen is NaN.

    Parameters
    ----------
    means : shape (blocks, days, parts, LANES), means of the same parts of each row; NaN: too little is known
    later : shape (parts,), 1 where the part belongs to the calendar day after the one on which its row begins
    kinds : shape (days + 1,), kind of each calendar day
    """
    days, parts = means.shape[1], means.shape[2]
    levels, work = (
        np.empty((days + 1, LANES), np.float32),
        np.empty((max(days + 1, parts), LANES), np.float32),
    )
    typical, one = np.empty((parts, LANES), np.float32), np.empty((10, LANES), np.float32)
    number, noise = np.zeros((10, LANES), np.float32), np.empty((2, LANES), np.float32)
    for block in range(means.shape[0]):
        _day_levels(means[block], later, levels, typical, work)
        _kind_levels(levels, kinds, one, number, work, noise)
        _shrink(one, number, noise)
        for kind in range(KINDS):
            for lane in range(LANES):
                effects[block * LANES + lane, kind] = one[kind, lane]


@njit(**LEAF)
def _day_levels(means, later, levels, typical, work):  # type: ignore[no-untyped-def]
    """How far each calendar day lies off the typical one: the median over its parts, which no incident of hours moves."""
    days, parts = means.shape[0], means.shape[1]
    for each in range(parts + days + 1):
        first = each < parts
        for i in range(days if first else parts):
            part = each if first else i
            row = i if first else each - parts - later[i]
            for lane in range(LANES):
                inside = 0 <= row < days
                less = np.float32(0.0) if first else typical[part, lane]
                work[i, lane] = means[row, part, lane] - less if inside else np.float32(np.nan)
        median_lanes(work, days if first else parts, typical[each] if first else levels[each - parts])
        if not first:
            for lane in range(LANES):
                if not work[int(LEAST_PARTS * parts), lane] < np.float32(np.inf):
                    levels[each - parts, lane] = np.float32(np.nan)


@njit(**LEAF)
def _kind_levels(levels, kinds, one, number, work, noise):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Median of the days of each kind and group, their number, and how far days lie off their own kind [0] and group [1]."""
    for each in range(12):
        count = 0
        for day in range(levels.shape[0]):
            kind = kinds[day]
            if each < 10 and FIRST_KIND[each] <= kind <= LAST_KIND[each]:
                for lane in range(LANES):
                    work[count, lane] = levels[day, lane]
                count += 1
            if each >= 10 and kind != HOLIDAY:
                own = kind if each == 10 else WORKING + kind // 5
                for lane in range(LANES):
                    work[count, lane] = np.float32(1.4826) * abs(levels[day, lane] - one[own, lane])
                count += 1
        median_lanes(work, count, one[each] if each < 10 else noise[each - 10])
        for lane in range(LANES):
            known = 0
            for i in range(count):
                known += work[i, lane] < np.float32(np.inf)
            if each < 10:
                number[each, lane] = known


@njit(**LEAF)
def _shrink(one, number, noise):  # type: ignore[no-untyped-def]
    """Turn levels of kinds into effects: each difference by difference² / (difference² + variance of its estimate)."""
    for lane in range(LANES):
        working, weekend = one[WORKING, lane], one[WEEKEND, lane]
        if number[WORKING, lane] == 0:
            working = weekend if number[WEEKEND, lane] else np.float32(0.0)
        apart = weekend - working if number[WEEKEND, lane] else np.float32(0.0)
        few = 1 / max(number[WORKING, lane], 1) + 1 / max(number[WEEKEND, lane], 1)
        apart = apart**3 / max(apart**2 + noise[1, lane] ** 2 * few, 1e-30)
        for kind in range(7):
            base = apart if kind >= 5 else 0.0
            own, times = one[kind, lane] - working - base, number[kind, lane]
            if times > 1:
                base += own**3 / max(own**2 + noise[0, lane] ** 2 / (times - 1), 1e-30)
            one[kind, lane] = base
        one[HOLIDAY, lane] -= working
