"""What a series' own past says about whether it will cross a limit: numbers without unit, so that one table fits all series.

References
----------
Theil, A rank-invariant method of linear regression, 1950 (the median of slopes); Chhikara and Folks, The inverse Gaussian
distribution, 1989, eq. 2.1 (when a walk with drift first crosses a limit).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtr  # type: ignore[import-untyped]

Doubles = NDArray[np.float64]
PACE_SECONDS = (
    300  # medians of five minutes: no single spike is a level, and no crossing is missed by more than they
)
HOUR_SECONDS = 3_600
LEAST_BLOCKS = 24  # two hours of five minutes: fewer tell neither a slope nor its error
RESTART_SHARE = 0.2  # a fall by a fifth of the level within one block …
RESTART_SPREADS = 10.0  # … and by ten usual changes is a restart: what leaks begins anew
TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Past:
    """A past as medians of blocks of `pace` seconds without gaps, turned so that the limit lies above.

    `change` is the robust standard deviation of one block to the next, `segment` those since the last restart, `restarts` where they began.
    """

    blocks: Doubles
    pace: int
    change: float
    segment: Doubles
    restarts: tuple[int, ...]


def read_past(values: NDArray[np.float32], *, step_seconds: int, sign: float) -> Past | None:
    """Return the past of one series (times,), or None when fewer than LEAST_BLOCKS are known or the last quarter of an hour is not."""
    width = max(1, PACE_SECONDS // step_seconds)
    pace = width * step_seconds
    known = np.flatnonzero(np.isfinite(values))
    if known.size == 0 or (values.size - 1 - known[-1]) * step_seconds > max(3 * PACE_SECONDS, step_seconds):
        return None
    kept = values[known[0] :].astype(np.float64)
    kept = kept[kept.size % width :].reshape(-1, width)
    good = np.asarray(np.isfinite(kept).any(axis=1))
    if good.sum() < LEAST_BLOCKS:
        return None
    medians = sign * _medians(kept)
    blocks = np.interp(np.arange(good.size), np.flatnonzero(good), medians[good])
    steps = np.diff(blocks)
    change = float(1.4826 * np.median(np.abs(steps)))
    falls = steps < -np.maximum(RESTART_SHARE * np.abs(blocks[:-1]), RESTART_SPREADS * change + TINY)
    restarts = tuple(int(at) + 1 for at in np.flatnonzero(falls))
    return Past(blocks, pace, change, blocks[restarts[-1] if restarts else 0 :], restarts)


def _medians(blocks: Doubles) -> Doubles:
    """Return the median of the finite values of each row, NaN where there is none; all rows at once, for a watch has many series."""
    order = np.sort(np.where(np.isfinite(blocks), blocks, np.nan), axis=1)  # NaN comes last
    count = np.isfinite(order).sum(axis=1)
    rows = np.arange(len(order))
    low, high = order[rows, np.maximum(count - 1, 0) // 2], order[rows, count // 2]
    return np.asarray((low + high) / 2)


def slope(blocks: Doubles) -> float:
    """Return the median slope a block between points half the stretch apart (Theil's incomplete method); 0 with fewer than four."""
    half = blocks.size // 2
    return float(np.median(blocks[half : 2 * half] - blocks[:half]) / half) if half >= 2 else 0.0


def rises(past: Past, horizon_blocks: int) -> Doubles:
    """Return by how much the series rose at most within each stretch of the horizon, as far as the past holds some."""
    reach = max(1, min(horizon_blocks, (past.blocks.size - 1) // 3))
    view = np.lib.stride_tricks.sliding_window_view(past.blocks, reach + 1)
    most: Doubles = (view.max(axis=1) - view[:, 0]) * np.sqrt(horizon_blocks / reach)
    return most


def crossing_share(gap: float, *, drift: float, spread: float, time: Doubles) -> Doubles:
    """Return the probability that a walk has crossed `gap` by each time: drift a unit of time, standard deviation at time 1."""
    root = spread * np.sqrt(time) + TINY
    first = ndtr((drift * time - gap) / root)
    second = np.exp(
        np.minimum(2 * drift * gap / (spread**2 + TINY**2) + log_ndtr((-drift * time - gap) / root), 0.0)
    )
    return np.asarray(np.clip(first + second, 0.0, 1.0))


def walk(past: Past) -> tuple[float, float]:
    """Return drift and spread a block: the slope since the last restart, and the changes over an hour without it."""
    drift = slope(past.segment)
    hour = max(1, min(HOUR_SECONDS // past.pace, past.blocks.size // 4))
    moved = past.blocks[hour:] - past.blocks[:-hour] - drift * hour
    spread = float(
        np.sqrt(np.mean(np.minimum(moved**2, 9 * np.median(moved**2) * 2.2 + TINY))) / np.sqrt(hour)
    )
    return drift, max(spread, past.change / 4, TINY)


NAMES = (
    "log_gap_of_limit",
    "log_gap_in_changes",
    "slope_1h",
    "slope_3h",
    "slope_since_restart",
    "share_of_rises_that_cross",
    "large_rise",
    "highest_against_limit",
    "was_over",
    "share_over",
    "volatility",
    "highest_before_restarts",
    "large_changes",
    "walk_crosses",
)


def features(past: Past, *, limit: float, season_rise: float, horizon_seconds: int) -> Doubles:
    """Return the numbers named NAMES.

    Parameters
    ----------
    limit : in the turned unit of `past`, above its last block
    season_rise : by how much the profile rises at most within the horizon; brings the limit nearer
    """
    blocks, ahead = past.blocks, max(1, horizon_seconds // past.pace)
    unit = max(abs(limit), abs(float(blocks[-1])), TINY)
    now = float(blocks[-1])
    gap = max(limit - now - season_rise, 0.05 * (limit - now), 1e-4 * unit)
    change = past.change + 1e-5 * unit
    most, top = rises(past, ahead), float(blocks.max())
    hour = HOUR_SECONDS / past.pace
    tails = [blocks[-max(4, round(hours * hour)) :] for hours in (1, 3)]
    slopes = [np.clip(slope(part) * ahead / gap, -3, 6) for part in (*tails, past.segment)]
    peaks = blocks[[at - 1 for at in past.restarts]] if past.restarts else np.array([top])
    drift, spread = walk(past)
    crosses = crossing_share(gap, drift=drift, spread=spread, time=np.array([float(ahead)]))[0]
    large = float(np.quantile(np.abs(np.diff(blocks)), 0.98))
    return np.array(
        [
            np.log(gap / unit + 1e-3),
            np.log(gap / (change * np.sqrt(ahead))),
            *slopes,
            float((most >= gap).mean()),
            min(float(np.quantile(most, 0.9)) / gap, 5.0),
            np.clip((top - limit) / gap, -3, 3),
            float(top >= limit),
            float((blocks >= limit).mean()),
            min(float(np.std(blocks[-round(6 * hour) :])) / gap, 5.0),
            np.clip((float(peaks.max()) - limit) / gap, -3, 3),
            min(3 * large / gap, 5.0),
            float(crosses),
        ]
    )
