"""Judge each value by how far a model that predicts it from the values before was off."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sre_copilot.cognition.detectors.series.blocks import Schedule, filled
from sre_copilot.cognition.detectors.series.detector import Series
from sre_copilot.cognition.detectors.series.scale import floored, ratio, scored

CONSISTENT = 1.4826  # Rousseeuw and Croux 1993
SIGMAS = 3.0  # an error that normal noise makes once in 370 values
Predict = Callable[[Series, Series], Series]
"""From the past and the past with the block behind it, both without gaps, to predictions of all values of the latter, each from those before it."""


def score_errors(values: Series, plan: Schedule, predict: Predict) -> Series:
    """Fit on the past by plan; score the errors of the stretch that follows by the spread of those on the past, 0.7 at three of them."""
    scores = np.full(len(values), np.nan)
    complete = filled(values)
    for oldest, begin, end in plan.blocks(len(values)):
        if np.isfinite(values[oldest:begin]).sum() < plan.first // 2:
            continue
        predicted = predict(complete[oldest:begin], complete[oldest:end])
        errors = np.abs(values[oldest:end] - predicted)
        scores[begin:end] = _against(errors, begin - oldest, level=np.abs(complete[oldest:begin]))
    return scores


def _against(errors: Series, past: int, *, level: Series) -> Series:
    spread = CONSISTENT * np.nanmedian(errors[:past])
    return scored(
        ratio(errors[past:], floored(np.asarray(spread), np.asarray(np.median(level)))), limit=SIGMAS
    )
