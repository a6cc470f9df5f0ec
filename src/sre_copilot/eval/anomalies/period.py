"""The dominant period of a series, which the width of the evaluation's buffer follows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SHORTEST = 3  # points; below, a zigzag of the sampling would count as a period
NO_PERIOD = 125  # points: what the authors of VUS take for a series that has none
WIDEST = 100  # points: the buffer around an event, however long the period


def buffer_window(values: Floats) -> int:
    """The widest buffer around an event in points: a third of the period, at most `WIDEST`."""
    return min(WIDEST, dominant_period(values) // 3)


def dominant_period(values: Floats) -> int:
    """The lag in points of the highest local maximum of the autocorrelation, up to half of the series.

    Looked for from where the autocorrelation first turns negative: before, neighbours are alike because they are neighbours, and the noise of
    that slope has maxima of its own. Missing values take the mean. A series without a positive maximum has the period `NO_PERIOD`.
    """
    correlation = _autocorrelation(values)[: len(values) // 2 + 1]
    negative = np.flatnonzero(correlation < 0)
    first = max(SHORTEST, int(negative[0])) if len(negative) else len(correlation)
    middle = correlation[first:-1]
    peaks = (middle > correlation[first - 1 : -2]) & (middle >= correlation[first + 1 :]) & (middle > 0)
    return first + int(np.argmax(np.where(peaks, middle, 0.0))) if peaks.any() else NO_PERIOD


def _autocorrelation(values: Floats) -> Floats:
    """Products of the series with itself shifted by 0, 1, … points, not scaled: only their order is asked for."""
    present = np.isfinite(values)
    mean = values[present].mean() if present.any() else 0.0
    spectrum = np.fft.rfft(np.where(present, values - mean, 0.0), n=2 * len(values) + 2)
    correlation: Floats = np.fft.irfft(np.abs(spectrum) ** 2)[: len(values)]
    return correlation
