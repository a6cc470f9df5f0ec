"""Seasonal baselines: what is normal by minute of the day and day of the week, learned robustly from a few days.

References
----------
Cleveland et al., STL: a seasonal-trend decomposition procedure based on loess, 1990, section 2 (season by cycle-subseries);
Croux and Rousseeuw, Time-efficient algorithms for two highly robust estimators of scale, 1992, section 3 (the factors that make the
MAD of a few values unbiased).
"""

from __future__ import annotations

import datetime
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sre_copilot.cognition.baselines.calendar_effects import FOUND, HOLIDAY, KINDS
from sre_copilot.cognition.baselines.lanes import LANES
from sre_copilot.cognition.baselines.memory import lines
from sre_copilot.cognition.baselines.profile import DAY_SECONDS, Floats, Profile
from sre_copilot.cognition.baselines.rows import rows_of_days
from sre_copilot.cognition.baselines.seasonal_kernels import learn_rows
from sre_copilot.cognition.baselines.slot_medians import MARGIN

Integers = NDArray[np.int64]
EPOCH = datetime.date(1970, 1, 1)
MAD_TO_SIGMA = 1.4826
FEW = (np.nan, np.nan, 1.196, 1.495, 1.363, 1.206, 1.200, 1.140, 1.129, 1.107)  # Croux and Rousseeuw 1992
MOST_DAYS = 31  # rows with a factor of their own; beyond it the factor is 1 to within 3 %
PARTS = (
    10  # a row is cut into ten: two and a half hours hold a day's level, and four of ten may be an incident
)
BINS = 48  # spreads a day: half an hour of a week of minutes is 210 deviations, known to 5 %
SIDE_BY_SIDE = 8  # sixteens of series written together: 512 bytes of each row at a time, from 0.75 MB of the second cache
NEIGHBOURS = (
    (120, 2),
    (600, 1),
    (DAY_SECONDS, 0),
)  # longest slot, neighbours each side: five minutes, or one slot
WEEKDAY_OF_EPOCH = 3  # 1970-01-01 was a Thursday


def learn(
    values: Floats,
    *,
    start: int,
    step_seconds: int,
    slot_seconds: int | None = None,
    holidays: Collection[datetime.date] = (),
    utc_offset_seconds: int = 0,
) -> Profile:
    """Learn the profile of every series.

    Parameters
    ----------
    values : shape (n, times), NaN where there is no value; column i is the time `start + i * step_seconds`. An incident in the past
        does not matter as long as a slot was normal on most days
    start : epoch seconds of the first column
    step_seconds : seconds between columns, a minute to an hour
    slot_seconds : resolution of the profile, a divisor of a day; None: the step, a minute at least
    holidays : dates, past and coming, that are unlike their day of the week
    utc_offset_seconds : how far local midnight, at which days and holidays begin, is ahead of UTC

    Raises
    ------
    ValueError : when there is nothing to learn from, or the slot does not divide a day or is shorter than the step
    """
    slot = slot_seconds or default_slot(step_seconds)
    rows, first = rows_of_days(values, start=start, step_seconds=step_seconds, slot_seconds=slot)
    dates = frozenset((day - EPOCH).days for day in holidays)
    plan = _plan(
        rows.shape[1], first, slot_seconds=slot, utc_offset_seconds=utc_offset_seconds, holidays=dates
    )
    table, facts = _learn(rows, plan)
    return Profile(
        slot_seconds=slot,
        step_seconds=step_seconds,
        centre=table[0],
        scale=table[1],
        weekday=table[2][:7],
        holiday=table[2][HOLIDAY],
        level=facts[0],
        noise=facts[1],
        return_rate=facts[2],
        days=facts[3],
        holidays=dates,
        utc_offset_seconds=utc_offset_seconds,
    )


@dataclass(frozen=True, slots=True)
class _Plan:
    """How rows are read: slots and days, the slot of the day at which a row begins, its parts, and the kinds of its calendar days."""

    slots: int
    days: int
    first: int
    parts: Integers
    later: Integers
    kinds: Integers
    weights: Floats


def _plan(
    width: int, first: int, *, slot_seconds: int, utc_offset_seconds: int, holidays: frozenset[int]
) -> _Plan:
    slots = DAY_SECONDS // slot_seconds
    days = width // slots
    midnight = (first + utc_offset_seconds // slot_seconds) % slots
    parts, later = _parts(slots, (slots - midnight) % slots)
    first_day = (first * slot_seconds + utc_offset_seconds) // DAY_SECONDS
    reach = next(reach for longest, reach in NEIGHBOURS if slot_seconds <= longest)
    weights = np.array([max(reach + 1 - k, 0) for k in range(3)], np.float32) / (reach + 1) ** 2
    kinds = _kinds(first_day, days + 1, holidays)
    return _Plan(slots, days, first % slots, parts, later, kinds, weights.astype(np.float32))


def _learn(rows: Floats, plan: _Plan) -> tuple[tuple[Floats, Floats, Floats], Floats]:
    """Learn centre (slots, n), scale (bins, n), effects (KINDS, n); and the facts (4, n)."""
    series, slots = rows.shape[0], plan.slots
    bins = int(np.gcd(slots, BINS))
    found = tuple(lines(count, series) for count in (slots, bins, KINDS, 4))
    last = np.zeros(rows.shape[1] + LANES, np.float32)  # whole registers are read beyond the end
    last[:-LANES] = rows[-1] if series else 0
    scratch = _scratch(slots, plan.days, bins, plan.parts.size - 1)
    numbers = (plan.parts, plan.later, plan.kinds, _factors(), plan.weights, _shares(plan))
    learn_rows(rows.reshape(-1), last, series, (slots, plan.first, *numbers), scratch, found)
    centre, scale, effects, facts = (_kept(each, series) for each in found)
    return (centre, scale, effects), facts


def _kept(table: Floats, series: int) -> Floats:
    """Return the columns of the series, without the others' memory where these are many."""
    return table[:, :series] if table.shape[1] < 1.1 * series else table[:, :series].copy()


def _scratch(slots: int, days: int, bins: int, parts: int) -> tuple[Any, ...]:
    """Return the memory that `learn_rows` works in."""
    means, wide, narrow = (-(-count // LANES) * LANES for count in (days * parts, slots, bins))
    sizes = (means, days, narrow)
    sums, rows, tiles = (np.zeros(each * LANES, np.float32) for each in sizes)
    found = tuple(np.zeros(each * LANES, np.float32) for each in (days + 1, FOUND, max(days + 1, parts)))
    return (
        lines(3, wide + 2 * MARGIN),
        sums,
        rows,
        tiles,
        np.zeros((LANES, means), np.float32),
        np.zeros(means * LANES, np.float32),
        np.zeros((2, 2, days, LANES), np.float32),
        found,
        np.zeros(KINDS * LANES, np.float32),
        lines(SIDE_BY_SIDE * LANES, wide),
        lines(SIDE_BY_SIDE * LANES, narrow),
        np.zeros(LANES, np.float32),
        np.zeros(LANES, np.float32),
    )


def _shares(plan: _Plan) -> Floats:
    """Return one by the number of values of each part of each row, in whole registers."""
    width = np.diff(plan.parts)
    shares = np.tile(1 / width, plan.days)
    return np.pad(shares, (0, -shares.size % LANES)).astype(np.float32)


def default_slot(step_seconds: int) -> int:
    """Return the shortest slot, a minute at least, that divides a day and holds a step."""
    if not 0 < step_seconds <= DAY_SECONDS:
        raise ValueError(f"step_seconds is {step_seconds}; it lies between 1 and {DAY_SECONDS}")
    return next(slot for slot in range(max(60, step_seconds), DAY_SECONDS + 1) if DAY_SECONDS % slot == 0)


def expected(profile: Profile, at: float) -> tuple[Floats, Floats]:
    """Return centre and scale of every series at a time (epoch s), each of shape (n,)."""
    second = int(at) % DAY_SECONDS
    centre = profile.centre[second // profile.slot_seconds] + effect(profile, at)
    return centre, profile.scale[second * profile.scale.shape[0] // DAY_SECONDS]


def effect(profile: Profile, at: float) -> Floats:
    """Return what the calendar day of a time (epoch s) adds to the time of day, shape (n,)."""
    day = (int(at) + profile.utc_offset_seconds) // DAY_SECONDS
    if day in profile.holidays:
        return np.where(np.isnan(profile.holiday), profile.weekday[6], profile.holiday)
    weekday: Floats = profile.weekday[(day + WEEKDAY_OF_EPOCH) % 7]
    return weekday


def _parts(slots: int, midnight: int) -> tuple[Integers, Integers]:
    """Cut a row into parts of one calendar day each, and say which lie after local midnight."""
    width = max(1, slots // PARTS)
    edges = sorted({*range(0, slots, width), midnight, slots})
    if len(edges) > 2 and edges[-1] - edges[-2] < width // 2 and edges[-2] != midnight:
        del edges[-2]
    later = [1 if midnight and edge >= midnight else 0 for edge in edges[:-1]]
    return np.array(edges, np.int64), np.array(later, np.int64)


def _kinds(first_day: int, count: int, holidays: frozenset[int]) -> Integers:
    """Return the kind of each calendar day: 0 Monday … 6 Sunday, or a holiday."""
    days = range(first_day, first_day + count)
    return np.array([HOLIDAY if day in holidays else (day + WEEKDAY_OF_EPOCH) % 7 for day in days], np.int64)


def _factors() -> Floats:
    """Factors from the MAD of k values to a standard deviation, k = 0 … MOST_DAYS."""
    later = (k / (k - 0.8) for k in range(len(FEW), MOST_DAYS + 1))
    return (MAD_TO_SIGMA * np.array([*FEW, *later])).astype(np.float32)
