"""The ensemble over one series: learn from the past, tick on, learn again; for one series what `serve` does for all."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sre_copilot.cognition.baselines.profile import DAY_SECONDS, Profile
from sre_copilot.cognition.baselines.seasonal import learn as learn_profile
from sre_copilot.cognition.ensemble.knowledge import Floats, Knowledge
from sre_copilot.cognition.ensemble.learning import SAMPLES, course, learn
from sre_copilot.cognition.ensemble.state import State
from sre_copilot.cognition.ensemble.tick import tick
from sre_copilot.domain.series import SeriesBlock, SeriesKey

Series = NDArray[np.float64]
FIRST = 24  # points before the first learning: a day of hours; fewer say nothing of what is usual
GROWTH = 1.1  # in the first days what is known ages fast: it is learned again when there is a tenth more, later daily
FEWEST = 4  # values between two learnings
HISTORY_DAYS = 30  # of past that is learned from, and as many values as patterns are chosen from; older habits may have been given up


class EnsembleDetector:
    """The default detector: all components, one configuration for every series."""

    def score(self, values: Series, *, start: int, step_seconds: int) -> Series:
        """Score every value of shape (times,), 0..1; NaN where there is no value, and for the first `FIRST`."""
        column = np.ascontiguousarray(values, np.float32).reshape(-1, 1)
        scores = np.full(column.shape, np.nan, np.float32)
        state = State.fresh(1)
        for begin, end in schedule(len(values), step_seconds=step_seconds):
            past = column[max(0, begin - max(HISTORY_DAYS * DAY_SECONDS // step_seconds, SAMPLES)) : begin]
            if not np.isfinite(past).any():
                continue
            profile, knowledge = _learn(past, start + (begin - len(past)) * step_seconds, step_seconds)
            if int(state.clock[0]) == 0:
                _warm_up(state, knowledge, column[:begin])
            centre, scale = course(
                profile, start=start + begin * step_seconds, step_seconds=step_seconds, times=end - begin
            )
            for t in range(begin, end):
                tick(state, knowledge, column[t], centre[t - begin], scale[t - begin], scores[t])
        return scores[:, 0].astype(np.float64)


def _learn(past: Floats, start: int, step_seconds: int) -> tuple[Profile, Knowledge]:
    block = SeriesBlock((SeriesKey("", ""),), start, step_seconds, np.ascontiguousarray(past.T))
    profile = learn_profile(block.values, start=start, step_seconds=step_seconds)
    return profile, learn(block, profile)


def _warm_up(state: State, knowledge: Knowledge, column: Floats) -> None:
    """Take what came before the first learning into memory, unscored."""
    unknown, scores = np.full(1, np.nan, np.float32), np.empty(1, np.float32)
    for value in column:
        tick(state, knowledge, value, unknown, unknown, scores)


def schedule(times: int, *, step_seconds: int) -> Iterator[tuple[int, int]]:
    """Stretches of time, each scored with what was learned before it."""
    day, begin = max(FEWEST, DAY_SECONDS // step_seconds), FIRST
    while begin < times:
        longer = min(day, max(FEWEST, int(begin * (GROWTH - 1))))
        yield begin, min(times, begin + longer)
        begin = min(times, begin + longer)
