from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from sre_copilot.cli.main import app
from sre_copilot.errors import UsageError
from sre_copilot.eval.anomalies.datasets import NAB_GROUPS, present, read_series, series_names
from sre_copilot.eval.anomalies.grid import to_grid
from sre_copilot.eval.anomalies.run import Options, evaluate

FIVE_MINUTES = timedelta(minutes=5)


def labelled(name: str, *, seed: int = 0, points: int = 900, labels: bool = True) -> pl.DataFrame:
    """A flat noisy series whose points 600 to 606 are far off."""
    values = 10 + np.random.default_rng(seed).normal(size=points)
    flags = np.zeros(points, dtype=np.int8)
    if labels:
        values[600:607] += 30
        flags[600:607] = 1
    start = datetime(2026, 1, 1, tzinfo=UTC)
    times = [start + FIVE_MINUTES * index for index in range(points)]
    return pl.DataFrame({"series": name, "timestamp": times, "value": values, "label": flags})


def services() -> pl.DataFrame:
    random = np.random.default_rng(0)
    length = 7 * 288
    wave = np.sin(2 * np.pi * np.arange(length) / 288)
    rows = pl.DataFrame({f"m{n:02}": (5 * (n + 1) * wave + random.normal(size=length)) for n in range(4)})
    label = np.zeros(length, dtype=np.int8)
    label[-100:-70] = 1
    part = np.where(np.arange(length) < 6 * 288, "train", "test")
    broken = rows.with_columns(pl.when(pl.Series(label) > 0).then(pl.all() + 12).otherwise(pl.all()))
    return broken.with_columns(service=pl.lit("one"), part=pl.Series(part), label=pl.Series(label))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("series")
    named = [f"{NAB_GROUPS[0]}/a", f"{NAB_GROUPS[1]}/b", "madeByHand/c"]
    nab = [labelled(name, seed=seed) for seed, name in enumerate(named)]
    pl.concat([*nab, labelled(f"{NAB_GROUPS[0]}/quiet", labels=False)]).write_parquet(place / "nab.parquet")
    labelled("one").with_columns(pl.col("timestamp").dt.replace_time_zone(None)).write_parquet(
        place / "donut.parquet"
    )
    services().write_parquet(place / "jumpstarter_d2.parquet")
    return place


def test_sets_that_are_there_are_measured_by_every_detector(folder: Path) -> None:
    told: list[int] = []
    options = Options(detectors=("three_sigma", "mad"), jobs=1)
    found = evaluate(folder, options, progress=lambda done, total, name: told.append(done)).as_dict()
    assert found["n"] == {"nab": 2, "msft": 0, "donut": 1, "jumpstarter": 1}
    assert found["detector"]["nab"] == "three_sigma"
    assert found["vus_pr"]["msft"] is None
    assert found["vus_pr"]["donut"] > 0.5
    assert found["vus_pr"]["jumpstarter"] > 0.5
    assert found["event_f1"]["nab"] == 1
    assert found["base_rate"]["donut"] == pytest.approx(7 / 900)
    assert set(found["detectors"]) == {"three_sigma", "mad", "isolation_forest"}
    assert {row["detector"] for row in found["series"]} == {"three_sigma", "mad", "isolation_forest"}
    assert told == list(range(1, 8))
    json.dumps(found, allow_nan=False)


def test_of_nab_only_labelled_series_of_the_wanted_groups_are_read(folder: Path) -> None:
    assert series_names(folder, "nab") == (f"{NAB_GROUPS[0]}/a", f"{NAB_GROUPS[1]}/b")
    assert series_names(folder, "nab", groups=("madeByHand",)) == ("madeByHand/c",)
    with pytest.raises(UsageError, match="--nab-group"):
        series_names(folder, "nab", groups=("none",))


def test_the_command_prints_the_sets_and_writes_the_figures(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    arguments = [
        "eval",
        "anomalies",
        str(folder),
        "--detector",
        "mad",
        "--jobs",
        "1",
        "--json",
        str(file),
        "--series",
    ]
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    assert "jumpstarter" in result.output
    assert json.loads(file.read_text())["detectors"]["mad"]["vus_pr"]["donut"] > 0.5


def test_a_folder_without_series_and_an_unknown_detector_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nab\.parquet"):
        present(tmp_path)
    with pytest.raises(UsageError, match="--detector 'oracle'"):
        evaluate(folder, Options(detectors=("oracle",)))


def test_a_file_that_is_no_parquet_or_lacks_a_column_is_named(tmp_path: Path) -> None:
    (tmp_path / "donut.parquet").write_text("no parquet")
    with pytest.raises(UsageError, match=r"donut\.parquet"):
        series_names(tmp_path, "donut")
    labelled("x").drop("label").write_parquet(tmp_path / "donut.parquet")
    with pytest.raises(UsageError, match="no column label"):
        read_series(tmp_path, "donut", "x")


def test_rows_come_back_from_the_grid_where_they_were() -> None:
    times = np.array([0, 60, 60, 120, 300])
    grid = to_grid(times, np.array([1, 2, 3, 4, 5.0]))
    assert grid.step_seconds == 60
    np.testing.assert_array_equal(grid.values, [1, 3, 4, np.nan, np.nan, 5])
    np.testing.assert_array_equal(grid.cells, [0, 1, 1, 2, 5])


def test_a_clock_that_jumped_by_years_makes_no_grid_of_years() -> None:
    times = np.array([0, 60, 120, 10**9])
    assert len(to_grid(times, np.arange(4.0)).values) == 4
