"""The loops that learn profiles, a few series at a time: what they read twice stays in the cache, what they write fills lines."""

from __future__ import annotations

import numpy as np
from numba import njit

from sre_copilot.cognition.baselines.lanes import LANES
from sre_copilot.cognition.baselines.slot_medians import MARGIN, WEEK, medians_of_days, medians_of_week

CLIP = 4.0  # robust standard deviations; what lies farther is an incident and says nothing about the return from usual deviations
SHARP = 5.0  # standard errors by which a slot must leave its neighbours to be kept as it is (a job that runs each day)
PAIRS = 48  # pairs of a part that the return rate is measured on: a third of a part of minutes
LARGEST_RATE = 0.9999  # a deviation always returns, if in a week


@njit(cache=True, fastmath={"reassoc", "nsz", "contract"}, error_model="numpy")
def part_means(values, slots, days, parts, means, known):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Write the mean of each part of each row, (blocks, days, parts, LANES), and how many of its values are known.

    `values` is flat. A sum that is not finite is told again value by value; a part needs half of its values.
    """
    for one in range(values.size // (slots * days)):
        for each in range(days * (parts.size - 1)):
            day, part = each // (parts.size - 1), each % (parts.size - 1)
            begin = (one * days + day) * slots
            low, high = np.uint64(begin + parts[part]), np.uint64(begin + parts[part + 1])
            total, count = np.float32(0.0), parts[part + 1] - parts[part]
            for i in range(low, high):
                total += values[i]
            if not abs(total) < np.float32(np.inf):
                total, count = np.float32(0.0), 0
                for i in range(low, high):
                    good = abs(values[i]) < np.float32(np.inf)
                    total += values[i] if good else np.float32(0.0)
                    count += good
                if 2 * count < parts[part + 1] - parts[part]:
                    total = np.float32(np.nan)
            means[one // LANES, day, part, one % LANES] = total / np.float32(max(count, 1))
            known[one, day, part] = count


@njit(cache=True, error_model="numpy")
def learn_series(values, one, slots, parts, later, known, shift, centre, spread):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Write median and MAD of the slots of series `one`; both of shape (slots + 2 MARGIN,), midnight's neighbours repeated."""
    days = known.shape[0]
    base = one * days * slots
    for part in range(parts.size - 1):
        low, high = parts[part], parts[part + 1]
        whole = days == WEEK
        for day in range(days):
            whole &= known[day, part] == high - low
        if whole:
            medians_of_week(values, base, slots, low, high, shift[later[part]], centre, spread)
        else:
            medians_of_days(values, base, slots, low, high, shift[later[part]], centre, spread)


@njit(cache=True, fastmath={"reassoc", "nsz", "contract"}, error_model="numpy")
def moments(values, base, slots, parts, later, shift, centre, limit):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Sums of square and lagged product of the deviations of one series, clipped at `limit` (missing: 0), and the number of pairs."""
    square, product, count = np.float32(0.0), np.float32(0.0), 0
    for each in range(shift.shape[1] * (parts.size - 1)):
        day, part = each // (parts.size - 1), each % (parts.size - 1)
        low, high = parts[part], min(parts[part + 1], parts[part] + PAIRS)
        off, start = shift[later[part], day], np.uint64(base + day * slots)
        count += high - low - 1
        for slot in range(np.uint64(low + 1), np.uint64(high)):
            now = values[start + slot] - off - centre[slot + np.uint64(MARGIN)]
            last = values[start + slot - np.uint64(1)] - off - centre[slot + np.uint64(MARGIN - 1)]
            now = now if abs(now) < np.float32(np.inf) else np.float32(0.0)
            last = last if abs(last) < np.float32(np.inf) else np.float32(0.0)
            now = now if now < limit else limit
            now = now if now > -limit else -limit
            last = last if last < limit else limit
            last = last if last > -limit else -limit
            square += now * now
            product += now * last
    return square, product, count


@njit(cache=True, fastmath={"reassoc", "contract", "nsz"}, error_model="numpy")
def smooth(raw, weights, deviation, result):  # type: ignore[no-untyped-def]
    """Weighted mean over two neighbours each side; a slot that leaves them sharply, or has none, is kept; returns the mean."""
    total, count = np.float32(0.0), 0
    for i in range(MARGIN):
        raw[i] = raw[raw.size - 2 * MARGIN + i]
        raw[raw.size - MARGIN + i] = raw[MARGIN + i]
    own, near, far = weights[0], weights[1], weights[2]
    for i in range(np.uint64(MARGIN), np.uint64(raw.size - MARGIN)):
        mean = own * raw[i] + near * (raw[i - np.uint64(1)] + raw[i + np.uint64(1)])
        mean += far * (raw[i - np.uint64(2)] + raw[i + np.uint64(2)])
        value = mean if abs(mean - raw[i]) <= deviation else raw[i]
        result[i - np.uint64(MARGIN)] = value
        good = abs(value) < np.float32(np.inf)
        total += value if good else np.float32(0.0)
        count += good
    return total / np.float32(count)


@njit(cache=True, fastmath={"reassoc", "nsz", "contract"}, error_model="numpy")
def spreads(spread, factor, raw, result):  # type: ignore[no-untyped-def]
    """Mean MAD of the slots of each bin as a standard deviation, then over neighbouring bins; returns the mean of all."""
    bins, width = result.size, (spread.size - 2 * MARGIN) // result.size
    total, seen = np.float32(0.0), 0
    for each in range(bins):
        mean, count = np.float32(0.0), 0
        for i in range(np.uint64(MARGIN + each * width), np.uint64(MARGIN + (each + 1) * width)):
            good = spread[i] < np.float32(np.inf)
            mean += spread[i] if good else np.float32(0.0)
            count += good
        raw[each] = factor * mean / np.float32(count)
        total += raw[each] if count else np.float32(0.0)
        seen += count > 0
    for each in range(bins):
        mean = 0.25 * raw[(each + bins - 1) % bins] + 0.5 * raw[each] + 0.25 * raw[(each + 1) % bins]
        result[each] = mean if mean == mean else raw[each]  # noqa: PLR0124 - a neighbour was never seen
    return total / np.float32(seen)


@njit(cache=True, error_model="numpy")
def smallest_step(values, base, length):  # type: ignore[no-untyped-def]
    """Return the smallest change of a series between two values that follow each other; 0 when it never changes."""
    least = np.float32(np.inf)
    for i in range(base + 1, base + length):
        change = abs(values[i] - values[i - 1])
        if np.float32(1e-6) * abs(values[i]) < change < least:
            least = change
    return least if least < np.float32(np.inf) else np.float32(0.0)


@njit(cache=True, error_model="numpy")
def learn_block(values, slots, parts, later, known, shifts, factors, weights, table, facts, work):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Learn the series of one block.

    `values` is flat: series after series of whole rows; `known` of shape (series, days, parts); `shifts` of shape (series, 2, days) is
    taken off each row, before and after local midnight. `table` receives centre (series, slots) and scale (series, bins); `facts` (series, 4)
    level, noise, return rate, days. `work` is scratch of shape (3, slots + 2 MARGIN).
    """
    centre, scale = table
    for one in range(known.shape[0]):
        learn_series(values, one, slots, parts, later, known[one], shifts[one], work[0], work[1])
        count = known[one].sum() / slots
        seen = min(int(count + 0.5), factors.size - 1)
        usual = spreads(work[1], factors[seen], work[2], scale[one])
        error = np.float32(SHARP * 1.2533 / np.sqrt(max(seen, 1))) * usual
        level = smooth(work[0], weights, error, centre[one])
        square, product, pairs = moments(
            values,
            one * shifts.shape[2] * slots,
            slots,
            parts,
            later,
            shifts[one],
            work[0],
            np.float32(CLIP) * usual,
        )
        rate = min(max(product / max(square, np.float32(1e-30)), 0.0), LARGEST_RATE)
        floor = max(np.float32(0.1) * usual, np.float32(1e-3) * abs(level), np.float32(1e-6))
        if usual == 0:
            floor = max(floor, smallest_step(values, one * shifts.shape[2] * slots, shifts.shape[2] * slots))
        for each in range(scale.shape[1]):
            scale[one, each] = max(scale[one, each], floor)
        pairs *= count / shifts.shape[2]  # what is missing added 0 to both sums
        noise = np.sqrt(square / max(pairs, 1.0) * (1.0 - rate**2))
        facts[one, 0], facts[one, 1], facts[one, 2], facts[one, 3] = (
            level,
            max(noise, floor * 0.1),
            rate,
            count,
        )
