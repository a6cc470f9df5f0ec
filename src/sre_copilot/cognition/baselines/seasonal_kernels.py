"""The loops that learn profiles, sixteen series at a time: what they read twice stays in the cache, what they write fills lines."""

from __future__ import annotations

import numpy as np
from numba import njit

from sre_copilot.cognition.baselines.calendar_effects import KINDS, calendar_effects
from sre_copilot.cognition.baselines.lanes import (
    BARE,
    INSIDE,
    LANES,
    LEAF,
    absolute,
    first_lanes,
    full,
    joined,
    known_or,
    least,
    load,
    most,
    moved_up,
    store,
    total,
    where_above,
    where_within,
)
from sre_copilot.cognition.baselines.slot_medians import (
    MARGIN,
    WEEK,
    means_of_days,
    medians_of_days,
    medians_of_week,
)
from sre_copilot.cognition.baselines.turning import sum_tile, turn, turn_tile

CLIP = 4.0  # robust standard deviations; what lies farther is an incident and says nothing about the return from usual deviations
SHARP = 5.0  # standard errors by which a slot must leave its neighbours to be kept as it is (a job that runs each day)
APART = (
    72  # slots from one sixteen, on which the return rate is measured, to the next: two in a part of minutes
)
ALIKE = 0.1  # of the usual spread: days that differ by less move no median by a tenth of its own error
LARGEST_RATE = 0.9999  # a deviation always returns, if in a week


@njit(**LEAF)
def mean_of_known(values, low, high):  # type: ignore[no-untyped-def]
    """Return the mean of the finite ones of the flat places low..high, NaN without one, and their number."""
    total, count = np.float32(0.0), 0
    for i in range(low, high):
        if abs(values[i]) < np.float32(np.inf):
            total += values[i]
            count += 1
    return total / np.float32(count), count


@njit(**INSIDE)
def moments(values, base, slots, parts, later, shift, lane, centre, limit):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Sums of square and lagged product of the deviations of one series, clipped at `limit` (missing: 0), and the number of pairs."""
    zero, high, low = full(np.float32(0.0)), full(limit), full(-limit)
    square, product, pairs = zero, zero, 0
    for part in range(parts.size - 1):
        width = parts[part + 1] - parts[part]
        for slot in range(parts[part], max(parts[part + 1] - LANES, parts[part]) + 1, APART):
            usual = load(centre, slot + MARGIN)
            for day in range(shift.shape[1]):
                off = usual + full(shift[later[part], day, lane])
                now = known_or(load(values, base + day * slots + slot) - off, zero)
                if width < LANES:
                    now = first_lanes(now, width)
                now = most(least(now, high), low)
                square = square + now * now
                product = product + now * moved_up(now, now, 1)  # the first lane is none
            pairs += min(width, LANES) * shift.shape[1]
    return total(square), total(joined(zero, product, 1)), pairs


@njit(**INSIDE)
def smooth(raw, slots, weights, deviation, result):  # type: ignore[no-untyped-def]
    """Weighted mean over two neighbours each side; a slot that leaves them sharply, or has none, is kept; returns the mean."""
    for i in range(2):
        raw[MARGIN - 1 - i] = raw[MARGIN + slots - 1 - i]
        raw[MARGIN + slots + i] = raw[MARGIN + i]
    own, near, far, limit = full(weights[0]), full(weights[1]), full(weights[2]), full(deviation)
    everything, last, value = limit - limit, 0, limit - limit
    before, alone = load(raw, MARGIN - LANES), load(raw, MARGIN)
    for slot in range(0, slots, LANES):
        after = load(raw, slot + MARGIN + LANES)
        mean = own * alone + near * (moved_up(before, alone, 1) + moved_up(alone, after, 15))
        mean = mean + far * (moved_up(before, alone, 2) + moved_up(alone, after, 14))
        value = where_within(absolute(mean - alone), limit, mean, alone)
        store(result, slot, value)
        everything = everything + value
        before, alone, last = alone, after, slot
    everything = everything - value + first_lanes(value, slots - last)
    level = total(everything) / np.float32(slots)
    if not abs(level) < np.float32(np.inf):
        level, _seen = mean_of_known(result, 0, slots)
    return level


@njit(**INSIDE)
def spreads(spread, slots, bins, factor, tiles, raw):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Write the mean MAD of the slots of each bin as a standard deviation, one place late; returns the mean of all."""
    width = slots // bins
    for each in range(bins):
        sums, first = full(np.float32(0.0)), MARGIN + each * width
        for slot in range(0, width, LANES):
            sums = sums + first_lanes(load(spread, first + slot), width - slot)
        store(tiles, each * LANES, sums)
    usual, each_of = full(np.float32(0.0)), full(factor / np.float32(width))
    for each in range(0, bins, LANES):
        mean = sum_tile(tiles, each * LANES, LANES) * each_of
        usual = usual + first_lanes(mean, bins - each)
        store(raw, 1 + each, mean)
    mean = total(usual) / np.float32(bins)
    if not abs(mean) < np.float32(np.inf):
        for each in range(bins):
            one, _seen = mean_of_known(spread, MARGIN + each * width, MARGIN + (each + 1) * width)
            raw[1 + each] = factor * one
        mean, _seen = mean_of_known(raw, 1, 1 + bins)
    raw[0], raw[bins + 1] = raw[bins], raw[1]
    return mean


@njit(**INSIDE)
def smooth_spreads(raw, bins, floor, result):  # type: ignore[no-untyped-def]
    """Smooth over neighbouring bins, where they were seen, and hold the floor."""
    half, quarter, lowest = full(np.float32(0.5)), full(np.float32(0.25)), full(floor)
    for each in range(0, bins, LANES):
        alone = load(raw, each + 1)
        mean = quarter * (load(raw, each) + load(raw, each + 2)) + half * alone
        mean = known_or(mean, alone)
        store(result, each, where_above(lowest, mean, lowest, mean))


@njit(**LEAF)
def smallest_step(values, base, length):  # type: ignore[no-untyped-def]
    """Return the smallest change of a series between two values that follow each other; 0 when it never changes."""
    least = np.float32(np.inf)
    for i in range(base + 1, base + length):
        change = abs(values[i] - values[i - 1])
        if np.float32(1e-6) * abs(values[i]) < change < least:
            least = change
    return least if least < np.float32(np.inf) else np.float32(0.0)


@njit(**INSIDE)
def slot_medians(values, base, coming, slots, parts, later, shift, lane, work, rows, sums, shares, means):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Write median and MAD of the slots of one series, both with MARGIN places of room, and the mean of each part of each row.

    Returns how many days of values are known. `shares` is one by the number of values of each part of each row.
    """
    days, count, seen = shift.shape[1], parts.size - 1, np.float32(0.0)
    gaps = 0
    for part in range(count):
        low, high, off = parts[part], parts[part + 1], shift[later[part]]
        whole = days == WEEK and (high - low) % LANES == 0
        if whole:
            whole = medians_of_week(
                values, base, coming, slots, low, high, off, lane, work[0], work[1], sums, part, count
            )
        if whole:
            seen += np.float32(days * (high - low))
        else:
            gaps |= 1 << part
            seen += medians_of_days(values, base, slots, low, high, off, lane, work[0], work[1], rows)
    for first in range(0, days * count, LANES):
        store(means, first, sum_tile(sums, first * LANES, LANES) * load(shares, first))
    for part in range(count):
        if gaps & (1 << part):
            means_of_days(values, base, days, slots, parts[part], parts[part + 1], means, part, count)
    return seen / np.float32(slots)


@njit(**INSIDE)
def learn_series(  # type: ignore[no-untyped-def]  # noqa: PLR0917
    values,
    base,
    slots,
    parts,
    later,
    shift,
    lane,
    days,
    factors,
    weights,
    bins,
    work,
    tiles,
    centre,
    scale,
    facts,
    column,
    row,
):
    """Learn one series of which the slots' medians and MAD are known (`work`), and how many days of values."""
    seen = min(int(days + np.float32(0.5)), factors.size - 1)
    usual = spreads(work[1], slots, bins, factors[seen], tiles, work[2])
    error = np.float32(SHARP * 1.2533) / np.sqrt(np.float32(max(seen, 1))) * usual
    level = smooth(work[0], slots, weights, error, centre[row])
    square, product, pairs = moments(
        values, base, slots, parts, later, shift, lane, work[0], np.float32(CLIP) * usual
    )
    rate = product / max(square, np.float32(1e-30)) * np.float32(LANES / (LANES - 1))
    rate = min(max(rate, np.float32(0.0)), np.float32(LARGEST_RATE))
    floor = max(np.float32(0.1) * usual, np.float32(1e-3) * abs(level), np.float32(1e-6))
    if usual == 0:
        floor = max(floor, smallest_step(values, base, shift.shape[1] * slots))
    smooth_spreads(work[2], bins, floor, scale[row])
    share = np.float32(pairs) * days / np.float32(shift.shape[1])  # what is missing added 0 to both sums
    noise = np.sqrt(square / max(share, np.float32(1.0)) * (np.float32(1.0) - rate * rate))
    facts[0, column], facts[1, column] = level, max(noise, floor * np.float32(0.1))
    facts[2, column], facts[3, column] = rate, days
    return usual


@njit(**INSIDE)
def take_off(own, kinds, shift):  # type: ignore[no-untyped-def]
    """Write what is taken off each row, before [0] and after [1] local midnight; return the largest of each lane."""
    nothing, days = full(np.float32(0.0)), shift.shape[1]
    largest = nothing
    for after in range(2):
        for day in range(days):
            off = known_or(load(own, kinds[day + after] * LANES), nothing)
            store(shift, (after * days + day) * LANES, off)
            largest = most(absolute(off), largest)
    return largest


@njit(**BARE)
def learn_rows(values, last, series, plan, scratch, results):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Learn all series, sixteen at a time: first as if all days were alike, then again those whose days are not.

    Parameters
    ----------
    values : flat, series after series of whole rows; `last` holds the last of them with sixteen places of room, for reading whole registers
    plan : slots, and the slot of the day at which a row begins; parts, later, kinds and weights as above; the factors of MADs by days,
        and one by the number of values of each part of each row
    scratch : memory to work in (`seasonal`)
    results : centre, scale, effects, facts, of shape (slots, n), (bins, n), (KINDS, n) and (4, n), n being whole registers
    """
    slots, first, parts, later, kinds, factors, weights, shares = plan
    centre, scale, effects, facts = results
    work, sums, rows, tiles, totals, means, shift, found, own, table, narrow, largest, usual = scratch
    days, count, bins = kinds.size - 1, parts.size - 1, scale.shape[0]
    length = days * slots
    for step in range(2 * ((series + LANES - 1) // LANES)):
        block, again = step // 2 * LANES, step % 2
        row = block % table.shape[0]
        for one in range(min(LANES, series - block)):
            place, off = block + one, shift[again]
            if again and not largest[one] > np.float32(ALIKE) * usual[one]:
                continue
            source, base = (last, 0) if place == series - 1 else (values, place * length)
            coming = base + (length if place < series - 2 and not again else 0)
            known = slot_medians(source, base, coming, slots, parts, later, off, one, work, rows, sums, shares, totals[one])  # fmt: skip
            usual[one] = learn_series(source, base, slots, parts, later, off, one, known, factors, weights, bins, work, tiles, table, narrow, facts, place, row + one)  # fmt: skip
        if not again:
            for each in range(0, days * count, LANES):
                turn_tile(totals, each, totals.shape[1], means, each * LANES, LANES)
            calendar_effects(means, days, count, later, kinds, own, found[0], found[1], found[2])
            for kind in range(KINDS):
                store(effects, kind * effects.shape[1] + block, load(own, kind * LANES))
            store(largest, 0, take_off(own, kinds, shift[1]))
        elif row + LANES == table.shape[0] or block + LANES >= series:
            turn(table, row + LANES, slots, first, centre, block - row)
            turn(narrow, row + LANES, bins, first * bins // slots, scale, block - row)
