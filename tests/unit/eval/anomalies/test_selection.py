from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from sre_copilot.cli.main import app
from sre_copilot.errors import UsageError
from sre_copilot.eval.anomalies.selection import Task, select, select_one


def file_of(place: Path, values: np.ndarray, **columns: object) -> Path:
    file = place / "metric.csv"
    times = 1_767_225_600 + 300 * np.arange(len(values))
    pl.DataFrame({"timestamp": times, "value": values, **columns}).write_csv(file)
    return file


def test_the_command_names_the_best_detector_of_a_metric(tmp_path: Path) -> None:
    values = 10 + np.random.default_rng(0).normal(size=800)
    file, out = file_of(tmp_path, values), tmp_path / "out.json"
    arguments = ["eval", "detectors", str(file), "--detector", "cusum", "--detector", "mad", "--jobs", "1"]
    result = CliRunner().invoke(app, [*arguments, "--json", str(out)])
    assert result.exit_code == 0, result.output
    found = json.loads(out.read_text())["metric"]
    assert found["best"] == "mad"
    assert found["precision"]["mad"] > found["precision"]["cusum"]
    assert len(found["folds"]["mad"]) == 4


def test_a_past_that_is_too_short_is_said(tmp_path: Path) -> None:
    found = select_one(Task(file_of(tmp_path, np.arange(20.0)), "metric", ("mad",), use_labels=False))
    assert "too few" in found.error


def test_columns_and_names_that_are_not_there_are_refused(tmp_path: Path) -> None:
    file = file_of(tmp_path, np.arange(20.0))
    with pytest.raises(UsageError, match="no column label"):
        select(file, use_labels=True)
    with pytest.raises(UsageError, match="--series 'other'"):
        select(file, series=("other",))
    bare = tmp_path / "bare.csv"
    bare.write_text("value\n1\n")
    with pytest.raises(UsageError, match="no column timestamp"):
        select(bare)
