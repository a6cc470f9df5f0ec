"""The evaluation of forecasts and breaches, on series made here."""

from __future__ import annotations

import dataclasses
import datetime
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from sre_copilot.cli.main import app
from sre_copilot.cognition.forecast.seasonal import forecast_values
from sre_copilot.errors import UsageError
from sre_copilot.eval.forecast.breaches import breach_cases, evaluate_breaches, out_of_fold
from sre_copilot.eval.forecast.run import evaluate_forecasts, origins
from sre_copilot.eval.forecast.series import container_series, labelled_series

START = datetime.datetime(2026, 1, 5, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hourly series of ten days, and containers that leak or do not."""
    path, rng = tmp_path_factory.mktemp("series"), np.random.default_rng(0)
    times = [START + datetime.timedelta(hours=hour) for hour in range(240)]
    wave = 10 + 3 * np.sin(2 * np.pi * np.arange(240) / 24)
    table = [
        pl.DataFrame({"series": name, "timestamp": times, "value": wave + rng.normal(0, 0.5, 240)})
        for name in ("one", "two")
    ]
    pl.concat(table).write_parquet(path / "msft.parquet")
    minutes = 1_700_000_000 + 60 * np.arange(16 * 60)
    rows = []
    for number in range(20):
        rise = 0.04 * (number % 2)
        values = 0.35 + rise * np.arange(minutes.size) / 60 + rng.normal(0, 0.004, minutes.size)
        rows.append(
            pl.DataFrame(
                {
                    "container_ip": f"c{number}",
                    "timestamp_anon": minutes.astype(float),
                    "value": np.minimum(values, 1),
                }
            )
        )
    pl.concat(rows).write_parquet(path / "alibaba_gentd26_pod_memory.parquet")
    return path


def test_series_are_read_on_a_regular_grid(folder: Path) -> None:
    series = list(labelled_series(folder))
    assert [(each.step_seconds, each.values.size) for each in series] == [(3600, 240)] * 2
    assert all(each.step_seconds == 60 for each in container_series(folder))


def test_a_gap_is_missing_and_a_doubled_point_is_a_mean(tmp_path: Path) -> None:
    times = [0.0, 60.0, 61.0, 240.0]
    pl.DataFrame({"container_ip": "c", "timestamp_anon": times, "value": [1.0, 2.0, 4.0, 5.0]}).write_parquet(
        tmp_path / "alibaba_gentd26_pod_memory.parquet"
    )
    (series,) = container_series(tmp_path)
    np.testing.assert_array_equal(series.values, [1, 3, np.nan, np.nan, 5])


def test_an_origin_holds_nothing_of_what_comes(folder: Path) -> None:
    for origin in origins(folder, horizon_hours=6, each=3):
        step = origin.series.step_seconds
        at = (origin.start - origin.series.start) // step + origin.past.size
        np.testing.assert_array_equal(origin.series.values[at : at + origin.coming.size], origin.coming)


def test_forecasts_are_scored_and_warm_up_apart(folder: Path) -> None:
    figures = evaluate_forecasts(
        folder, forecast_values, peers={"self": forecast_values}, horizon_hours=6, each=12
    )
    assert figures["origins"] == 24
    assert figures["mase"] < 1
    assert figures["coverage95"] > 0.7
    assert figures["warm_up"]["series"] == 20
    assert figures["peers"]["self"]["mase"] == figures["mase"]


def test_a_folder_without_series_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no series"):
        origins(tmp_path, horizon_hours=6, each=2)
    with pytest.raises(UsageError, match="crossings"):
        breach_cases(tmp_path, horizon_hours=6)


def test_leaks_are_told_from_quiet_containers_by_a_fit_that_did_not_see_them(folder: Path) -> None:
    figures = evaluate_breaches(folder)
    assert figures["chance"] < 0.5
    assert figures["average_precision"] > 0.9
    assert figures["containers_that_crossed"] == 10


def test_labels_drawn_anew_are_not_learned(folder: Path) -> None:
    rng = np.random.default_rng(0)
    cases = breach_cases(folder, horizon_hours=6)
    drawn = [dataclasses.replace(case, crossed=bool(rng.random() < 0.3)) for case in cases]
    told = out_of_fold(drawn)
    crossed = np.array([case.crossed for case in drawn])
    assert abs(told[crossed].mean() - told[~crossed].mean()) < 0.05


def test_both_commands_write_their_figures(folder: Path, tmp_path: Path) -> None:
    for command in ("forecast", "breach"):
        file = tmp_path / f"{command}.json"
        result = CliRunner().invoke(app, ["eval", command, str(folder), "--json", str(file)])
        assert result.exit_code == 0, result.output
        figures = json.loads(file.read_text())[command]
        wanted = {
            "forecast": ("mase", "coverage95"),
            "breach": ("average_precision", "peer_predict_linear", "chance", "n"),
        }
        assert all(isinstance(figures[key], int | float) for key in wanted[command])


def test_an_unknown_forecaster_names_those_there_are(folder: Path) -> None:
    result = CliRunner().invoke(app, ["eval", "forecast", str(folder), "--method", "oracle"])
    assert result.exit_code != 0
    assert "seasonal" in f"{result.output} {result.exception}"
