"""When a series will cross a limit: probability, time and interval, from its own past and a calibration across series."""

from __future__ import annotations

from typing import Literal

import numpy as np

from sre_copilot.cognition.baselines.profile import DAY_SECONDS, Floats, Profile
from sre_copilot.cognition.baselines.seasonal import expected
from sre_copilot.cognition.forecast.breach_calibration import Calibration
from sre_copilot.cognition.forecast.breach_features import (
    HOUR_SECONDS,
    Doubles,
    Past,
    crossing_share,
    features,
    read_past,
    walk,
)
from sre_copilot.cognition.forecast.breach_table import SHIPPED
from sre_copilot.domain.anomaly import Breach
from sre_copilot.domain.series import SeriesKey

Direction = Literal["above", "below"]
LEAST_PROBABILITY = 0.3  # below it seven of ten warnings are wrong, and nobody reads the eighth
INTERVAL = (0.1, 0.9)  # the 80 % interval of the time of crossing
POINTS = 72  # times within the horizon at which crossing is told: five minutes of six hours
METHOD = "calibrated_walk"


def time_to_breach(
    values: Floats,
    profile: Profile | None,
    limit: float,
    *,
    key: SeriesKey,
    end: int,
    step_seconds: int,
    direction: Direction = "above",
    column: int = 0,
    horizon_hours: float = 6.0,
    least_probability: float = LEAST_PROBABILITY,
    calibration: Calibration = SHIPPED,
) -> Breach | None:
    """Return the coming breach of one series, or None: not probable enough, already beyond the limit, or too little is known.

    Parameters
    ----------
    values : shape (times,), the recent past, NaN where there is none: two hours at least, best a day or more
    profile : of which `column` is the series, brings in what the time of day adds; None: the series has none yet
    limit : the value not to be crossed
    end : epoch seconds after the last column, which is when the forecast is made
    """
    sign = 1.0 if direction == "above" else -1.0
    past = read_past(values, step_seconds=step_seconds, sign=sign)
    if past is None or not np.isfinite(limit) or past.blocks[-1] >= sign * limit:
        return None
    horizon = round(horizon_hours * HOUR_SECONDS)
    season = season_rise(profile, column=column, end=end, horizon_seconds=horizon, sign=sign)
    inputs = features(past, limit=sign * limit, season_rise=season, horizon_seconds=horizon)
    probability = float(calibration.probability(inputs))
    if probability < least_probability:
        return None
    earliest, middle, latest = crossing_times(
        past, sign * limit - season, horizon=horizon, probability=probability
    )
    return Breach(
        entity=key.service,
        metric=key.metric,
        instance=key.instance,
        made_at=float(end),
        horizon_hours=horizon_hours,
        limit=float(limit),
        direction=direction,
        at=end + middle,
        earliest=end + earliest,
        latest=None if latest is None else end + latest,
        probability=probability,
        hit_rate=calibration.hit_rate(probability),
        method=METHOD,
    )


def season_rise(
    profile: Profile | None, *, column: int, end: int, horizon_seconds: int, sign: float
) -> float:
    """Return by how much the profile rises at most (falls, for sign -1) within the horizon; 0 without a profile of three days."""
    if profile is None or profile.days[column] < 3:
        return 0.0
    times = range(end, end + horizon_seconds, max(profile.slot_seconds, 300))
    path = np.array([expected(profile, at)[0][column] for at in times])
    rise = float(np.max(sign * (path - path[0]))) if path.size else 0.0
    return rise if np.isfinite(rise) else 0.0


def crossing_times(
    past: Past, limit: float, *, horizon: int, probability: float
) -> tuple[float, float, float | None]:
    """Return earliest, middle and latest seconds until the crossing.

    The walk of the recent past tells how crossings spread over the horizon, the calibration how probable one is at all. The middle is
    that of the crossings within the horizon; the latest is None where the interval reaches beyond it.
    """
    drift, spread = walk(past)
    ahead = np.linspace(0, horizon, POINTS + 1)[1:]
    gap = max(limit - float(past.blocks[-1]), 1e-9)
    share = crossing_share(gap, drift=drift, spread=spread, time=ahead / past.pace)
    share = np.maximum.accumulate(share)
    share = share / share[-1] * probability if share[-1] > 0 else probability * ahead / horizon
    middle = _time(share, ahead, probability / 2)
    latest = _time(share, ahead, INTERVAL[1]) if share[-1] >= INTERVAL[1] else None
    return min(_time(share, ahead, INTERVAL[0]), middle), middle, latest


def _time(share: Doubles, ahead: Doubles, level: float) -> float:
    return float(np.interp(level, np.concatenate([[0.0], share]), np.concatenate([[0.0], ahead])))


def hit_rate(
    values: Floats,
    limit: float,
    *,
    step_seconds: int,
    direction: Direction = "above",
    horizon_hours: float = 6.0,
    least_probability: float = LEAST_PROBABILITY,
    calibration: Calibration = SHIPPED,
) -> tuple[float | None, int]:
    """Back-test one series: the share of warnings that came true at each hour of its past, and how many were made.

    Each is made of nothing but what came before it, at most a day. None without a warning.
    """
    sign, horizon = (1.0 if direction == "above" else -1.0), round(horizon_hours * HOUR_SECONDS)
    hour, day = max(1, HOUR_SECONDS // step_seconds), DAY_SECONDS // step_seconds
    true, made = 0, 0
    for end in range(2 * hour, values.size - horizon // step_seconds + 1, hour):
        past = read_past(values[max(0, end - day) : end], step_seconds=step_seconds, sign=sign)
        if past is None or past.blocks[-1] >= sign * limit:
            continue
        inputs = features(past, limit=sign * limit, season_rise=0.0, horizon_seconds=horizon)
        if float(calibration.probability(inputs)) >= least_probability:
            coming = sign * values[end : end + horizon // step_seconds]
            made += 1
            true += bool((coming[np.isfinite(coming)] >= sign * limit).any())
    return (true / made if made else None), made
