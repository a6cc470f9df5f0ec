"""The loop that writes forecasts: series after series in the order of the result, sixteen steps at a time.

What is expected is told for sixteen series at a time, since the rows of a profile hold all series at one time, and turned; how wrong it may be is
added to each series. Nothing but the result is written to memory while it waits, and always whole lines.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

from sre_copilot.cognition.baselines.lanes import (
    BARE,
    FUSED,
    INSIDE,
    LANES,
    absolute,
    fetch,
    first_mask,
    full,
    item,
    joined,
    load,
    load_first,
    load_full,
    place,
    read,
    read_first,
    rolled,
    spread_out,
    store,
    stream,
    total,
)
from sre_copilot.cognition.baselines.memory import lines
from sre_copilot.cognition.baselines.profile import Floats
from sre_copilot.cognition.baselines.turning import write_turned
from sre_copilot.cognition.forecast.deviation import RETURN_SECONDS
from sre_copilot.cognition.forecast.errors import AHEAD_SECONDS

_compiled: Any = intrinsic  # called without the first argument, which its types do not know
# Places of the memory to work in: powers of the return rates, how far these have faded, the line in which the result begins, and what stays by day.
POWER, FADED, EARLY, BASES = 0, LANES * LANES, LANES * (LANES + 1), LANES * (LANES + 2)


@_compiled  # type: ignore[untyped-decorator]
def _tell(  # noqa: PLR0917
    typing: Any,
    centre: Any,
    places: Any,
    days: Any,
    fades: Any,
    scratch: Any,
    numbers: Any,
    hour: Any,
    faded: Any,
) -> Any:
    """Write what is expected at sixteen steps of sixteen series: rows of steps, told as columns and turned in registers.

    `numbers` are the first step, the first series and how many there are from it on, the place of what stays by day, of the rows in `scratch`,
    and how far these are apart.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def at(which: int, offset: Any) -> Any:
            return place(context, builder, signature.args[which], arguments[which], offset)

        def plus(value: Any, one: Any, other: Any) -> Any:
            return builder.fadd(value, builder.fmul(one, other, flags=FUSED), flags=FUSED)

        first, block, left, base, to, apart = (builder.extract_value(arguments[5], k) for k in range(6))
        inside, rows = first_mask(builder, left), []
        for k in range(LANES):
            step = builder.add(first, first.type(k))
            there = builder.add(builder.load(at(1, step)), block)
            stays = read(builder, at(4, builder.add(base, builder.load(at(2, step)))))
            value = builder.fadd(read_first(builder, at(0, there), inside), stays, flags=FUSED)
            value = plus(value, arguments[6], spread_out(builder, builder.load(at(3, step))))
            power = read(builder, at(4, first.type(POWER + k * LANES)))
            rows.append(plus(value, arguments[7], power))
        write_turned(builder, rows, at(4, to), apart, streamed=False)
        return context.get_dummy_value()

    return types.void(centre, places, days, fades, scratch, numbers, hour, faded), generate


@njit(**INSIDE)
def _middles(begin, end, block, centre, effects, parts, places, days, fades, scratch, to):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Write what is expected at the steps begin..end of the series from `block` on, rows of all steps from `to` on."""
    series, left = parts.size // 4, parts.size // 4 - block
    hour, rate = load_first(parts, series + block, left), load_first(parts, 3 * series + block, left)
    if begin == 0:
        stays, recent = load_first(parts, block, left), load_first(parts, 2 * series + block, left)
        for k in range(LANES):
            recent = recent * rate
            store(scratch, POWER + k * LANES, recent)
        for day in range(effects.size // series):
            store(scratch, BASES + day * LANES, stays + load_first(effects, day * series + block, left))
        store(scratch, FADED, full(np.float32(1.0)))
    for _ in range(4):  # to the power of sixteen
        rate = rate * rate
    faded = load(scratch, FADED)
    for first in range(begin, end, LANES):
        numbers = (first, block, left, BASES, to + first, places.size)
        _tell(centre, places, days, fades, scratch, numbers, hour, faded)
        faded = faded * rate
    store(scratch, FADED, faded)


@njit(**INSIDE)
def _knots(block, series, offsets, levels, low, part, ahead, scratch, to, flat):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Read each quantile asked for off the two known ones around it: (quantiles, ahead, LANES); and whether it is 0 for all."""
    left = series - block
    for each in range(low.size):
        share, more = load_full(part, each), series if part[each] > 0 else 0
        largest = full(np.float32(0.0))
        for row in range(ahead):
            at = (row * levels + item(low, each)) * series + block
            first = load_first(offsets, at, left)
            second = load_first(offsets, at + more, left)
            knot = first + share * (second - first)
            largest = largest + absolute(knot)
            store(scratch, to + (each * ahead + row) * LANES, knot)
        flat[each] = total(largest) == 0


@njit(**INSIDE)
def _coming(block, lane, centre, places, offsets, levels, ahead, low, series):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Ask for this lane's share of what the series from `block` on will read."""
    for step in range(lane, places.size, LANES):
        fetch(centre, item(places, step) + block)
    for row in range(lane, ahead, LANES):
        for each in range(low.size):
            fetch(offsets, (row * levels + item(low, each)) * series + block)


@njit(**INSIDE)
def _value(step, line, weights, most, first, scratch, knot, flat):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Return sixteen steps of a quantile: what is expected, and a share of each known width around it."""
    value = load(scratch, line + step * LANES)
    if not flat:
        at, own = step * most * LANES, knot + item(first, step)
        value = value + load(weights, at) * load_full(scratch, own)
        value = value + load(weights, at + LANES) * load_full(scratch, own + LANES)
        value = value + load(weights, at + 2 * LANES) * load_full(scratch, own + 2 * LANES)
        for other in range(3, most):  # steps that are long against the known ones
            value = value + load(weights, at + other * LANES) * load_full(scratch, own + other * LANES)
    return value


@njit(**BARE)
def write_forecasts(centre, effects, parts, offsets, quantiles, plan, scratch, flat, result, early):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Write (n, quantiles, steps), flat, in whole lines: what of sixteen steps belongs to the next line is kept until that is full.

    While sixteen series are written, what is expected of the next sixteen is told, a little with each.

    Parameters
    ----------
    centre, effects : flat, rows of n slots, and of shape (days, n)
    parts : flat, shape (4, n): what stays, what returns with `fades`, what returns with its own rate, and that rate
    offsets : flat, shape (ahead, levels, n), added to the middle; `quantiles`: of each the level below it, and the share of the next
    plan : steps, and rows of `offsets`; of whole registers of steps the place in `centre`, sixteen times the row of `effects`, `fades`; the `weights`
        (sixteens, most, LANES) of rows of `offsets`, and sixteen times the `first` of these
    scratch, flat : memory to work in, `scratch_size` and one for each quantile
    early : number of values of `result` before the first whole line of the cache
    """
    steps, ahead, places, days, fades, weights, first = plan
    low, part = quantiles
    series, wide, sixteens = parts.size // 4, places.size, first.size
    levels, most = offsets.size // (ahead * series), weights.size // places.size
    paths = BASES + effects.size // series * LANES
    knots = paths + 2 * LANES * wide
    kept, waiting, last = full(np.float32(0.0)), -early % LANES, steps - wide + LANES
    out = early - LANES if early else 0
    for block in range(0, series + LANES, LANES):
        to = paths + block % (2 * LANES) * wide
        if block:
            _knots(block - LANES, series, offsets, levels, low, part, ahead, scratch, knots, flat)
        for lane in range(LANES):
            begin, end = lane * sixteens // LANES * LANES, (lane + 1) * sixteens // LANES * LANES
            if begin < end and block < series:
                _middles(begin, end, block, centre, effects, parts, places, days, fades, scratch, to)
            _coming(block + LANES, lane, centre, places, offsets, levels, ahead, low, series)
            if block == 0 or block - LANES + lane >= series:
                continue
            line = paths + paths + LANES * wide - to + lane * wide
            for each in range(low.size):
                knot, plain = knots + each * ahead * LANES + lane, flat[each]
                for step in range(sixteens - 1):
                    value = rolled(_value(step, line, weights, most, first, scratch, knot, plain), waiting)
                    stream(result, out, scratch, EARLY, joined(kept, value, waiting))
                    kept, out = value, out + LANES
                value = rolled(
                    _value(sixteens - 1, line, weights, most, first, scratch, knot, plain), waiting
                )
                both = joined(kept, value, waiting)
                kept, waiting = both, waiting + last
                if waiting >= LANES:
                    stream(result, out, scratch, EARLY, both)
                    kept, waiting, out = value, waiting - LANES, out + LANES
    store(scratch, EARLY if out < 0 else 0, kept)
    for k in range(LANES - early if early else LANES, waiting if out < 0 else LANES):
        result[k - LANES + early] = scratch[EARLY + k]
    for k in range(waiting if out >= 0 else 0):
        result[out + k] = scratch[k]


def scratch_size(steps: int, *, days: int, quantiles: int) -> int:
    """Return how many values `write_forecasts` works in."""
    wide = -(-steps // LANES) * LANES
    return BASES + days * LANES + 2 * LANES * wide + quantiles * len(AHEAD_SECONDS) * LANES


@lru_cache(maxsize=16)
def weights_of(step_seconds: int, steps: int) -> tuple[Floats, Floats, Any]:
    """Return `fades`, `weights` and `first` of `write_forecasts`, which are the same at each tick."""
    ahead, known = step_seconds * np.arange(1, steps + 1), np.array(AHEAD_SECONDS)
    sixteens = -(-steps // LANES)
    weights: Floats = np.zeros((known.size, sixteens, LANES), np.float32)
    weights.reshape(known.size, -1)[:, :steps] = [
        np.interp(ahead, known, each) for each in np.eye(known.size)
    ]
    used = np.asarray(weights.any(axis=2))
    first, last = used.argmax(axis=0), known.size - used[::-1].argmax(axis=0)
    most = max(3, int((last - first).max()))
    first = np.minimum(first, known.size - most)  # as many rows are read of each sixteen
    rows = lines(1, most * sixteens * LANES)[0]
    rows.reshape(-1, most, LANES)[:] = weights[first[:, None] + np.arange(most), np.arange(sixteens)[:, None]]
    return padded(np.exp(-ahead / RETURN_SECONDS).astype(np.float32)), rows, first * LANES


def padded(each: Any) -> Any:
    """Fill whole registers with the last value."""
    return np.append(each, np.repeat(each[-1:], -each.size % LANES))


def flat_rows(table: Floats) -> tuple[Floats, int]:
    """Return a table as flat memory, and how far its rows are apart; a table that is part of another is not copied."""
    rows = table if table.strides[1] == table.itemsize else np.ascontiguousarray(table)
    stride = rows.strides[0] // rows.itemsize
    size = (rows.shape[0] - 1) * stride + rows.shape[1]
    return np.lib.stride_tricks.as_strided(rows, (size,), (rows.itemsize,), writeable=False), stride
