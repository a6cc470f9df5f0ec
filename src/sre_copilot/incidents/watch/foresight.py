"""Looking ahead: when a series will cross a limit, and what it will do in the next hours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sre_copilot.cognition.forecast.breach import time_to_breach
from sre_copilot.cognition.forecast.deviation import deviation_now
from sre_copilot.cognition.forecast.errors import learn_errors, part_of
from sre_copilot.cognition.forecast.seasonal import forecast
from sre_copilot.cognition.forecast.thresholds import learned_capacity
from sre_copilot.domain.anomaly import Breach
from sre_copilot.domain.series import SeriesKey
from sre_copilot.incidents.watch.metrics import Learned, MetricWatch
from sre_copilot.settings.document import Prediction

PACE_S = 300  # seconds of the medians that a learned limit is the highest of
CEILINGS = (("ratio", 1.0), ("percent", 100.0))
"""Endings of metric names that say what the series can be at most."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Quantiles of one series: `times` epoch s (steps,), `values` (steps, quantiles)."""

    quantiles: tuple[float, ...]
    times: NDArray[np.int64]
    values: NDArray[np.float32]


class Foresight:
    """Makes forecasts every few minutes."""

    def __init__(self, settings: Prediction) -> None:
        self._settings = settings
        self._made_at = 0.0

    def due(self, now: float) -> bool:
        """Whether it is time again."""
        return now - self._made_at >= self._settings.every_seconds

    def breaches(self, watches: Sequence[MetricWatch], *, now: float) -> list[Breach]:
        """All breaches that are probable enough, the soonest first."""
        self._made_at = now
        found = [breach for watch in watches if watch.learned for breach in self._of(watch, watch.learned)]
        return sorted(found, key=lambda breach: breach.at)

    def forecast(self, watch: MetricWatch, key: SeriesKey, *, hours: float) -> Forecast | None:
        """The next hours of one series."""
        learned = watch.learned
        if learned is None or watch.committed is None:
            return None
        row = learned.keys.index(key)
        profile = part_of(learned.profile, slice(row, row + 1))
        values = watch.recent.values(slice(row, row + 1))
        start = watch.committed + watch.step_seconds - values.shape[1] * watch.step_seconds
        errors = learn_errors(profile, values, start=start)
        now = deviation_now(profile, values, start=start, usual_hour=errors.usual_hour)
        steps = round(hours * 3600 / watch.step_seconds)
        found = forecast(
            profile, now, errors, start=watch.committed + watch.step_seconds, horizon_steps=steps
        )
        times = found.start + found.step_seconds * np.arange(steps, dtype=np.int64)
        return Forecast(found.quantiles, times, found.values[0])

    def _of(self, watch: MetricWatch, learned: Learned) -> Iterator[Breach]:
        if watch.committed is None:
            return
        values = watch.recent.values(slice(None))
        end = watch.committed + watch.step_seconds
        for row in _candidates(values, learned.limits):
            key = learned.keys[row]
            given = self._settings.limits.get(key.metric)
            breach = time_to_breach(
                values[row],
                learned.profile,
                float(learned.limits[row]) if given is None else given,
                key=key,
                end=end,
                step_seconds=watch.step_seconds,
                column=row,
                horizon_hours=self._settings.horizon_hours,
                least_probability=self._settings.minimum_probability,
            )
            if breach is not None:
                yield breach


def learned_limits(
    keys: Sequence[SeriesKey], values: NDArray[np.float32], *, step_seconds: int
) -> NDArray[np.float32]:
    """The level that would be new to each series, shape (n,), NaN where too little is known."""
    width = max(1, PACE_S // step_seconds)
    limits = np.full(len(keys), np.nan, np.float32)
    for row, key in enumerate(keys):
        kept = values[row, values.shape[1] % width :].reshape(-1, width)
        with np.errstate(invalid="ignore"):
            blocks = np.median(kept, axis=1)
        known = blocks[np.isfinite(blocks)].astype(np.float64)
        if known.size:
            limits[row] = learned_capacity(known, ceiling=ceiling(key.metric))
    return limits


def ceiling(metric: str) -> float | None:
    """What a metric can be at most, as far as its name says."""
    return next((most for ending, most in CEILINGS if metric.endswith(ending)), None)


def _candidates(values: NDArray[np.float32], limits: NDArray[np.float32]) -> list[int]:
    """Series that are worth the look: now in the upper half of the way from their lowest to their limit, and not falling.

    All others would have to rise in six hours by more than they have in a day.
    """
    with np.errstate(invalid="ignore"):
        low, last = np.nanmin(values, axis=1), values[:, -1]
        near = last - low >= 0.5 * (limits - low)
    return [int(row) for row in np.flatnonzero(near & np.isfinite(limits))]
