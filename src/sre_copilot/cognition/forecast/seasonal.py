"""The default forecast: the profile, and the return to it from where the series stands now.

References
----------
Gardner and McKenzie, Forecasting trends in time series, 1985 (a damped deviation beats one that stays or one that is forgotten);
Hyndman and Athanasopoulos, Forecasting: principles and practice, 3rd edition, 2021, section 5.5 (intervals from past errors).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.special import ndtri  # type: ignore[import-untyped]

from sre_copilot.cognition.baselines.lanes import LANES
from sre_copilot.cognition.baselines.memory import lines
from sre_copilot.cognition.baselines.profile import DAY_SECONDS, Floats, Profile
from sre_copilot.cognition.baselines.seasonal import effect, learn
from sre_copilot.cognition.forecast.deviation import Deviation, deviation_now
from sre_copilot.cognition.forecast.errors import AHEAD_SECONDS, LEVELS, Errors, learn_errors
from sre_copilot.cognition.forecast.forecast_kernel import (
    flat_rows,
    padded,
    scratch_size,
    weights_of,
    write_forecasts,
)
from sre_copilot.cognition.forecast.forecaster import QUANTILES, Forecast, checked

SEASON_DAYS = (
    2.0  # seen on fewer days a slot is one day's accident, and the series is forecast from its level alone
)


def forecast(
    profile: Profile,
    deviation: Deviation,
    errors: Errors,
    *,
    start: int,
    horizon_steps: int,
    quantiles: tuple[float, ...] = QUANTILES,
    into: Floats | None = None,
) -> Forecast:
    """Forecast every series of a profile.

    Parameters
    ----------
    deviation : where the series stand now (`deviation_now`)
    errors : how wrong such forecasts were (`learn_errors`)
    start : epoch seconds of the first step, one step after the last value
    horizon_steps : number of steps; beyond twelve hours the last known width stays
    quantiles : rising, between 0.005 and 0.995: beyond them a week of hours says nothing
    into : memory of shape (n, quantiles, horizon_steps) to write to, for callers that forecast at each tick
    """
    if not LEVELS[0] <= quantiles[0] <= quantiles[-1] <= LEVELS[-1]:
        raise ValueError(f"quantiles are {quantiles}; they lie between {LEVELS[0]} and {LEVELS[-1]}")
    step, shape = profile.step_seconds, (profile.series, len(quantiles), horizon_steps)
    result = np.empty(shape, np.float32) if into is None else into
    times = start + step * np.arange(horizon_steps)
    days = (times + profile.utc_offset_seconds) // DAY_SECONDS
    effects = np.stack([_day_effect(profile, day) for day in range(days[0], days[-1] + 1)])
    centre, stride = flat_rows(profile.centre)
    places = padded(times % DAY_SECONDS // profile.slot_seconds * stride)
    plan = (places, padded(LANES * (days - days[0])), *weights_of(step, horizon_steps))
    parts = np.stack([deviation.stays, deviation.hour * errors.hold, deviation.recent, profile.return_rate])
    write_forecasts(
        centre,
        effects.reshape(-1),
        parts.reshape(-1),
        np.ascontiguousarray(errors.quantiles).reshape(-1),
        _levels(quantiles),
        (horizon_steps, len(AHEAD_SECONDS), *plan),
        lines(1, scratch_size(horizon_steps, days=len(effects), quantiles=len(quantiles)))[0],
        np.zeros(len(quantiles), np.bool_),
        result.reshape(-1),
        -(result.ctypes.data // 4) % LANES,
    )
    return Forecast(start, step, quantiles, result.transpose(0, 2, 1))


def forecast_values(
    values: Floats,
    *,
    start: int,
    step_seconds: int,
    horizon_steps: int,
    quantiles: tuple[float, ...] = QUANTILES,
) -> Forecast:
    """Learn from a past and forecast what follows: a `Forecaster`."""
    checked(values, step_seconds=step_seconds, horizon_steps=horizon_steps, quantiles=quantiles)
    known = np.ascontiguousarray(values, np.float32)
    profile = past_profile(known, start=start, step_seconds=step_seconds)
    errors = learn_errors(profile, known, start=start)
    now = deviation_now(profile, known, start=start, usual_hour=errors.usual_hour)
    end = start + step_seconds * values.shape[1]
    return forecast(profile, now, errors, start=end, horizon_steps=horizon_steps, quantiles=quantiles)


def past_profile(values: Floats, *, start: int, step_seconds: int) -> Profile:
    """Return the profile of a past; one level for all of the day where no slot was seen twice."""
    if values.shape[1] * step_seconds >= SEASON_DAYS * DAY_SECONDS:
        return learn(values, start=start, step_seconds=step_seconds)
    return level_profile(values, step_seconds=step_seconds)


def level_profile(values: Floats, *, step_seconds: int) -> Profile:
    """Return a profile without season: the median, its robust spread, and the return of one step to the next."""
    known = np.isfinite(values)
    count = known.sum(axis=1)
    level = np.array(
        [np.median(row[good]) if good.any() else np.nan for row, good in zip(values, known, strict=True)]
    )
    off = values - level[:, None]
    spread = np.array(
        [
            1.4826 * np.median(np.abs(row[good])) if good.any() else np.nan
            for row, good in zip(off, known, strict=True)
        ]
    )
    spread = np.maximum(spread, np.maximum(1e-3 * np.abs(level), 1e-6))
    off = np.where(known, np.clip(off, -4 * spread[:, None], 4 * spread[:, None]), 0)
    square = np.maximum((off**2).sum(axis=1), 1e-30)
    rate = np.clip((off[:, 1:] * off[:, :-1]).sum(axis=1) / square, 0, 0.9999)
    noise = np.sqrt(square / np.maximum(count, 1) * (1 - rate**2))
    facts = {"level": level, "noise": noise, "return_rate": rate, "days": count * step_seconds / DAY_SECONDS}
    return Profile(
        slot_seconds=DAY_SECONDS,
        step_seconds=step_seconds,
        centre=level[None].astype(np.float32),
        scale=spread[None].astype(np.float32),
        weekday=np.zeros((7, len(level)), np.float32),
        holiday=np.full(len(level), np.nan, np.float32),
        **{name: each.astype(np.float32) for name, each in facts.items()},
    )


def _day_effect(profile: Profile, day: int) -> Floats:
    return effect(profile, day * DAY_SECONDS - profile.utc_offset_seconds)


@lru_cache(maxsize=16)
def _levels(quantiles: tuple[float, ...]) -> tuple[np.ndarray, Floats]:
    """Return of each quantile the known level below it, and the share of the next: linear in the normal quantile."""
    place, asked = ndtri(np.array(LEVELS)), ndtri(np.array(quantiles))
    low = np.clip(np.searchsorted(place, asked, side="right") - 1, 0, len(LEVELS) - 2)
    return low, ((asked - place[low]) / (place[low + 1] - place[low])).astype(np.float32)
