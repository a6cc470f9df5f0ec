"""Score short raw windows by a model of earlier ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sre_copilot.cognition.detectors.series.blocks import Schedule, recent
from sre_copilot.cognition.detectors.series.detector import Series
from sre_copilot.cognition.detectors.series.scale import floored, ratio, scored

RARE = 0.995  # of the past; a value a minute would else be told more than seven times a day on a quiet day
Judge = Callable[[Series, Series], tuple[Series, Series]]
"""From the windows of the past and of a block to how odd those of the past (or a fair part of them) and those of the block are; higher is odder."""


def score_windows(values: Series, width: int, plan: Schedule, judge: Judge) -> Series:
    """Fit on the past by plan and score each window; 0.7 at the oddness that is rare in the past itself.

    Windows are raw, not normalised each by itself: a level that was never there is what operations look for. A window with a missing value
    is not judged.
    """
    windows = recent(values, width)
    whole = np.isfinite(windows.sum(axis=1))
    scores = np.full(len(values), np.nan)
    for oldest, begin, end in plan.blocks(len(values)):
        past = windows[oldest:begin][whole[oldest:begin]]
        block = np.flatnonzero(whole[begin:end]) + begin
        if len(past) >= plan.first // 2 and len(block):
            scores[block] = _against(*judge(past, windows[block]))
    return scores


def sample(windows: Series, most: int) -> Series:
    """At most so many windows, evenly taken."""
    chosen: Series = windows[np.linspace(0, len(windows) - 1, min(len(windows), most)).astype(int)]
    return chosen


def _against(past: Series, block: Series) -> Series:
    """Oddness above the median of the past, measured by the distance from there to what is rare."""
    middle, rare = np.quantile(past, [0.5, RARE])
    spread = floored(np.asarray(rare - middle), np.asarray(middle))
    return scored(ratio(np.maximum(block - middle, 0.0), spread), limit=1.0)
