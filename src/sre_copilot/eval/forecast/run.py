"""How good forecasts are: rolling origins over recorded series, each forecast from the days before it alone.

References
----------
Hyndman and Koehler, Another look at measures of forecast accuracy, 2006, section 3 (the mean absolute scaled error, MASE).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sre_copilot.cognition.forecast.forecaster import Forecaster
from sre_copilot.errors import MethodError, UsageError
from sre_copilot.eval.forecast.series import Recorded, container_series, labelled_series

DAY_SECONDS = 86_400
PAST_DAYS = 7  # the default of learning
LEAST_KNOWN = 0.8  # share of the past and of what came that must have been recorded
SHORT_PAST_SECONDS = 10 * 3_600  # of series that are shorter than eight days: a forecast in warm-up


@dataclass(frozen=True, slots=True)
class Origin:
    """One time at which a series is forecast; `past` and `coming` are consecutive; `unit` is the error of a naive forecast of the past."""

    series: Recorded
    start: int
    past: np.ndarray
    coming: np.ndarray
    unit: float

    @property
    def learned(self) -> bool:
        """Whether the past is long enough to learn a profile from."""
        return self.past.size * self.series.step_seconds >= PAST_DAYS * DAY_SECONDS


@dataclass(frozen=True, slots=True)
class Score:
    """Of one origin: scaled error of the middle, share inside the 95 % interval, seconds that it took."""

    origin: Origin
    mase: float
    coverage: float
    seconds: float


def origins(folder: Path, *, horizon_hours: float, each: int) -> list[Origin]:
    """Return the origins of every series, evenly spread over what follows its first seven days (ten hours, of short ones)."""
    found: list[Origin] = []
    for series in [*labelled_series(folder), *container_series(folder)]:
        horizon = round(horizon_hours * 3_600 / series.step_seconds)
        width = PAST_DAYS * DAY_SECONDS // series.step_seconds
        if series.values.size < width + horizon:
            width = SHORT_PAST_SECONDS // series.step_seconds
        if series.values.size >= width + horizon:
            for at in np.unique(np.linspace(width, series.values.size - horizon, each).astype(int)):
                found += _origin(series, at, width, horizon)
    if not found:
        raise UsageError(
            f"{folder} holds no series long enough to forecast (collections with ten hours and more are needed)"
        )
    return found


def _origin(series: Recorded, at: int, width: int, horizon: int) -> Iterable[Origin]:
    past, coming = series.values[at - width : at], series.values[at : at + horizon]
    day = DAY_SECONDS // series.step_seconds
    lag = day if width > day else 1
    unit = float(np.nanmean(np.abs(past[lag:] - past[:-lag]))) if np.isfinite(past).sum() > lag else 0.0
    if min(np.isfinite(past).mean(), np.isfinite(coming).mean()) >= LEAST_KNOWN and unit > 0:
        yield Origin(series, series.start + (at - width) * series.step_seconds, past, coming, unit)


def judge(
    forecaster: Forecaster,
    wanted: list[Origin],
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Score]:
    """Forecast each origin; one at which the method fails is scored as infinitely wrong, never left out."""
    scores = []
    for done, origin in enumerate(wanted):
        begun = time.perf_counter()
        try:
            made = forecaster(
                origin.past[None],
                start=origin.start,
                step_seconds=origin.series.step_seconds,
                horizon_steps=origin.coming.size,
            ).values[0]
        except MethodError:
            made = np.full((origin.coming.size, 3), np.nan, np.float32)
        scores.append(_score(origin, made, time.perf_counter() - begun))
        progress(done + 1, len(wanted))
    return scores


def _score(origin: Origin, made: np.ndarray, seconds: float) -> Score:
    known = np.isfinite(origin.coming)
    coming, low, middle, high = origin.coming[known], *(made[known, each] for each in range(3))
    error = float(np.mean(np.abs(coming - middle))) / origin.unit
    inside = (coming >= low) & (coming <= high)
    return Score(origin, error if np.isfinite(error) else float("inf"), float(inside.mean()), seconds)


def summary(scores: list[Score]) -> dict[str, float]:
    """Return the mean of the origins' scores."""
    return {
        "mase": float(np.mean([score.mase for score in scores])),
        "mase_median": float(np.median([score.mase for score in scores])),
        "coverage95": float(np.mean([score.coverage for score in scores])),
        "seconds_per_series": float(np.mean([score.seconds for score in scores])),
        "origins": len(scores),
        "series": len({(score.origin.series.collection, score.origin.series.name) for score in scores}),
    }


def groups(scores: list[Score]) -> dict[str, dict[str, float]]:
    """Return the summary by collection and step."""
    names = sorted({(score.origin.series.collection, score.origin.series.step_seconds) for score in scores})
    return {
        f"{collection}_{step}s": summary(
            [
                s
                for s in scores
                if (s.origin.series.collection, s.origin.series.step_seconds) == (collection, step)
            ]
        )
        for collection, step in names
    }


def evaluate_forecasts(
    folder: Path,
    forecaster: Forecaster,
    *,
    peers: Mapping[str, Forecaster],
    horizon_hours: float,
    each: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Return the figures of `sre-copilot eval forecast`: of series with a past of seven days, and those in warm-up apart."""
    wanted = origins(folder, horizon_hours=horizon_hours, each=each)
    learned = [origin for origin in wanted if origin.learned]
    young = [origin for origin in wanted if not origin.learned]
    figures: dict[str, Any] = {"horizon_hours": horizon_hours}
    if learned:
        scores = judge(forecaster, learned, progress=progress)
        figures |= {**summary(scores), "groups": groups(scores)}
    if young:
        figures["warm_up"] = summary(judge(forecaster, young, progress=progress))
    if not learned:
        figures |= {**figures["warm_up"], "groups": {}}
    figures["peers"] = {
        name: summary(judge(peer, learned or young, progress=progress)) for name, peer in peers.items()
    }
    return figures
