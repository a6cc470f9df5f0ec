"""How wrong forecasts were: quantiles of the errors of the same forecast, made at many times of the past, by how far ahead.

References
----------
Xu and Xie, Conformal prediction interval for dynamic time-series, 2021, section 3 (intervals from quantiles of past errors);
Makridakis et al., The M4 competition, 2020, section 2.4 (coverage).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, stdtrit  # type: ignore[import-untyped]

from sre_copilot.cognition.baselines.profile import Floats, Profile
from sre_copilot.cognition.forecast.deviation import (
    JUMP,
    RETURN_SECONDS,
    deviations,
    window_medians,
    window_steps,
    windows_a_day,
)

LEVELS = (0.005, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.995)
AHEAD_SECONDS = (
    300,
    900,
    1_800,
    3_600,
    7_200,
    14_400,
    28_800,
    43_200,
)  # doubling: errors grow with the root of time at most
AROUND = 9  # horizons looked at around each of them: between 3/4 and 5/4 of it
LATER = (1, 2, 4)  # windows ahead that tell how an hour's deviation goes on
PRIOR = 10.0  # a young series has seen no more
BATCH = 256  # series whose past errors are held at once: 20 MB at seven days


@dataclass(frozen=True, slots=True)
class Errors:
    """Errors of past forecasts of `n` series.

    `quantiles` of shape (AHEAD_SECONDS, LEVELS, n), float32, value less forecast, in the unit of the series; `usual_hour` of shape (n,) is the
    robust standard deviation of an hour's median around the profile; `hold` of shape (n,) is the share of an hour's deviation from the day that
    is still there, but for the return with RETURN_SECONDS, in the hours that follow: 0 where hours are noise, 1 where they wander.
    """

    quantiles: Floats
    usual_hour: Floats
    hold: Floats


def learn_errors(profile: Profile, values: Floats, *, start: int) -> Errors:
    """Forecast the past at the end of each of its hours and return the errors.

    Parameters
    ----------
    values : shape (n, times), the past that the profile was learned from, on its step
    start : epoch seconds of the first column

    The profile has seen what it is tested on; errors are widened by what that hides (`_hidden`).
    """
    series = values.shape[0]
    quantiles = np.empty((len(AHEAD_SECONDS), len(LEVELS), series), np.float32)
    usual, hold = np.empty(series, np.float32), np.empty(series, np.float32)
    for first in range(0, series, BATCH):
        part = slice(first, min(first + BATCH, series))
        off = deviations(part_of(profile, part), values[part], start=start)
        usual[part], hold[part], quantiles[:, :, part] = _errors(
            off, profile.return_rate[part], profile.step_seconds
        )
    hidden = _hidden(profile.days)
    return Errors(quantiles * hidden * _few(profile.days), usual * hidden, hold)


def part_of(profile: Profile, part: slice) -> Profile:
    """Return the profile of some of the series."""
    columns = ("centre", "scale", "weekday")
    facts = ("holiday", "level", "noise", "return_rate", "days")
    fields = {name: getattr(profile, name)[:, part] for name in columns}
    fields |= {name: getattr(profile, name)[part] for name in facts}
    return Profile(
        slot_seconds=profile.slot_seconds,
        step_seconds=profile.step_seconds,
        holidays=profile.holidays,
        utc_offset_seconds=profile.utc_offset_seconds,
        **fields,
    )


def _hidden(days: Floats) -> Floats:
    """Return how much wider errors are on days that a median over `days` has not seen.

    Outside, the variance is 1 + pi/2 / days (that of a median beside the value's own); inside about 1 - 1 / days.
    """
    seen = np.maximum(days, 1.5)
    return np.asarray(np.sqrt((1 + np.pi / 2 / seen) / (1 - 1 / seen)), np.float32)


def _few(days: Floats) -> Floats:
    """Return how much quantiles of few errors are to be widened, (levels, n), as Student's distribution widens the normal one.

    A day holds two forecasts of twelve hours that do not overlap; what overlaps errs together and counts as one.
    """
    degrees = np.maximum(2 * days, 2)
    normal = ndtri(np.array(LEVELS))[:, None]
    wide = stdtrit(degrees[None], np.array(LEVELS)[:, None])
    return np.asarray(
        np.divide(wide, normal, out=np.ones_like(wide), where=np.abs(normal) > 1e-9), np.float32
    )


def _errors(off: Floats, rate: Floats, step_seconds: int) -> tuple[Floats, Floats, Floats]:
    """Return `usual_hour`, `hold` and the quantiles (ahead, levels, n) of the errors of one batch."""
    width, day = window_steps(step_seconds), windows_a_day(step_seconds)
    blocks = window_medians(off, width)
    usual = np.float32(1.4826) * window_medians(np.abs(blocks), blocks.shape[1])[:, -1]
    usual = np.nan_to_num(usual)
    ends = off.shape[1] - width * np.arange(blocks.shape[1] - 1, -1, -1)
    days = np.nan_to_num(_trailing_medians(blocks, day))
    hours = np.where(np.isnan(blocks), days, blocks)
    apart = hours - days
    jump = np.sign(apart) * np.maximum(np.abs(apart) - np.float32(JUMP) * usual[:, None], 0)
    hold = _hold(blocks, days, apart - jump, usual, seconds=width * step_seconds)
    recent = _recent(off, ends, hours, width)
    first = min(day, blocks.shape[1] // 2)
    result = np.empty((len(AHEAD_SECONDS), len(LEVELS), off.shape[0]), np.float32)
    for k, ahead in enumerate(AHEAD_SECONDS):
        found = []
        for steps in sorted(
            {max(1, round(ahead * share / step_seconds)) for share in np.linspace(0.75, 1.25, AROUND)}
        ):
            at = ends + steps - 1
            good = (at < off.shape[1]) & (np.arange(ends.size) >= first)
            fade = np.float32(np.exp(-steps * step_seconds / RETURN_SECONDS))
            told = days + jump + (apart - jump) * hold[:, None] * fade + recent * (rate**steps)[:, None]
            found.append(off[:, at[good]] - told[:, good])
        result[k] = _quantiles(np.concatenate(found, axis=1))
    for k in range(
        1, len(AHEAD_SECONDS)
    ):  # too short a past to look that far ahead: grow with the root of time
        missing = np.isnan(result[k])
        growth = np.float32(np.sqrt(AHEAD_SECONDS[k] / AHEAD_SECONDS[k - 1]))
        result[k][missing] = result[k - 1][missing] * growth
    return usual, hold, result


def _hold(blocks: Floats, days: Floats, apart: Floats, usual: Floats, *, seconds: int) -> Floats:
    """Regress later windows on `apart`, clipped and between 0 and 1; PRIOR usual pairs say that half holds."""
    square = PRIOR * usual**2 + np.float32(1e-30)
    product = 0.5 * square
    limit = np.float32(JUMP) * usual[:, None]
    for later in LATER:
        if later < blocks.shape[1]:
            fade = np.float32(np.exp(-later * seconds / RETURN_SECONDS))
            coming = np.clip(blocks[:, later:] - days[:, :-later], -limit, limit)
            told = np.where(np.isnan(coming), 0, apart[:, :-later]) * fade
            product += (told * np.nan_to_num(coming)).sum(axis=1)
            square += (told**2).sum(axis=1)
    return np.asarray(np.clip(product / square, 0, 1), np.float32)


def _trailing_medians(blocks: Floats, width: int) -> Floats:
    """Median of the last `width` windows at each window, of those that there are."""
    padded = np.pad(blocks, ((0, 0), (width - 1, 0)), constant_values=np.nan)
    view = np.lib.stride_tricks.sliding_window_view(padded, width, axis=1)
    flat = np.ascontiguousarray(view).reshape(-1, width)
    result: Floats = window_medians(flat, width)[:, 0].reshape(blocks.shape)
    return result


def _recent(off: Floats, ends: np.ndarray, hours: Floats, width: int) -> Floats:
    """How far the last steps before each end are off the hour; 0 where a window is no longer than they are."""
    if width <= 3:
        return np.zeros_like(hours)
    index = np.maximum(ends[:, None] - np.arange(1, 4), 0)
    last = window_medians(np.ascontiguousarray(off[:, index]).reshape(-1, 3), 3)[:, 0].reshape(hours.shape)
    result: Floats = np.where(np.isnan(last), 0, last - hours).astype(np.float32)
    return result


def _quantiles(errors: Floats) -> Floats:
    """Quantiles at LEVELS of each row's known errors, (levels, n); NaN without any. The middle one is 0 by definition."""
    ordered = np.sort(errors, axis=1)  # NaN last
    known = np.isfinite(ordered).sum(axis=1)
    result = np.full((len(LEVELS), errors.shape[0]), np.nan, np.float32)
    rows = np.flatnonzero(known)
    for k, level in enumerate(LEVELS):
        place = level * (known[rows] - 1)
        low = np.floor(place).astype(int)
        high = np.minimum(low + 1, known[rows] - 1)
        part = (place - low).astype(np.float32)
        result[k, rows] = ordered[rows, low] * (1 - part) + ordered[rows, high] * part
    middle = LEVELS.index(0.5)
    result[:middle] = np.minimum(result[:middle], 0)
    result[middle, rows] = 0
    result[middle + 1 :] = np.maximum(result[middle + 1 :], 0)
    return result
