"""The loop that writes forecasts: series after series in the order of the result, sixteen steps at a time.

What depends on the step alone is told once for all series; the profile, whose rows hold all series at one time, is turned sixteen series at a time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from sre_copilot.cognition.baselines.lanes import BARE, INSIDE, LANES, fetch, full, load, store, stream
from sre_copilot.cognition.baselines.profile import Floats
from sre_copilot.cognition.baselines.turning import turn_tile

Plan = tuple[Any, ...]


@njit(**INSIDE)
def _paths(centre, stride, rows, effects, days, block, width, tile, path):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Turn what the time of day brings at each step: (LANES, steps) of the series from `block` on.

    What the day of the first of sixteen steps adds is left out; what a later day adds more is not.
    """
    for begin in range(0, rows.size, LANES):
        row, day, end = rows[begin], days[begin], begin + LANES - 1
        if width == LANES and rows[end] - row == LANES - 1 and days[end] == day:
            turn_tile(centre, row * stride + block, stride, path, begin, path.shape[1])
            continue
        for k in range(LANES):
            at, own = rows[begin + k] * stride + block, days[begin + k]
            for lane in range(width):
                more = effects[own, block + lane] - effects[day, block + lane]
                tile[k * LANES + lane] = centre[at + lane] + more
        turn_tile(tile, 0, LANES, path, begin, path.shape[1])


@njit(**INSIDE)
def _knots(offsets, low, part, block, width, knots):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Read each quantile asked for off the two known ones around it: (LANES, quantiles, ahead)."""
    for ahead in range(offsets.shape[0]):
        for each in range(low.size):
            one, two, share = low[each], low[each] + (part[each] > 0), part[each]
            for lane in range(width):
                first, second = offsets[ahead, one, block + lane], offsets[ahead, two, block + lane]
                knots[lane, each, ahead] = first + share * (second - first)


@njit(**INSIDE)
def _powers(rate, tail, power):  # type: ignore[no-untyped-def]
    """Write rate^1 … rate^LANES; return rate^LANES and rate^tail."""
    one = last = np.float32(1.0)
    for k in range(LANES):
        one *= rate
        power[k] = one
    for _ in range(tail // LANES):
        last *= one
    for _ in range(tail % LANES):
        last *= rate
    return one, last


@njit(**INSIDE)
def _flush(held, filled, result, out):  # type: ignore[no-untyped-def]
    """Write the whole lines of `held`, and move the rest to its front."""
    whole = filled // LANES * LANES
    for at in range(0, whole, LANES):
        if out + at >= 0:
            stream(result, out + at, load(held, at))
        else:  # the result begins within a line
            for k in range(-out, LANES):
                result[out + k] = held[k]
    store(held, 0, load(held, whole))
    return filled - whole, out + whole


@njit(**INSIDE)
def _write(begin, middle, lane, hats, reach, knots, target, to, steps):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Write sixteen steps of all quantiles; what lies beyond the last step is written again by what comes later."""
    first, last, width = reach[begin // LANES, 0], reach[begin // LANES, 1], hats.shape[1]
    at = first * width + begin
    one, two, three = load(hats, at), load(hats, at + width), load(hats, at + 2 * width)
    for each in range(knots.shape[1]):
        value = middle + one * full(knots[lane, each, first])
        value = value + two * full(knots[lane, each, first + 1])
        value = value + three * full(knots[lane, each, first + 2])
        for knot in range(first + 3, last):
            value = value + load(hats, knot * width + begin) * full(knots[lane, each, knot])
        store(target, to + each * steps + begin, value)


@njit(**BARE)
def write_forecasts(centre, stride, effects, parts, offsets, quantiles, plan, result, early):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Write (n, quantiles, steps), flat, the steps of the first quantile first.

    A series is written to memory in the cache first, and from there in whole lines. The last, broken sixteen of its steps comes first, and runs
    over into what is written later.

    Parameters
    ----------
    centre, effects : flat, rows of n slots `stride` apart, and shape (days, n)
    parts : shape (4, n): what stays, what returns with `fades`, what returns with its own rate, and that rate
    offsets : shape (ahead, levels, n), added to the middle; `quantiles`: of each the level below it, and the share of the next
    plan : steps, and of whole registers of them the row of `centre`, of `effects`, `fades`, `hats` (ahead, steps): the weight of each row of
        `offsets`, and `reach`: the first row with a weight in each sixteen, and after the last
    early : number of values of `result` before the first whole line of the cache
    """
    steps, rows, days, fades, hats, reach, tile, path, knots, power, held = plan
    series, count = effects.shape[1], quantiles[0].size
    tail, filled = (steps - 1) // LANES * LANES, -early % LANES
    out = early - LANES if early else 0
    for block in range(0, series, LANES):
        width = min(LANES, series - block)
        _paths(centre, stride, rows, effects, days, block, width, tile, path)
        _knots(offsets, quantiles[0], quantiles[1], block, width, knots)
        for lane in range(width):
            one = block + lane
            stays, hour = full(parts[0, one]), full(parts[1, one])
            by_sixteen, by_tail = _powers(parts[3, one], tail, power)
            recent = load(power, 0) * full(parts[2, one])
            place = lane * path.shape[1]
            middle = (
                load(path, place + tail) + (stays + full(effects[days[tail], one])) + hour * load(fades, tail)
            )
            middle = middle + recent * full(by_tail)
            _write(tail, middle, lane, hats, reach, knots, held, filled, steps)
            step = full(by_sixteen)
            for begin in range(0, tail, LANES):
                if one + LANES < series:
                    ahead = rows[lane * (rows.size // LANES) + begin // LANES]
                    fetch(centre, ahead * stride + block + LANES)
                middle = (
                    load(path, place + begin)
                    + (stays + full(effects[days[begin], one]))
                    + hour * load(fades, begin)
                )
                _write(begin, middle + recent, lane, hats, reach, knots, held, filled, steps)
                recent = recent * step
            filled, out = _flush(held, filled + count * steps, result, out)
    for at in range(max(-out, 0), filled):
        result[out + at] = held[at]


def plan_of(rows: Any, days: Any, fades: Any, hats: Any, quantiles: int) -> Plan:
    """Return what `write_forecasts` needs to know of the steps, in whole registers, and its memory."""
    steps = rows.size
    room = -steps % LANES
    wide, ahead = steps + room, hats.shape[0]
    weights = np.pad(hats, ((0, 0), (0, room))).astype(np.float32)
    used = np.asarray(weights.reshape(ahead, -1, LANES).any(axis=2))
    first = np.minimum(used.argmax(axis=0), ahead - 3)  # three are always read
    reach = np.stack([first, ahead - used[::-1].argmax(axis=0)], axis=1)
    tile, path = np.zeros(LANES * LANES, np.float32), np.zeros((LANES, wide), np.float32)
    knots: Floats = np.zeros((LANES, quantiles, ahead), np.float32)
    padded = (np.pad(each, (0, room), mode="edge") for each in (rows, days, fades.astype(np.float32)))
    held = np.zeros(quantiles * steps + 4 * LANES, np.float32)
    return (steps, *padded, weights, reach, tile, path, knots, np.zeros(LANES, np.float32), held)


def flat_rows(table: Floats) -> tuple[Floats, int]:
    """Return a table as flat memory, and how far its rows are apart; a table that is part of another is not copied."""
    rows = table if table.strides[1] == table.itemsize else np.ascontiguousarray(table)
    stride = rows.strides[0] // rows.itemsize
    size = (rows.shape[0] - 1) * stride + rows.shape[1]
    return np.lib.stride_tricks.as_strided(rows, (size,), (rows.itemsize,), writeable=False), stride
