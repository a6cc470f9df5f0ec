"""When the fault began, seen in spans: the moment at which calls, operations or their order change together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sre_copilot.cognition.baselines.change_point import change_point
from sre_copilot.cognition.traces.spans import Floats, Ints, Spans

BIN_S = 5.0  # a change is placed to within five seconds; shorter bins hold too few calls of a quiet service
BINS_OF_REFERENCE = 12  # a minute of the reference; more would outweigh the incident's own past
AROUND_S = 120.0  # a told onset is off by a minute; twice that is searched
SURE = 3.0  # nats, after every series has paid for the choice of its split
FASTEST_MS = 1.0  # differences below a millisecond are scheduling noise
WOBBLE = 0.2  # five-second means of a healthy service wobble by some 20 %
DRIFT = 0.7  # the reference is of another day and load: less than a factor of two from it is no fault
SCALE_OF_SHARE = 1.0  # a share that goes from 0 to 1 counts as much as a duration that grows 2.7 times


@dataclass(frozen=True, slots=True)
class Onset:
    """`at` is epoch seconds; `sure` whether the spans themselves show a change there, else it is what was told."""

    at: float
    sure: bool


def find_onset(spans: Spans, told: float | None) -> Onset | None:
    """Find the moment of change within two minutes of the told onset, or anywhere when none was told.

    Where the incident's own spans show no change, the first of them is the moment if they differ from the reference: then the
    recording began after the fault.
    """
    own = ~spans.reference
    fallback = None if told is None else Onset(told, sure=False)
    if not own.any():
        return fallback
    first = float(spans.start[own].min())
    inside = _change(spans, first, told, past=0)
    if inside is not None:
        return inside
    if spans.reference.any() and (told is None or first > told - AROUND_S):
        return _change(spans, first, None, past=BINS_OF_REFERENCE) or fallback
    return fallback


def _change(spans: Spans, first: float, told: float | None, *, past: int) -> Onset | None:
    """The change among the incident's own bins, or, with `past` bins of the reference before them, at the first of them."""
    own = ~spans.reference
    bins = past + int((spans.start[own].max() - first) // BIN_S) + 1
    column = past + ((spans.start - first) // BIN_S).astype(np.int64)
    starts = first + (np.arange(bins) - past) * BIN_S
    if past:
        begin = spans.start[spans.reference].min()
        column[spans.reference] = ((spans.start[spans.reference] - begin) // BIN_S).astype(np.int64) % past
        allowed = np.arange(bins) == past
    else:
        column[spans.reference] = -1
        allowed = np.arange(bins) >= 1
    if told is not None:
        allowed &= np.abs(starts - told) <= AROUND_S
    floor = DRIFT if past else WOBBLE
    found = change_point(_series(spans, column, bins), allowed=allowed, floor=floor)
    if found is None or found.strength < SURE:
        return None
    return Onset(float(starts[found.index]), sure=True)


def _series(spans: Spans, column: Ints, bins: int) -> NDArray[np.float64]:
    """Levels by series and bin: gaps of edges, durations of operations, how often a child ends its parent's work."""
    child = spans.children[column[spans.children] >= 0]
    parent = spans.parent[child]
    cross = spans.service[child] != spans.service[parent]
    gap = np.log(np.maximum(spans.duration[parent] - spans.duration[child], FASTEST_MS))[cross]
    edge = (spans.service[parent] * len(spans.services) + spans.service[child])[cross]
    chain = spans.operation[parent] * len(spans.operations) + spans.operation[child]
    ends = spans.last[child].astype(np.float64) * SCALE_OF_SHARE
    seen = np.flatnonzero(column >= 0)
    slow = np.log(np.maximum(spans.duration[seen], FASTEST_MS))
    parts = [
        _means(edge, column[child][cross], gap, bins),
        _means(spans.operation[seen], column[seen], slow, bins),
        _means(chain, column[child], ends, bins),
    ]
    return np.concatenate(parts)


def _means(key: Ints, column: Ints, value: Floats, bins: int) -> NDArray[np.float64]:
    """The mean of `value` by key and bin, NaN where there is none."""
    if key.size == 0:
        return np.empty((0, bins))
    names, code = np.unique(key, return_inverse=True)
    cell = code * bins + column
    size = len(names) * bins
    count = np.bincount(cell, minlength=size).astype(np.float64)
    total = np.bincount(cell, weights=value, minlength=size)
    return np.where(count > 0, total / np.maximum(count, 1.0), np.nan).reshape(len(names), bins)
