"""Bring what detectors measure to one scale: 0 normal, 0.7 at the limit from which their method speaks of an anomaly."""

from __future__ import annotations

import numpy as np

from sre_copilot.cognition.detectors.series.detector import Series

WORTH_TELLING = 0.7
RESOLUTION = 1e-3  # of the level: what changes by less is a rounding of the meter, however exact the past was


def scored(distance: Series, *, limit: float) -> Series:
    """Map a distance of 0 … infinity to 0 … 1, `limit` to `WORTH_TELLING`; the order stays, NaN stays."""
    half = limit * (1 - WORTH_TELLING) / WORTH_TELLING
    with np.errstate(divide="ignore"):
        inverse = np.divide(half, np.maximum(distance, 0.0))
    score: Series = 1.0 / (1.0 + inverse)
    return score


def floored(spread: Series, level: Series) -> Series:
    """A spread that is never below the resolution of a series at its level."""
    floor: Series = np.maximum(spread, RESOLUTION * np.abs(level))
    return floor


def ratio(distance: Series, spread: Series) -> Series:
    """How many spreads a distance is; without any spread no distance is 0 and any other infinite."""
    with np.errstate(divide="ignore", invalid="ignore"):
        times = np.divide(distance, spread)
    found: Series = np.where((distance == 0) & (spread == 0), 0.0, times)
    return found
