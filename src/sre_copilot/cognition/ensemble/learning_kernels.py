"""Common patterns of windows: a cover of the past of one series after another."""

from __future__ import annotations

import numpy as np
from numba import njit, types

F1, F2, F3 = types.float32[::1], types.float32[:, ::1], types.float32[:, :, ::1]
MATH = {"reassoc", "contract", "arcp", "nsz"}
f4 = np.float32
QUARTER = f4(0.25)  # of a squared distance: half of the distance
LARGEST = f4(3e38)
ENOUGH = 2  # windows, itself included, that are alike: what happened once is an accident
TRIES = 3  # farthest windows looked at for each pattern kept


@njit(types.void(F2, F1, F1), cache=True, fastmath=MATH, nogil=True)
def _distances(windows, to, out):  # type: ignore[no-untyped-def]
    """Squared distances of windows (width, samples) to one of them (width,)."""
    for m in range(windows.shape[1]):
        out[m] = f4(0)
    for d in range(windows.shape[0]):
        for m in range(windows.shape[1]):
            away = windows[d, m] - to[d]
            out[m] += away * away


@njit(types.void(F3, types.int64[::1], F3), cache=True, fastmath=MATH, nogil=True)
def cover(windows, first, codes):  # type: ignore[no-untyped-def]  # noqa: PLR0912
    """Choose windows (series, width, samples) as codes (series, codes, width) that leave none far from all of them.

    Gonzalez' farthest-point choice, begun at the `first` (series,); one that has none like it within half its distance from the codes is
    passed over.
    """
    # loops instead of slices and reductions: what numba compiles for those takes it a second
    series, width, samples = windows.shape
    far, near, to = np.empty(samples, np.float32), np.empty(samples, np.float32), np.empty(width, np.float32)
    for s in range(series):
        for m in range(samples):
            far[m] = LARGEST
        kept, chosen = 0, first[s]
        for _ in range(TRIES * codes.shape[1]):
            for d in range(width):
                to[d] = windows[s, d, chosen]
            _distances(windows[s], to, near)
            alike, limit = 0, QUARTER * far[chosen]
            for m in range(samples):
                alike += 1 if near[m] <= limit else 0
            if alike >= ENOUGH:
                for d in range(width):
                    codes[s, kept, d] = to[d]
                for m in range(samples):
                    far[m] = min(far[m], near[m])
                kept += 1
            else:
                far[chosen] = f4(0)
            for m in range(samples):
                chosen = m if far[m] > far[chosen] else chosen
            if kept == codes.shape[1] or far[chosen] <= 0:
                break
        for k in range(kept, codes.shape[1]):
            for d in range(width):
                codes[s, k, d] = codes[s, 0, d]


@njit(types.void(F3, F3, F2, types.boolean), cache=True, fastmath=MATH, nogil=True)
def to_codes(windows, codes, out, among):  # type: ignore[no-untyped-def]
    """Squared distance of each window (series, width, samples) to the nearest code (series, codes, width).

    `among`: the codes are the windows themselves, and the nearest other one is meant.
    """
    near = np.empty(windows.shape[2], np.float32)
    for s in range(windows.shape[0]):
        for m in range(windows.shape[2]):
            out[s, m] = LARGEST
        for k in range(codes.shape[1]):
            _distances(windows[s], codes[s, k], near)
            if among:
                near[k] = LARGEST
            for m in range(windows.shape[2]):
                out[s, m] = min(out[s, m], near[m])


@njit(types.void(F2, types.float32, F2), cache=True, fastmath=MATH, nogil=True)
def average(values, weight, out):  # type: ignore[no-untyped-def]
    """Exponential moving average of each row, begun at its first value."""
    for s in range(values.shape[0]):
        mean = values[s, 0]
        for m in range(values.shape[1]):
            mean += weight * (values[s, m] - mean)
            out[s, m] = mean
