"""The past of some series, without holes, and the windows of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sre_copilot.cognition.ensemble.knowledge import Floats

EPSILON = 1e-6  # of the level: what float32 can tell apart


@dataclass(frozen=True, slots=True)
class Past:
    """The past of some series: values (series, times), NaN where missing; `filled` around `level`, without holes."""

    values: Floats
    filled: Floats
    level: Floats
    spread: Floats
    jump: Floats
    step_seconds: int

    @classmethod
    def of(cls, values: Floats, *, step_seconds: int) -> Past:
        """Fill the holes, and find level, spread and size of steps."""
        filled = _filled(values)
        level, spread, jump = _facts(filled)
        around = np.clip(filled - level[:, None], -1e15, 1e15)
        return cls(values, around, level, spread, jump, step_seconds)

    def windows(self, width: int, ends: np.ndarray) -> Floats:
        """Windows that end at these times, shape (series, width, times), newest last; before the first value is like it."""
        places = np.maximum(ends[None, :] + np.arange(1 - width, 1)[:, None], 0)
        return np.ascontiguousarray(self.filled[:, places])

    def times(self, count: int) -> np.ndarray:
        """`count` times evenly chosen, or all."""
        width = self.filled.shape[1]
        return np.linspace(0, width - 1, min(count, width)).astype(np.int64)


def _filled(values: Floats) -> Floats:
    """Carry the last value over holes, and the first one back."""
    known = np.isfinite(values)
    places = np.where(known, np.arange(values.shape[1]), 0)
    np.maximum.accumulate(places, axis=1, out=places)
    first = np.where(known.any(axis=1), known.argmax(axis=1), 0)
    places = np.maximum(places, first[:, None])
    filled = np.take_along_axis(values, places, axis=1)
    return np.where(np.isfinite(filled), filled, np.float32(0))


def _facts(filled: Floats) -> tuple[Floats, Floats, Floats]:
    thin = filled[:, :: max(1, filled.shape[1] // 4096)]
    level = np.median(thin, axis=1)
    floor = EPSILON * np.abs(level) + 1e-12
    spread = np.maximum(_typical(np.abs(thin - level[:, None])), floor)
    steps = np.abs(np.diff(filled, axis=1)[:, :: max(1, filled.shape[1] // 4096)])
    jump = np.maximum(_typical(steps) if steps.size else 0, floor)
    return level.astype(np.float32), spread.astype(np.float32), jump.astype(np.float32)


def _typical(distances: Floats) -> Floats:
    """The robust standard deviation; the mean distance where more than half are the same, as of small counts."""
    both = np.maximum(1.4826 * np.median(distances, axis=1), distances.mean(axis=1))
    return np.asarray(both, np.float32)
