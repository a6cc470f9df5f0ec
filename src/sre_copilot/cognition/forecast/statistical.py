"""Classical forecasters by statsforecast: seasonal naive, ETS, ARIMA and MSTL, one series after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import ndtri  # type: ignore[import-untyped]

from sre_copilot.cognition.baselines.profile import DAY_SECONDS, Floats
from sre_copilot.cognition.forecast.forecaster import QUANTILES, Forecast, checked
from sre_copilot.errors import MethodError

LONGEST_SEASON = 48  # points: ETS and ARIMA with longer seasons take minutes a series; the past is then thinned to half hours


def seasonal_naive(
    values: Floats,
    *,
    start: int,
    step_seconds: int,
    horizon_steps: int,
    quantiles: tuple[float, ...] = QUANTILES,
) -> Forecast:
    """Forecast what was there at the same time of the last day; the last value where the past is shorter than two days."""
    from statsforecast.models import Naive, SeasonalNaive  # noqa: PLC0415 - takes two seconds

    def model(season: int, length: int) -> Any:
        return SeasonalNaive(season_length=season) if length >= 2 * season and season > 1 else Naive()

    return _run("seasonal_naive", model, values, start, step_seconds, horizon_steps, quantiles)


def ets(
    values: Floats,
    *,
    start: int,
    step_seconds: int,
    horizon_steps: int,
    quantiles: tuple[float, ...] = QUANTILES,
) -> Forecast:
    """Forecast by exponential smoothing whose form is chosen by AICc; half hours where a day has more points."""
    from statsforecast.models import AutoETS  # noqa: PLC0415

    def model(season: int, length: int) -> Any:
        return AutoETS(season_length=season if length >= 2 * season else 1)

    return _thinned("ets", model, values, start, step_seconds, horizon_steps, quantiles)


def arima(
    values: Floats,
    *,
    start: int,
    step_seconds: int,
    horizon_steps: int,
    quantiles: tuple[float, ...] = QUANTILES,
) -> Forecast:
    """Forecast by ARIMA whose order is chosen by AICc, on what a seasonal-trend decomposition leaves; half hours as for `ets`."""
    from statsforecast.models import MSTL, AutoARIMA  # noqa: PLC0415

    def model(season: int, length: int) -> Any:
        trend = AutoARIMA(seasonal=False)
        return (
            MSTL(season_length=season, trend_forecaster=trend)
            if length >= 2 * season and season > 1
            else trend
        )

    return _thinned("arima", model, values, start, step_seconds, horizon_steps, quantiles)


def mstl(
    values: Floats,
    *,
    start: int,
    step_seconds: int,
    horizon_steps: int,
    quantiles: tuple[float, ...] = QUANTILES,
) -> Forecast:
    """Forecast by seasonal-trend decomposition with loess, the trend by ETS: good, and slow (seconds a series)."""
    from statsforecast.models import MSTL, AutoETS  # noqa: PLC0415

    def model(season: int, length: int) -> Any:
        trend = AutoETS(model="ZZN")
        return (
            MSTL(season_length=season, trend_forecaster=trend)
            if length >= 2 * season and season > 1
            else trend
        )

    return _run("mstl", model, values, start, step_seconds, horizon_steps, quantiles)


Model = Callable[[int, int], Any]


def _thinned(  # noqa: PLR0917
    name: str, model: Model, values: Floats, start: int, step: int, horizon: int, quantiles: tuple[float, ...]
) -> Forecast:
    """Forecast means of several steps, and read the steps between them off the line."""
    width = max(1, DAY_SECONDS // step // LONGEST_SEASON)
    if width == 1:
        return _run(name, model, values, start, step, horizon, quantiles)
    checked(values, step_seconds=step, horizon_steps=horizon, quantiles=quantiles)
    late = values[:, values.shape[1] % width :].reshape(values.shape[0], -1, width)
    known = np.isfinite(late).sum(axis=2)
    coarse = np.where(known > 0, np.nansum(late, axis=2) / np.maximum(known, 1), np.nan).astype(np.float32)
    begin = start + values.shape[1] % width * step
    made = _run(name, model, coarse, begin, step * width, -(-horizon // width), quantiles)
    middle = (np.arange(made.values.shape[1]) + 0.5) * width - 0.5
    path = np.array([[np.interp(np.arange(horizon), middle, each) for each in one.T] for one in made.values])
    inside = np.nanstd(late - coarse[:, :, None], axis=(1, 2))
    path = _widened(path.transpose(0, 2, 1), made.middle_index, inside, quantiles)
    return Forecast(start + step * values.shape[1], step, quantiles, path.astype(np.float32))


def _widened(path: np.ndarray, middle: int, inside: np.ndarray, quantiles: tuple[float, ...]) -> np.ndarray:
    """Add to the width of means how far single steps lie around them: the two vary independently."""
    apart = path - path[:, :, middle : middle + 1]
    more = inside[:, None, None] * ndtri(np.array(quantiles))
    wide: np.ndarray = path[:, :, middle : middle + 1] + np.sign(more) * np.sqrt(apart**2 + more**2)
    return wide


def _run(  # noqa: PLR0917
    name: str, model: Model, values: Floats, start: int, step: int, horizon: int, quantiles: tuple[float, ...]
) -> Forecast:
    checked(values, step_seconds=step, horizon_steps=horizon, quantiles=quantiles)
    result = np.full((values.shape[0], horizon, len(quantiles)), np.nan, np.float32)
    for one, row in enumerate(values):
        filled = _filled(row)
        if filled is not None:
            try:
                result[one] = _one(
                    model(max(1, DAY_SECONDS // step), filled.size), filled, horizon, quantiles
                )
            except (ValueError, ZeroDivisionError, IndexError, np.linalg.LinAlgError) as error:
                raise MethodError(f"{name} failed on series {one} of {values.shape[0]}: {error}") from error
    return Forecast(start + step * values.shape[1], step, quantiles, result)


def _filled(row: Floats) -> np.ndarray | None:
    """Return the known stretch without gaps, these models know none; None without any value, a constant for a single one."""
    known = np.flatnonzero(np.isfinite(row))
    if known.size == 0:
        return None
    inside = np.arange(known[0], row.size)
    return np.interp(inside, known, row[known].astype(np.float64))


def _one(model: Any, filled: np.ndarray, horizon: int, quantiles: tuple[float, ...]) -> np.ndarray:
    """Quantiles of one series; a constant stays constant."""
    if filled.size < 4 or np.ptp(filled) == 0:
        return np.full((horizon, len(quantiles)), filled[-1], np.float32)
    widths = sorted({round(abs(2 * each - 1) * 100, 4) for each in quantiles} - {0.0})
    made = model.forecast(filled, horizon, level=widths or None)
    columns = []
    for each in quantiles:
        width = round(abs(2 * each - 1) * 100, 4)
        side = made["mean"] if width == 0 else made[_key(made, "lo" if each < 0.5 else "hi", width)]
        columns.append(np.asarray(side))
    return np.sort(np.stack(columns, axis=1), axis=1).astype(np.float32)


def _key(made: dict[str, Any], side: str, width: float) -> str:
    return next(key for key in made if key.startswith(f"{side}-") and abs(float(key[3:]) - width) < 1e-6)
