"""Volume under the precision-recall surface: how well scores agree with labelled stretches of time.

References
----------
Paparrizos, Boniol, Palpanas, Tsay, Elmore and Franklin, Volume Under the Surface: A New Accuracy Evaluation Measure for Time-Series
Anomaly Detection, PVLDB 15(11), 2022: the soft label (sec. 4.1), the range recall and precision (sec. 4.2), the volume (sec. 4.3).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
THRESHOLDS = 250  # as published; more of them change the third digit


def vus_pr(labels: NDArray[np.bool_], scores: Floats, *, window: int, thresholds: int = THRESHOLDS) -> float:
    """Mean area under the range precision-recall curve over buffers of 0 … `window` points around each event.

    Parameters
    ----------
    labels : shape (times,), true inside an event; at least one is
    scores : shape (times,), finite; higher is more anomalous
    window : the widest buffer in points, half of it on either side of an event
    thresholds : how many quantiles of the scores serve as thresholds

    Returns
    -------
    0..1; NaN without any event, for which the curve is undefined.
    """
    events = runs(labels)
    if not len(events):
        return float("nan")
    first_hit, predicted = _first_threshold_reached(scores, thresholds)
    inside = np.cumsum(np.bincount(first_hit[labels], minlength=thresholds)).astype(np.float64)
    areas = [
        _range_average_precision(*_at_window(events, first_hit, labels, width, thresholds), inside, predicted)
        for width in range(window + 1)
    ]
    return float(np.mean(areas))


def runs(flags: NDArray[np.bool_]) -> Integers:
    """First and last index of every run of true values, shape (runs, 2)."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    pairs: Integers = edges.reshape(-1, 2) - np.array([0, 1])
    return pairs


def _first_threshold_reached(scores: Floats, thresholds: int) -> tuple[Integers, Floats]:
    """For each point the highest threshold that it reaches, and for each threshold how many points reach it."""
    falling = -np.sort(-scores)
    values = falling[np.linspace(0, len(scores) - 1, thresholds).astype(np.int64)]
    first = np.searchsorted(-values, -scores, side="left").astype(np.int64)
    return first, np.cumsum(np.bincount(first, minlength=thresholds)).astype(np.float64)


def _range_average_precision(
    buffered: Floats, touched: Floats, events: int, inside: Floats, predicted: Floats
) -> float:
    """Area under one range precision-recall curve, as a step function from the strictest threshold on."""
    positives = inside[-1] + buffered / 2
    hits = inside + buffered
    recall = np.minimum(hits / positives, 1.0) * touched / events
    gain = np.diff(recall, prepend=0.0)
    return float(np.dot(gain, hits / predicted))


@njit(cache=True)
def _at_window(
    events: Integers, first_hit: Integers, labels: NDArray[np.bool_], window: int, thresholds: int
) -> tuple[Floats, Floats, int]:
    """Soft label reached in the buffers, and events (merged where buffers touch) reached, per threshold."""
    weights = np.zeros(len(labels))
    half = window // 2
    for index in range(len(events)):
        start, end = events[index]
        for distance in range(1, half + 1):
            weight = np.sqrt(1 - distance / window)
            if end + distance < len(labels):
                weights[end + distance] += weight
            if start - distance >= 0:
                weights[start - distance] += weight
    buffered = np.zeros(thresholds)
    for point in range(len(labels)):
        if weights[point] > 0 and not labels[point]:
            buffered[first_hit[point]] += min(1.0, weights[point])
    touched, count = _touched(events, first_hit, half, thresholds)
    return np.cumsum(buffered), np.cumsum(touched), count


@njit(cache=True)
def _touched(events: Integers, first_hit: Integers, half: int, thresholds: int) -> tuple[Floats, int]:
    """For each threshold how many merged events are first reached at it, and how many there are."""
    touched = np.zeros(thresholds)
    count = 0
    start = max(events[0, 0] - half, 0)
    for index in range(len(events)):
        end = min(events[index, 1] + half, len(first_hit) - 1)
        if index + 1 < len(events) and end >= events[index + 1, 0] - half:
            continue
        touched[first_hit[start : end + 1].min()] += 1
        count += 1
        if index + 1 < len(events):
            start = events[index + 1, 0] - half
    return touched, count
