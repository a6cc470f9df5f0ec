"""One tick of the default ensemble over a hundred thousand series, on one core; a rolling MAD of the same series beside it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import fields

import numpy as np
from numba import njit

from benchmarks.figure import Figure, PeerMissing, Peers
from sre_copilot.cognition.baselines.seasonal import expected
from sre_copilot.cognition.baselines.seasonal import learn as learn_profile
from sre_copilot.cognition.ensemble.knowledge import Knowledge
from sre_copilot.cognition.ensemble.learning import learn
from sre_copilot.cognition.ensemble.state import LANES, State
from sre_copilot.cognition.ensemble.tick import tick
from sre_copilot.domain.series import SeriesBlock, SeriesKey

NAME = "tick"
ABOUT = "one tick of the full default ensemble over 100,000 series, against a rolling MAD of 60 values; points a second"

SERIES = 100_096  # whole blocks of lanes
LEARNED = LANES  # series that are learned for real; the others have copies of what was learned, at places of their own
STEP = 60
START = 1_700_006_400
WINDOW = 60
ROUNDS = 15  # the best is told: others use the machine as well


def measure(peers: Peers) -> Figure:
    """Time a tick, a rolling MAD in numpy and in numba, and reading the same memory once."""
    random = np.random.default_rng(0)
    times = np.arange(86_400 // STEP)
    past = (100 + 20 * np.sin(times / 229) + random.normal(0, 2, (LEARNED, len(times)))).astype(np.float32)
    keys = tuple(SeriesKey("shop", f"m{i}") for i in range(LEARNED))
    profile = learn_profile(past, start=START, step_seconds=STEP)
    learned = learn(SeriesBlock(keys, START, STEP, past), profile)
    knowledge = learned.take(list(range(LEARNED)) * (SERIES // LEARNED))
    centre, scale = (np.tile(each, SERIES // LEARNED) for each in expected(profile, START))
    values = [random.normal(100, 2, SERIES).astype(np.float32) for _ in range(ROUNDS)]
    state, scores, parts = State.fresh(SERIES), np.empty(SERIES, np.float32), np.zeros(SERIES, np.uint8)
    ours = best([lambda v=v: tick(state, knowledge, v, centre, scale, scores, parts) for v in values])
    window = random.normal(100, 2, (WINDOW, SERIES)).astype(np.float32)
    rows = np.ascontiguousarray(window.T)
    mad_numba(rows[:LANES])
    peer_numpy = best([lambda: mad_numpy(window)] * 2)
    peer_numba = best([lambda: mad_numba(rows)] * 2)
    read = best([lambda: touched(knowledge, state)] * 5)
    detail: dict[str, float | str] = {
        "tick_ms": 1e3 * ours,
        "rolling_mad_numpy_ms": 1e3 * peer_numpy,
        "rolling_mad_numba_ms": 1e3 * peer_numba,
        "state_bytes_per_series": state.bytes_per_series,
        "learned_bytes_per_series": knowledge.bytes_per_series,
    }
    try:
        detail["river_half_space_trees_points_per_s"] = float(peers.run("river_hst.py")["points_per_s"])
    except PeerMissing as missing:
        detail["river_missing"] = str(missing)
    return Figure(
        unit="points/s",
        ours=SERIES / ours,
        peer=SERIES / min(peer_numpy, peer_numba),
        of_limit=read / ours,
        detail=detail,
    )


def best(calls: list[Callable[[], object]]) -> float:
    """Seconds of the fastest call."""
    seconds = []
    for call in calls:
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def mad_numpy(window: np.ndarray) -> np.ndarray:
    """Distance of the last value of every series from its rolling median, in rolling MADs; one vectorised pass."""
    median = np.median(window, axis=0)
    mad = np.median(np.abs(window - median), axis=0)
    return np.asarray(np.abs(window[-1] - median) / np.maximum(1.4826 * mad, 1e-9))


@njit(cache=True)
def mad_numba(rows: np.ndarray) -> np.ndarray:
    """Do the same compiled, a series after the other."""
    scores = np.empty(len(rows), np.float32)
    for i in range(len(rows)):
        median = np.median(rows[i])
        mad = np.median(np.abs(rows[i] - median))
        scores[i] = abs(rows[i, -1] - median) / max(1.4826 * mad, 1e-9)
    return scores


def touched(knowledge: Knowledge, state: State) -> float:
    """Read once all that a tick has to read."""
    arrays = [getattr(knowledge, field.name) for field in fields(knowledge)] + [state.memory]
    words = (array.reshape(-1).view(np.uint8)[: array.nbytes // 8 * 8].view(np.uint64) for array in arrays)
    return sum(float(each.sum()) for each in words)
