"""Learn from the past, judge the next stretch, learn again: how a model of batches is made causal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sre_copilot.cognition.detectors.series.detector import Series
from sre_copilot.cognition.detectors.series.trailing import DAY_SECONDS


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a model is fitted and on what.

    `first` values are waited for; a model fitted on the last `memory` values judges the next `every`. While the past is shorter
    than `every`, the next fit comes when it has doubled: a first model of an hour would else judge a whole day.
    """

    first: int
    every: int
    memory: int

    def blocks(self, length: int) -> Iterator[tuple[int, int, int]]:
        """(begin of the past, begin and end of the stretch judged) up to a length; a longer series only adds to them."""
        begin = self.first
        while begin < length:
            end = begin + min(self.every, begin)
            yield max(0, begin - self.memory), begin, min(end, length)
            begin = end


def schedule(
    step_seconds: int,
    *,
    every_days: float = 1.0,
    memory_days: float = 7.0,
    most: int = 4_000,
    fewest: int = 60,
) -> Schedule:
    """Refit once in `every_days` on the last `memory_days`, but on at least `fewest` and at most `most` values."""
    day = DAY_SECONDS / step_seconds
    every = int(np.clip(every_days * day, fewest, most))
    return Schedule(first=fewest, every=every, memory=int(np.clip(memory_days * day, fewest, most)))


def filled(values: Series) -> Series:
    """Values in which a missing one repeats the last, and one before any value is 0."""
    places = np.where(np.isnan(values), -1, np.arange(len(values)))
    last = np.maximum.accumulate(places)
    kept: Series = np.where(last >= 0, values[np.maximum(last, 0)], 0.0)
    return kept


def recent(values: Series, width: int) -> Series:
    """The last `width` values at each time, shape (times, width); missing before the start."""
    padded = np.concatenate((np.full(width, np.nan), values))
    seen: Series = np.lib.stride_tricks.sliding_window_view(padded, width)[1:]
    return seen
