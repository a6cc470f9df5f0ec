"""The loop that writes forecasts: sixteen steps of sixteen series at a time, turned in registers, each output line written once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from sre_copilot.cognition.baselines.lanes import LANES
from sre_copilot.cognition.baselines.profile import Floats
from sre_copilot.cognition.baselines.turning import TILE, add_product, add_scaled, turn_tile

# Without the counting of references, which would cost more than what is counted; such a loop cannot make arrays.
BARE: dict[str, Any] = {"cache": True, "error_model": "numpy", "_nrt": False}
GROUPS = 1  # of sixteen series whose rows are read together; more of them write to too many places at once


@njit(fastmath={"contract", "nsz"}, **BARE)
def write_forecasts(centre, effects, parts, offsets, plan, fades, result, own, off, tiles):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Write (n, quantiles * steps), the steps of the first quantile first.

    Parameters
    ----------
    centre, effects : shape (slots, n) and (days, n); `parts` (4, n): what stays, what returns with `fades`, what returns with its own rate,
        and that rate
    offsets : shape (ahead, quantiles, n), added to the middle
    plan : shape (steps, 3), of each step the row of `centre`, of `effects` and of `offsets`
    fades : shape (steps, 2), what is left of the second part, and the weight of the next row of `offsets`
    own, off, tiles : scratch (`scratch`)
    """
    series, steps = centre.shape[1], plan.shape[0]
    ahead, count = offsets.shape[0], offsets.shape[1]
    one = np.float32(1.0)
    row = count * TILE * LANES
    for block in range(0, series, GROUPS * LANES):
        groups = min(GROUPS, (series - block + LANES - 1) // LANES)
        _gather(parts, offsets, block, own, off)
        for begin in range(0, steps, TILE):
            height = min(TILE, steps - begin)
            for group in range(groups):
                first = block + group * LANES
                width = min(LANES, series - first)
                for k in range(height):
                    slot, day, knot = plan[begin + k, 0], plan[begin + k, 1], plan[begin + k, 2]
                    if width == LANES:
                        add_scaled(
                            tiles, row, centre, slot * series + first, effects, day * series + first, one
                        )
                    else:
                        for lane in range(width):
                            tiles[count * TILE, lane] = (
                                centre[slot, first + lane] + effects[day, first + lane]
                            )
                    at = group * 5 * LANES
                    add_product(own, at + 4 * LANES, own, at + 3 * LANES, own, at + 4 * LANES)
                    add_scaled(tiles, row, tiles, row, own, at, one)
                    add_scaled(tiles, row, tiles, row, own, at + LANES, fades[begin + k, 0])
                    add_product(tiles, row, own, at + 2 * LANES, own, at + 4 * LANES)
                    part, at = fades[begin + k, 1], (group * ahead + knot) * count * LANES
                    for each in range(count):
                        to = (each * TILE + k) * LANES
                        add_scaled(tiles, to, tiles, row, off, at + each * LANES, one - part)
                        add_scaled(tiles, to, tiles, to, off, at + (count + each) * LANES, part)
                _put(tiles, result, first, begin, width, height, steps)


@njit(**BARE)
def _put(tiles, result, first, begin, width, height, steps):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Turn the tiles of all quantiles into their places."""
    for each in range(result.shape[1] // steps):
        if width == LANES and height == TILE:
            turn_tile(tiles, each * TILE * LANES, result, first * result.shape[1] + each * steps + begin)
        else:
            for lane in range(width):
                for k in range(height):
                    result[first + lane, each * steps + begin + k] = tiles[each * TILE + k, lane]


@njit(**BARE)
def _gather(parts, offsets, block, own, off):  # type: ignore[no-untyped-def]
    """Bring what each group of a block needs close together."""
    count = offsets.shape[1]
    for one in range(min(GROUPS * LANES, parts.shape[1] - block)):
        group, lane = one // LANES, one % LANES
        for each in range(4):
            own[group, each, lane] = parts[each, block + one]
        own[group, 3, lane] -= np.float32(1.0)  # what a step takes off the power
        own[group, 4, lane] = np.float32(1.0)
        for each in range(off.shape[1]):
            off[group, each, lane] = offsets[each // count, each % count, block + one]


def scratch(ahead: int, quantiles: int) -> tuple[Floats, Floats, Floats]:
    """Return the memory that `write_forecasts` works in."""
    return (
        np.zeros((GROUPS, 5, LANES), np.float32),
        np.zeros((GROUPS, ahead * quantiles, LANES), np.float32),
        np.zeros((quantiles * TILE + 1, LANES), np.float32),
    )
