"""Static thresholds for whoever wants some: for each learned series the tightest one that its past would rarely have crossed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sre_copilot.cognition.forecast.thresholds import recommend_threshold
from sre_copilot.domain.series import SeriesKey

Floats = NDArray[np.float32]
Direction = Literal["above", "below"]
MOST_SERIES = 20_000  # nobody sets so many by hand, and a millisecond or two each adds up
PATIENCE_S = 60.0  # for all of them: learning itself takes about as long to read its history
BETTER_HIGH = frozenset(
    {"success", "available", "availability", "free", "ready", "hit", "hits", "healthy", "up"}
)
"""Words in names of metrics of which more is better: their threshold lies below."""


def direction_of(metric: str) -> Direction:
    """On which side of its threshold a metric is in trouble, as far as its name says."""
    words = set(metric.partition("{")[0].split("_"))
    return "below" if BETTER_HIGH & words else "above"


def recommended_thresholds(
    keys: Sequence[SeriesKey],
    values: Floats,
    *,
    step_seconds: int,
    elapsed: Callable[[], float] = monotonic,
) -> Floats:
    """A threshold and its alerts a day for each series, shape (2, n); NaN where there is none, or where time was up."""
    found = np.full((2, len(keys)), np.nan, np.float32)
    if len(keys) > MOST_SERIES:
        return found
    began = elapsed()
    for row, key in enumerate(keys):
        if elapsed() - began > PATIENCE_S:
            break
        made = recommend_threshold(values[row], step_seconds=step_seconds, direction=direction_of(key.metric))
        if made is not None:
            found[:, row] = made.value, made.alerts_a_day
    return found
