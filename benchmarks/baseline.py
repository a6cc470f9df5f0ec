"""How fast profiles are learned from a week of minutes, on one core.

The limit is the time to read the same arrays once, measured in the same run; the peer is the plain numpy way to the same medians.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable

import numpy as np
from numba import njit
from numpy.typing import NDArray

from benchmarks.figure import Figure, PeerMissing, Peers
from sre_copilot.cognition.baselines.seasonal import learn

NAME = "baseline"
ABOUT = "learning seasonal profiles of 7 days x 1 minute, series a second on one core"
SERIES = 4_096  # 165 MB: far beyond any cache
DAYS, MINUTES = 7, 1_440
START = 1_699_833_600  # a midnight
ROUNDS = 15  # a machine that others use as well is itself for some milliseconds at a time
LESS = 512  # series with weekends, and with gaps: 1 in 100 values missing, so that no part of a day is whole

Floats = NDArray[np.float32]


def measure(peers: Peers) -> Figure:
    """Series a second: ours, numpy's and Prophet's; `of_limit` is the share of the read rate."""
    values = week(SERIES)
    learn(values[:64], start=START, step_seconds=60)
    read(values[:1].reshape(-1))
    few = values[:64]
    ours, floor = best(lambda: learn(values, start=START, step_seconds=60), lambda: read(values.reshape(-1)))
    (plain,) = best(lambda: learn_by_numpy(few), rounds=2)
    weekends, gaps = unlike(values[:LESS])
    learn(weekends[:64], start=START, step_seconds=60)
    seconds = best(
        *(lambda each=each: learn(each, start=START, step_seconds=60) for each in (weekends, gaps))
    )
    detail: dict[str, float | str] = {
        "read_floor_series_per_s": SERIES / floor,
        "read_floor_gb_per_s": values.nbytes / floor / 1e9,
        "with_weekends_series_per_s": LESS / seconds[0],
        "with_gaps_series_per_s": LESS / seconds[1],
        "peer": "numpy: median and MAD of each minute over the days, medians of days, lag-one product",
    }
    try:
        detail["prophet_series_per_s"] = peers.run("prophet_forecast.py", "2")["fit_series_per_s"]
    except PeerMissing as missing:
        detail["prophet"] = str(missing)
    return Figure(
        unit="series/s", ours=SERIES / ours, peer=len(few) / plain, of_limit=floor / ours, detail=detail
    )


def week(series: int) -> Floats:
    """Daily waves with noise, shape (series, a week of minutes)."""
    time_of_day = np.arange(DAYS * MINUTES) / MINUTES
    wave = (10 + 3 * np.sin(2 * np.pi * time_of_day)).astype(np.float32)
    rng = np.random.default_rng(0)
    return wave + rng.standard_normal((series, wave.size), np.float32)


def unlike(values: Floats) -> tuple[Floats, Floats]:
    """The same series with days that are not alike, which are learned twice; and with gaps, which take the slower way."""
    weekend = (START // 86_400 + 3 + np.arange(values.shape[1]) // MINUTES) % 7 >= 5
    gaps = np.random.default_rng(1).random(values.shape) < 0.01
    return values - 4 * weekend.astype(np.float32), np.where(gaps, np.float32(np.nan), values)


@njit(fastmath=True)
def read(values):  # type: ignore[no-untyped-def]
    """Read every value once, as fast as the machine does it."""
    total = np.float32(0.0)
    for place in range(values.size):  # an index lets the compiler use whole registers; iterating does not
        total += values[place]
    return total


def learn_by_numpy(values: Floats) -> tuple[NDArray[np.floating], ...]:
    """The same facts by array functions that leave gaps out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        days = values.reshape(len(values), DAYS, MINUTES)
        centre = np.nanmedian(days, axis=1)
        rest = days - centre[:, None]
        weekday = np.nanmedian(rest, axis=2)
        rest = rest - weekday[:, :, None]
        spread = 1.4826 * np.nanmedian(np.abs(rest), axis=1)
        flat = rest.reshape(len(values), -1)
        rate = np.nansum(flat[:, 1:] * flat[:, :-1], axis=1) / np.nansum(flat**2, axis=1)
    return centre, spread, weekday, rate


def best(*works: Callable[[], object], rounds: int = ROUNDS) -> tuple[float, ...]:
    """Shortest seconds of each work, the works taking turns so that all see the same machine."""
    seconds = [[0.0] * rounds for _ in works]
    for k in range(rounds):
        for place, work in enumerate(works):
            begun = time.perf_counter()
            work()
            seconds[place][k] = time.perf_counter() - begun
    return tuple(min(each) for each in seconds)
