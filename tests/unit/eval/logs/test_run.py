"""The evaluation of log templates as a whole."""

from __future__ import annotations

import json
import os
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from sre_copilot.cli.main import app
from sre_copilot.errors import UsageError
from sre_copilot.eval.logs.run import evaluate


def labelled(folder: Path) -> None:
    rows = [("shop", f"cart {n} opened by host{n}", "cart <*> opened by <*>") for n in range(20)]
    rows += [("shop", "till closed", "till closed"), ("bank", "用户 7 登录成功", "用户 <*> 登录成功")]
    pl.DataFrame(rows, schema=["system", "content", "template"], orient="row").write_parquet(
        folder / "loghub2k.parquet"
    )


def test_the_command_writes_the_figures_of_each_system_and_their_mean(tmp_path: Path) -> None:
    labelled(tmp_path)
    done = CliRunner().invoke(app, ["eval", "logs", str(tmp_path), "--json", str(tmp_path / "out.json")])
    assert done.exit_code == 0
    logs = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["logs"]
    assert (logs["ga"], logs["fga"], logs["fta"], logs["fta_as_written"]) == (1.0, 1.0, 1.0, 1.0)
    assert logs["lines_per_s"] > 0
    assert set(logs["systems"]) == {"bank", "shop"}
    assert logs["systems"]["shop"]["lines"] == 21


def test_a_folder_without_labelled_lines_is_refused_with_the_name_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"loghub2k\.parquet"):
        evaluate(tmp_path)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    pl.DataFrame({"system": ["a"], "content": ["b"]}).write_parquet(tmp_path / "loghub2k.parquet")
    with pytest.raises(UsageError, match="template"):
        evaluate(tmp_path)


@pytest.mark.data
@pytest.mark.skipif("SRE_COPILOT_DATA" not in os.environ, reason="SRE_COPILOT_DATA names no collection")
def test_accuracy_on_the_collection_is_what_is_promised() -> None:
    logs = evaluate(Path(os.environ["SRE_COPILOT_DATA"])).as_dict()["logs"]
    assert logs["ga"] >= 0.93
    assert logs["fga"] >= 0.88
    assert logs["fta"] >= 0.55
