"""How far a series is off its profile now, and how such a deviation goes on.

A deviation has three parts: the level of the last day, which stays; the last hour against it, which returns with hours; the last
steps against that, which return as fast as the profile's AR(1) says. What of the hour lies beyond all that the past shows is a new
level and stays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sre_copilot.cognition.baselines.profile import DAY_SECONDS, Floats, Profile
from sre_copilot.cognition.baselines.seasonal import effect

HOUR_SECONDS = 3_600
RECENT_STEPS = 3  # the median of three steps is moved by no single spike
RETURN_SECONDS = (
    6 * HOUR_SECONDS
)  # e-fold return of the last hour to the last day's level: a quarter of a day
JUMP = 3.0  # robust standard deviations of hours around the profile; one hour in 370 lies beyond by chance
Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Deviation:
    """Deviation from the profile at one time, each part of shape (n,), float32; `day + hour + recent` is that of the last steps.

    `stays` is the part that does not return; `hour` returns with `RETURN_SECONDS`; `recent` with the profile's return rate.
    """

    stays: Floats
    hour: Floats
    recent: Floats


def window_steps(step_seconds: int) -> int:
    """Return the number of steps of an hour, one at least."""
    return max(1, HOUR_SECONDS // step_seconds)


def windows_a_day(step_seconds: int) -> int:
    """Return how many such windows make a day."""
    return max(1, DAY_SECONDS // (window_steps(step_seconds) * step_seconds))


def deviations(profile: Profile, values: Floats, *, start: int) -> Floats:
    """Return values (n, times) less what was expected at each time; the step is the profile's."""
    times = start + profile.step_seconds * np.arange(values.shape[1])
    result = np.array(values, np.float32, order="C")
    slots = (times % DAY_SECONDS) // profile.slot_seconds
    days = (times + profile.utc_offset_seconds) // DAY_SECONDS
    begins = np.flatnonzero(np.diff(days, prepend=days[0] - 1))
    for first, last in zip(begins, [*begins[1:], values.shape[1]], strict=True):
        centre = profile.centre[slots[first:last]].T + effect(profile, times[first])[:, None]
        result[:, first:last] -= centre
    return result


def deviation_now(profile: Profile, recent: Floats, *, start: int, usual_hour: Floats) -> Deviation:
    """Return where each series stands after the last column of `recent`.

    Parameters
    ----------
    recent : shape (n, times), the last values, best a day of them; NaN where there is none. Without any value in the last hour the
        deviation is taken from the day alone
    start : epoch seconds of the first column
    usual_hour : shape (n,), robust standard deviation of hours around the profile (`Errors.usual_hour`)
    """
    width = window_steps(profile.step_seconds)
    off = deviations(
        profile,
        recent[:, -width * windows_a_day(profile.step_seconds) :],
        start=_late(profile, recent, start),
    )
    blocks = window_medians(off, width)
    late = np.ascontiguousarray(off[:, -RECENT_STEPS:])  # one more layout would be compiled once more
    last = window_medians(late, RECENT_STEPS)[:, -1]
    return split(blocks, last, usual_hour, short=width > RECENT_STEPS)


def _late(profile: Profile, recent: Floats, start: int) -> int:
    kept = window_steps(profile.step_seconds) * windows_a_day(profile.step_seconds)
    times: int = recent.shape[1]
    return start + max(0, times - kept) * profile.step_seconds


def split(blocks: Floats, last: Floats, usual_hour: Floats, *, short: bool) -> Deviation:
    """Split the deviation after the last of `blocks` (n, windows of the last day) into its parts."""
    day = np.nan_to_num(window_medians(blocks, blocks.shape[1])[:, -1])
    hour = np.where(np.isnan(blocks[:, -1]), day, blocks[:, -1])
    apart = hour - day
    jump = np.sign(apart) * np.maximum(np.abs(apart) - np.float32(JUMP) * usual_hour, 0)
    recent = np.where(np.isnan(last), 0, last - hour) if short else np.zeros_like(hour)
    return Deviation(
        (day + jump).astype(np.float32), (apart - jump).astype(np.float32), recent.astype(np.float32)
    )


@njit(cache=True, error_model="numpy")
def window_medians(values, width):  # type: ignore[no-untyped-def]
    """Return medians of windows of `width` columns, the last one ending at the last column, NaN where nothing is known.

    The first window may be shorter.
    """
    series, times = values.shape
    count = (times + width - 1) // width
    result = np.empty((series, count), np.float32)
    known = np.empty(width, np.float32)
    for one in range(series):
        for window in range(count):
            last = times - (count - 1 - window) * width
            filled = 0
            for i in range(max(0, last - width), last):
                value = values[one, i]
                if abs(value) < np.float32(np.inf):
                    j = filled
                    while j > 0 and known[j - 1] > value:
                        known[j] = known[j - 1]
                        j -= 1
                    known[j] = value
                    filled += 1
            result[one, window] = np.float32(np.nan)
            if filled:
                result[one, window] = np.float32(0.5) * (known[(filled - 1) // 2] + known[filled // 2])
    return result
