"""Forecast a metric: where it goes in the coming hours, and whether it crosses a limit."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import polars as pl
from pydantic import Field

from sre_copilot.agents.tool import Arguments, ToolContext, ToolResult
from sre_copilot.agents.toolkit.base import ReadingTool
from sre_copilot.agents.toolkit.digest import Digest
from sre_copilot.agents.toolkit.looking import Look, look
from sre_copilot.agents.toolkit.measuring import fact, measured
from sre_copilot.agents.toolkit.names import nearest
from sre_copilot.agents.toolkit.series import chosen, key_of, of_key, on_grid, series_of
from sre_copilot.agents.toolkit.times import is_timeless, said
from sre_copilot.agents.toolkit.trouble import Trouble
from sre_copilot.agents.toolkit.units import amount, instance_of, unit_of
from sre_copilot.cognition.forecast.forecaster import Forecast
from sre_copilot.domain.evidence import Finding
from sre_copilot.domain.signals import Window
from sre_copilot.errors import MethodError
from sre_copilot.plugins import load_one, registered

FORECASTERS = "sre_copilot.forecasters"
FEWEST = 12  # values: of fewer an interval that 95 of 100 lie between is guesswork
PAST_S = (
    24 * 3600.0
)  # read of a live system: what one answer of a metric store holds at the step of an investigation
MOST = 12  # series that are forecast by one call
MOST_STEPS = 2000


class ForecastMetricArguments(Arguments):
    """Of which series, how far, by what."""

    service: str = Field(min_length=1, max_length=200, description="Name of the service")
    metric: str = Field(min_length=1, max_length=200, description="Name of the metric, or a part of it")
    instance: str = Field(default="", max_length=200, description="Pod or instance; empty: each")
    hours: float = Field(default=1, gt=0, le=12, description="Hours ahead")
    limit: float | None = Field(default=None, description="Limit whose crossing is looked for")
    forecaster: str = Field(default="seasonal", max_length=60, description="Name of a registered forecaster")


class ForecastMetric(ReadingTool):
    """Forecasts each series; what it rests on can be looked up, what is to come cannot."""

    name = "forecast_metric"
    Arguments = ForecastMetricArguments
    said: ClassVar = {
        "en": "Forecasts a metric for the coming hours with its 95 % interval, and when it crosses a limit.",
        "zh": "预测某指标未来数小时的走势和 95% 区间，以及何时越过限值。",
    }

    def answer(self, arguments: ForecastMetricArguments, context: ToolContext) -> ToolResult:
        """Forecast from the end of what can be read."""
        known = [plugin.name for plugin in registered(FORECASTERS)]
        if arguments.forecaster not in known:
            near = ", ".join(nearest(arguments.forecaster, known))
            raise Trouble("error", "tool.problem.forecaster", name=arguments.forecaster, near=near)
        bounds = context.scene.bounds()
        if is_timeless(bounds):
            raise Trouble("no_data", "tool.none.timeless")
        seen = look(context, Window(max(bounds.start, bounds.end - PAST_S), bounds.end), "metrics")
        table = chosen(seen, service=arguments.service, metric=arguments.metric, instance=arguments.instance)
        digest, steps = Digest(context), []
        digest.remark("tool.asked.forecast", forecaster=arguments.forecaster, hours=arguments.hours)
        for row in series_of(table).head(MOST).iter_rows(named=True):
            rows = of_key(table, key_of(row))
            forecast = _forecast(arguments, rows) if rows.height >= FEWEST else None
            if forecast is None or not np.isfinite(forecast.values).all():
                continue
            for finding in _stated(seen, arguments, row, forecast):
                digest.state(finding)
            steps.append(_rows(row, forecast))
        if not steps:
            raise Trouble(
                "no_data",
                "tool.none.forecast",
                forecaster=arguments.forecaster,
                fewest=FEWEST,
                gaps=seen.gaps,
            )
        return digest.result(seen.observation, rows=pl.concat(steps), gaps=seen.gaps)


def _forecast(arguments: ForecastMetricArguments, rows: pl.DataFrame) -> Forecast:
    values, start, step = on_grid(rows)
    horizon = min(max(1, int(arguments.hours * 3600 / step)), MOST_STEPS)
    forecaster = load_one(FORECASTERS, arguments.forecaster)
    try:
        found: Forecast = forecaster(
            values[None].astype(np.float32), start=start, step_seconds=step, horizon_steps=horizon
        )
    except ValueError as error:
        raise MethodError(f"forecaster '{arguments.forecaster}': {error}") from error
    return found


def _stated(
    seen: Look, arguments: ForecastMetricArguments, row: dict[str, str], forecast: Forecast
) -> list[Finding]:
    """What is told of a forecast, each with the checks of the values that it rests on."""
    where = {"service": row["service"], "instance": row["instance"], "metric": row["metric"]}
    levels = seen.measurer.all(measured("metrics", "value", where, seen.window), "last", "median", "count")
    if levels is None:
        return []
    last, median, count = levels
    unit = unit_of(row["metric"])
    params: dict[str, Any] = {
        "last": amount(last.value, unit),
        "median": amount(median.value, unit),
        "samples": int(count.value),
    }
    checks = tuple(each.check for each in levels)
    return [
        fact(told.kind, row["service"], "metrics", checks, window=seen.window, **params, **dict(told.params))
        for told in _told(arguments, row, forecast)
    ]


def _told(arguments: ForecastMetricArguments, row: dict[str, str], forecast: Forecast) -> list[Finding]:
    """What is said of the last step, and of the limit."""
    low, high = float(forecast.values[0, -1, 0]), float(forecast.values[0, -1, -1])
    end = forecast.start + forecast.step_seconds * (forecast.values.shape[1] - 1)
    unit = unit_of(row["metric"])
    common = {"metric": row["metric"], "who": instance_of(row["service"], row["instance"])}
    middle = float(forecast.middle[0, -1])
    told = [fact("tool.forecast", "", "metrics", (), **common, middle=amount(middle, unit), low=amount(low, unit), high=amount(high, unit), when=said(end))]  # type: ignore[arg-type]  # fmt: skip
    if arguments.limit is not None:
        told.append(_crossing(arguments.limit, forecast, common))
    return told


def _crossing(limit: float, forecast: Forecast, common: dict[str, str]) -> Finding:
    """When the middle of the forecast first is on the other side of a limit than it began."""
    middle = forecast.middle[0]
    beyond = np.flatnonzero((middle > limit) != bool(middle[0] > limit))
    if not beyond.size:
        return fact("tool.forecast.within", "", "metrics", (), **common, limit=amount(limit))  # type: ignore[arg-type]
    at = forecast.start + forecast.step_seconds * int(beyond[0])
    return fact("tool.forecast.crossing", "", "metrics", (), **common, limit=amount(limit), when=said(at))  # type: ignore[arg-type]


def _rows(row: dict[str, str], forecast: Forecast) -> pl.DataFrame:
    steps = forecast.values.shape[1]
    times = [said(forecast.start + forecast.step_seconds * i) for i in range(steps)]
    return pl.DataFrame(
        {
            "time": times,
            "service": [row["service"]] * steps,
            "metric": [row["metric"]] * steps,
            "instance": [row["instance"]] * steps,
            "low": forecast.values[0, :, 0].astype(float),
            "middle": forecast.middle[0].astype(float),
            "high": forecast.values[0, :, -1].astype(float),
        }
    )
