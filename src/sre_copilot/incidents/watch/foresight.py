"""Looking ahead: when a series will cross a limit, and what it will do in the next hours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from sre_copilot.cognition.forecast.breach import time_to_breach
from sre_copilot.cognition.forecast.deviation import deviation_now
from sre_copilot.cognition.forecast.errors import learn_errors, part_of
from sre_copilot.cognition.forecast.seasonal import forecast
from sre_copilot.cognition.forecast.thresholds import learned_capacity
from sre_copilot.domain.anomaly import Breach
from sre_copilot.domain.series import SeriesKey
from sre_copilot.incidents.watch.metrics import Learned, MetricWatch, Recent
from sre_copilot.settings.document import Prediction

PACE_S = 300  # seconds of the medians that a learned limit is the highest of
AT_ONCE = 256  # series whose day is copied at once: a few megabytes
CEILINGS = (("ratio", 1.0), ("percent", 100.0))
"""Endings of metric names that say what the series can be at most."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Quantiles of one series: `times` epoch s (steps,), `values` (steps, quantiles)."""

    quantiles: tuple[float, ...]
    times: NDArray[np.int64]
    values: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Expected:
    """A breach, and the source of its series: two may each have one of the same names."""

    source: str
    breach: Breach


class Foresight:
    """Makes forecasts every few minutes."""

    def __init__(self, settings: Prediction) -> None:
        self._settings = settings
        self._made_at = 0.0
        self._round: Iterator[tuple[str, Breach | None]] | None = None
        self._found: list[Expected] = []

    def go_on(
        self, watches: Mapping[str, MetricWatch], *, now: float, budget_seconds: float
    ) -> list[Expected] | None:
        """Look at as many series as the budget allows; when all had their turn, return what is probable enough, the soonest first.

        `watches` are those of each source, by its name.

        None: a round is under way, or the next is not due yet.
        """
        if self._round is None:
            if now - self._made_at < self._settings.every_seconds:
                return None
            self._made_at, self._found, self._round = now, [], self._all(watches)
        began = monotonic()
        for source, breach in self._round:
            if breach is not None:
                self._found.append(Expected(source, breach))
            if monotonic() - began > budget_seconds:
                return None
        self._round = None
        return sorted(self._found, key=lambda each: each.breach.at)

    def _all(self, watches: Mapping[str, MetricWatch]) -> Iterator[tuple[str, Breach | None]]:
        for source, watch in watches.items():
            for breach in self._of(watch):
                yield source, breach

    def forecast(self, watch: MetricWatch, key: SeriesKey, *, hours: float) -> Forecast | None:
        """The next hours of one series."""
        learned = watch.learned
        if learned is None or watch.committed is None:
            return None
        row = watch.row(key)
        if row is None:
            return None
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

    def _of(self, watch: MetricWatch) -> Iterator[Breach | None]:
        """One by one the series of a source that are worth the look: the breach, or None."""
        learned = watch.learned
        if learned is None:
            return
        limits = _limits(learned, self._settings.limits)
        rows = _candidates(watch.recent, limits)
        for start in range(0, len(rows), AT_ONCE):
            if watch.learned is not learned:  # other series stand at these places now
                yield from self._of(watch)
                return
            part, end = rows[start : start + AT_ONCE], (watch.committed or 0) + watch.step_seconds
            for row, values in zip(part.tolist(), watch.recent.values(part), strict=True):
                yield time_to_breach(
                    values,
                    part_of(learned.profile, slice(row, row + 1)),
                    float(limits[row]),
                    key=learned.keys[row],
                    end=end,
                    step_seconds=watch.step_seconds,
                    horizon_hours=self._settings.horizon_hours,
                    least_probability=self._settings.minimum_probability,
                )


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


def _limits(learned: Learned, given: Mapping[str, float]) -> NDArray[np.float32]:
    """The limit of each series: the one that is configured for its metric, else what it has learned."""
    if not given:
        return learned.limits
    limits = learned.limits.copy()
    for row, key in enumerate(learned.keys):
        limits[row] = given.get(key.metric, limits[row])
    return limits


def _candidates(recent: Recent, limits: NDArray[np.float32]) -> NDArray[np.intp]:
    """Series that are worth the look: now in the upper half of the way from their lowest to their limit.

    All others would have to rise in six hours by more than they have in a day.
    """
    with np.errstate(invalid="ignore"):
        low, last = recent.lowest(), recent.latest()
        near = last - low >= 0.5 * (limits - low)
    return np.flatnonzero(near & np.isfinite(limits) & (last < limits))
