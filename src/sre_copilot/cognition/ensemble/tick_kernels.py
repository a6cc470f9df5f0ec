"""One tick over all series: loops over lanes of series that the compiler turns into vector instructions."""

from __future__ import annotations

import numpy as np
from numba import njit, types

from sre_copilot.cognition.ensemble.knowledge import CODES, PARTS
from sre_copilot.cognition.ensemble.spans import BINS, POINTS, SHORT
from sre_copilot.cognition.ensemble.state import (
    DRIFT,
    HELD,
    LANES,
    LAST,
    LEVEL,
    SEEN,
    SLOW,
    SQUARE,
    STEP,
)

F1, F2, F3 = types.float32[::1], types.float32[:, ::1], types.float32[:, :, ::1]
B3, B4, I8 = types.int8[:, :, ::1], types.int8[:, :, :, ::1], types.int64
f4 = np.float32
MATH = {"reassoc", "contract", "arcp", "nsz"}  # missing values are NaN: nothing may assume there are none

BEST, SUM, TOTAL, LOUDEST, BELOW, PART0 = range(6)  # rows of scratch
WINDOW = PART0 + PARTS
SCALED = WINDOW + POINTS
LARGEST = f4(1e15)  # its square is still a float32
TINY = f4(1e-30)
HUGE = f4(1e30)
QUIET = f4(
    0.03
)  # nats that a component says at most while it stays below its usual: an order among the quiet
LN2 = f4(0.6931472)
LOG0, LOG1, LOG2, LOG3, LOG4 = (
    f4(-2.49684606),
    f4(4.02854794),
    f4(-2.08121416),
    f4(0.62887362),
    f4(-0.07915816),
)
"""Chebyshev polynomial of degree 4 for the logarithm to base 2 on 1 … 2: off by 2e-4 at most."""
CLIP = f4(4.0)  # robust deviations of a step that count towards a drift: a jump is no leak
FALL = f4(4.0)  # robust deviations of a step that a restart exceeds, besides half of what had accumulated
HALF = f4(0.5)
TO_ODDS = f4(3 / 7)  # what is needed has the score 0.7
MOST = f4(1e7)  # values counted; beyond 2^24 a float32 would stop counting


@njit(types.void(F1, F2, F3, F1, F1, F1, F1, I8, I8, I8, F1, I8, I8), cache=True, fastmath=MATH, nogil=True)
def observe(  # type: ignore[no-untyped-def]  # noqa: PLR0917
    values, memory, blocks, centre, scale, level, spread, place, bin_place, bin_seen, weights, lower, upper
):
    """Take the values of some lanes into memory; leave the seasonal residual and the step energy in scratch."""
    one, zero = f4(1.0), f4(0.0)
    share = one / f4(bin_seen)
    for block in range(lower, upper):
        scratch = blocks[block - lower]
        start = block * LANES
        count = min(LANES, values.shape[0] - start)
        for i in range(count):
            j = start + i
            x = values[j]
            known = x == x  # noqa: PLR0124 - false of NaN, and vectorised
            seen = memory[SEEN, j]
            first = known and seen == zero
            gain = one if known else zero
            last = memory[LAST, j]
            x = min(max(x, -LARGEST), LARGEST) if known else last
            last = x if first else last
            scratch[WINDOW, i] = one if first else zero
            scratch[WINDOW + 1, i] = gain
            scratch[WINDOW + 2, i] = last
            memory[SEEN, j] = min(seen + gain, MOST)
            memory[LAST, j] = x
            memory[place, j] = x
            mean = x if bin_seen == 1 or first else memory[bin_place, j]
            away = x - mean
            moved = mean + away * share
            memory[bin_place, j] = moved
            old = zero if bin_seen == 1 else memory[BINS + bin_place, j]
            memory[BINS + bin_place, j] = old + away * (x - moved)
            fits = scale[j] > zero and centre[j] == centre[j]
            c = centre[j] if fits else level[j]
            s = max(scale[j] if fits else spread[j], TINY)
            residual = gain * (x - c) / s
            scratch[PART0, i] = min(residual * residual, LARGEST)
            d = x - last
            memory[STEP, j] += gain * weights[0] * (d * d - memory[STEP, j])
            scratch[PART0 + 1, i] = memory[STEP, j]


@njit(types.void(F2, F3, I8, I8), cache=True, nogil=True)
def begin(memory, blocks, lower, upper):  # type: ignore[no-untyped-def]
    """Fill the rings of series whose first value has just come with that value."""
    for block in range(lower, upper):
        scratch = blocks[block - lower]
        start = block * LANES
        count = min(LANES, memory.shape[1] - start)
        for i in range(count):
            if scratch[WINDOW, i] > 0:
                x = memory[LAST, start + i]
                for row in range(POINTS + BINS):
                    memory[row, start + i] = x
                memory[LEVEL, start + i] = x
                memory[SLOW, start + i] = x


@njit(types.void(F2, F3, F1, F1, I8, I8), cache=True, fastmath=MATH, nogil=True)
def trends(memory, blocks, jump, weights, lower, upper):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Level against the day before, and a steady rise of it (a leak); a restart ends both."""
    zero = f4(0.0)
    for block in range(lower, upper):
        scratch = blocks[block - lower]
        start = block * LANES
        count = min(LANES, memory.shape[1] - start)
        for i in range(count):
            j = start + i
            gain = scratch[WINDOW + 1, i]
            last = scratch[WINDOW + 2, i]
            x = memory[LAST, j]
            old = memory[LEVEL, j]
            contrast = old - memory[SLOW, j]
            fall = last - x
            restarted = (
                contrast > zero and fall > HALF * contrast and fall > FALL * jump[j] and last - old < contrast
            )
            level = x if restarted else old + gain * weights[1] * (x - old)
            slow = x if restarted else memory[SLOW, j] + gain * weights[2] * (x - memory[SLOW, j])
            step = zero if restarted else level - old
            limit = CLIP * weights[1] * jump[j]
            step = min(max(step, -limit), limit)
            drift = memory[DRIFT, j] + gain * weights[3] * (step - memory[DRIFT, j])
            square = memory[SQUARE, j] + gain * weights[3] * (step * step - memory[SQUARE, j])
            drift = zero if restarted else drift
            square = zero if restarted else square
            memory[LEVEL, j] = level
            memory[SLOW, j] = slow
            memory[DRIFT, j] = drift
            memory[SQUARE, j] = square
            contrast = level - slow
            steady = max(drift, zero)
            steady = steady * steady / (square + TINY)
            scratch[PART0 + 5, i] = contrast * contrast
            rise = max(contrast, zero) * steady
            scratch[PART0 + 6, i] = rise * rise


@njit(types.void(F2, F3, F1, F1, I8, I8, I8, I8), cache=True, fastmath=MATH, nogil=True)
def window(memory, blocks, level, unit, place, points, lower, upper):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Lay the last values out in scratch: the last few in units of the patterns; the oldest and the steps from it on."""
    for block in range(lower, upper):
        scratch = blocks[block - lower]
        start = block * LANES
        count = min(LANES, memory.shape[1] - start)
        for i in range(count):
            scratch[BEST, i] = f4(1.0) / unit[start + i]
            scratch[WINDOW, i] = memory[(place + 1) % points, start + i] - level[start + i]
        for d in range(1, points):
            row, before = (place + 1 + d) % points, (place + d) % points
            for i in range(count):
                scratch[WINDOW + d, i] = memory[row, start + i] - memory[before, start + i]
        for d in range(SHORT):
            row = (place - d + points) % points
            for i in range(count):
                scratch[SCALED + d, i] = (memory[row, start + i] - level[start + i]) * scratch[BEST, i]


@njit(types.void(F3, B4, F1, I8, I8), cache=True, fastmath=MATH, nogil=True)
def nearest(blocks, codes, unit, lower, upper):  # type: ignore[no-untyped-def]
    """Squared distance of the last points to the nearest common pattern."""
    for block in range(lower, upper):
        scratch = blocks[block - lower]
        start = block * LANES
        for i in range(LANES):
            scratch[BEST, i] = f4(3e38)
        for k in range(CODES):
            for i in range(LANES):
                total = f4(0.0)
                for d in range(SHORT):
                    away = scratch[SCALED + d, i] - f4(codes[block, k, d, i])
                    total += away * away
                scratch[BEST, i] = min(scratch[BEST, i], total)
        for i in range(min(LANES, unit.shape[0] - start)):
            scratch[PART0 + 2, i] = scratch[BEST, i] * unit[start + i] * unit[start + i]


@njit(types.void(F2, F3, F1, I8, I8, I8, F1, I8, I8), cache=True, fastmath=MATH, nogil=True)
def hours(memory, blocks, level, bin_place, bin_seen, bin_points, weights, lower, upper):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Mean squared distance of the last hours from the level: of the means of bins, and inside them."""
    bins = int(weights[6])
    share = f4(1.0) / f4(bin_points * (bins - 1) + bin_seen)
    for d in range(bins):
        size = share * f4(bin_seen if d == bin_place else bin_points)
        for block in range(lower, upper):
            scratch = blocks[block - lower]
            start = block * LANES
            for i in range(min(LANES, memory.shape[1] - start)):
                away = memory[POINTS + d, start + i] - level[start + i]
                before = scratch[PART0 + 3, i] if d > 0 else f4(0.0)
                inside = share * memory[POINTS + BINS + d, start + i]
                scratch[PART0 + 3, i] = before + size * away * away + inside


@njit(types.void(F3, B3, F3, I8, I8), cache=True, fastmath=MATH, nogil=True)
def whitened(blocks, basis, unit, lower, upper):  # type: ignore[no-untyped-def]
    """Squared length of the last points after whitening: each step as far as the earlier ones do not foretell it."""
    for block in range(lower, upper):
        scratch = blocks[block - lower]
        for i in range(LANES):
            scratch[BEST, i] = f4(0.0)
        row = 0
        for k in range(POINTS):
            for i in range(LANES):
                scratch[SUM, i] = f4(0.0)
            for d in range(k + 1):
                for i in range(LANES):
                    scratch[SUM, i] += scratch[WINDOW + d, i] * f4(basis[block, row + d, i])
            for i in range(LANES):
                total = scratch[SUM, i] * unit[block, k, i]
                scratch[BEST, i] += total * total
            row += k + 1
        for i in range(LANES):
            scratch[PART0 + 4, i] = scratch[BEST, i]


@njit(
    types.void(F1, F2, F3, F2, F1, F1, F1, F1, types.uint8[::1], F1, I8, I8),
    cache=True,
    fastmath=MATH,
    nogil=True,
)
def combine(values, memory, blocks, usual, needed, confidence, shares, out, parts, weights, lower, upper):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Components to nats beyond the usual, their sum to one score in 0..1; what was missing has no score."""
    zero, one = f4(0.0), f4(1.0)
    for block in range(lower, upper):
        scratch = blocks[block - lower]
        start = block * LANES
        count = min(LANES, values.shape[0] - start)
        bits = scratch.view(np.int32)
        for i in range(count):
            scratch[TOTAL, i] = zero
            scratch[LOUDEST, i] = -one
            parts[start + i] = 0
        for p in range(usual.shape[0]):  # not the constant: unrolling it took a second of compiling
            for i in range(count):
                ratio = scratch[PART0 + p, i] / usual[p, start + i]
                scratch[BELOW, i] = QUIET * min(ratio, one)
                scratch[SUM, i] = min(max(ratio, one), HUGE)
            for i in range(count):
                whole = bits[SUM, i]
                scratch[BEST, i] = f4((whole >> 23) - 127)
                bits[SUM, i] = (whole & 0x7FFFFF) | 0x3F800000
            for i in range(count):
                m = scratch[SUM, i]
                log2 = scratch[BEST, i] + LOG0 + (LOG1 + (LOG2 + (LOG3 + LOG4 * m) * m) * m) * m
                nats = shares[p] * (max(HALF * LN2 * log2, zero) + scratch[BELOW, i])
                scratch[TOTAL, i] += nats
                louder = nats > scratch[LOUDEST, i]
                scratch[LOUDEST, i] = nats if louder else scratch[LOUDEST, i]
                parts[start + i] = p if louder else parts[start + i]
        for i in range(count):
            j = start + i
            x = values[j]
            told = scratch[TOTAL, i] * confidence[j]
            held = max(memory[HELD, j] * weights[4], told)
            memory[HELD, j] = held
            both = told + weights[5] * (held - told)
            score = both / (both + TO_ODDS * needed[j])
            known = x == x  # noqa: PLR0124 - false of NaN, and vectorised
            out[j] = score if known and confidence[j] > zero else f4(np.nan)
