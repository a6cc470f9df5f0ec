from __future__ import annotations

import os
import shutil
from pathlib import Path

import polars as pl
import pytest

from sre_copilot.errors import BadCaseError
from sre_copilot.perception.case_format.case_check import check_case, check_cases
from sre_copilot.testing.cases import FAULTS, Case, build_case


@pytest.fixture(scope="module")
def case() -> Case:
    return build_case("cpu", requests_per_second=0.1)


def places(folder: Path) -> set[tuple[str, int | None, str]]:
    return {(each.file, each.row, each.field) for each in check_case(folder).problems}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_whole_case_has_no_problem_and_no_remark(tmp_path: Path, fault: str) -> None:
    found = check_case(build_case(fault, requests_per_second=0.1).write(tmp_path))  # type: ignore[arg-type]
    assert (found.ok, found.problems, found.remarks) == (True, (), ())


def test_everything_that_is_wrong_is_named_at_once(case: Case, tmp_path: Path) -> None:
    metrics = case.tables["metrics"].drop("metric").with_columns(value=pl.lit("high"))
    folder = case.with_table("metrics", metrics).with_facts(window=[2, 1], id=7).write(tmp_path)
    (folder / "logs.parquet").write_bytes((folder / "logs.parquet").read_bytes()[:-40])
    (folder / "changes.json").write_text('[{"ts": "noon", "service": "a", "kind": "b", "text": "c"}]')
    assert places(folder) == {
        ("case.json", None, "id"),
        ("case.json", None, "window"),
        ("changes.json", 0, "[0].ts"),
        ("metrics.parquet", None, "metric"),
        ("metrics.parquet", 0, "value"),
        ("logs.parquet", None, ""),
    }


def test_every_problem_has_a_way_out(case: Case, tmp_path: Path) -> None:
    folder = case.with_facts(baseline="../x", t_inject="now").write(tmp_path)
    (folder / "traces.parquet").write_bytes(b"")
    (folder / "alerts.json").write_text("{")
    (folder / "topology.json").write_text("null")
    problems = check_case(folder).problems
    assert len(problems) == 5
    assert all(problem.remedy for problem in problems)
    (folder / "case.json").unlink()
    problems = check_case(folder).problems
    assert problems[0].file == "case.json"
    assert len(problems) == 4
    assert all(problem.remedy for problem in problems)


def test_the_row_of_an_oddity_is_the_row_in_the_file(case: Case, tmp_path: Path) -> None:
    traces = case.tables["traces"].with_row_index("at")
    spoilt = pl.when(pl.col("at") == 17).then(-1).otherwise(pl.col("duration_us")).alias("duration_us")
    folder = case.with_table("traces", traces.with_columns(spoilt).drop("at")).write(tmp_path)
    (negative, *_) = check_case(folder).remarks
    assert (negative.key, negative.row, negative.field) == ("gap.reader.negative_duration", 17, "duration_us")


def test_oddities_that_cost_nothing_are_notes(case: Case, tmp_path: Path) -> None:
    odd = case.with_document("topology", {"edges": [["a", "b"], ["b", "c"], ["c", "a"]]})
    odd = odd.with_facts(modalities=["metrics", "profiles"], t_inject=5).with_table(
        "metrics", case.tables["metrics"].with_columns(pl.lit("x").alias("colour"))
    )
    folder = odd.write(tmp_path)
    (folder / "metrics.csv").write_text("ts,value\n")
    (folder / "notes.txt").write_text("")
    found = check_case(folder)
    assert found.ok
    assert {each.key.removeprefix("note.reader.") for each in found.remarks} == {
        "columns_unread", "onset_outside", "unknown_modality", "cycle", "entities_unseen", "file_to_convert",
        "file_unread",
    }  # fmt: skip
    (cycle,) = [each for each in found.remarks if each.key.endswith("cycle")]
    assert set(str(dict(cycle.params)["path"]).split(" → ")) == {"a", "b", "c"}


def test_what_is_wrong_with_the_baseline_is_wrong_with_the_case(case: Case, tmp_path: Path) -> None:
    folder = case.write(tmp_path)
    table = case.baseline["traces"].drop("span_id")
    table.write_parquet(tmp_path / "baselines/quiet-day/traces.parquet")
    assert places(folder) == {("baselines/quiet-day/traces.parquet", None, "span_id")}
    (tmp_path / "baselines/quiet-day/alerts.json").write_text("[]")
    case.baseline["traces"].write_parquet(tmp_path / "baselines/quiet-day/traces.parquet")
    assert places(folder) == {("baselines/quiet-day/alerts.json", None, "")}


def test_the_truth_is_not_opened_by_the_check(case: Case, tmp_path: Path) -> None:
    folder = case.write(tmp_path)
    (folder / "truth.json").unlink()
    os.mkfifo(folder / "truth.json")
    assert check_case(folder).ok


@pytest.mark.parametrize("below", ["", "cases"])
def test_a_folder_of_cases_is_checked_case_by_case(case: Case, tmp_path: Path, below: str) -> None:
    case.write(tmp_path)
    (tmp_path / "cases" / "half").mkdir()
    found = {each.folder.name: each.ok for each in check_cases(tmp_path / below)}
    assert found == {case.id: True, "half": False}


def test_a_folder_without_a_case_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadCaseError, match="neither in"):
        list(check_cases(tmp_path))


@pytest.mark.data
@pytest.mark.skipif("SRE_COPILOT_DATA" not in os.environ, reason="SRE_COPILOT_DATA names no collection")
def test_no_case_of_the_collection_is_complained_about() -> None:
    checks = list(check_cases(Path(os.environ["SRE_COPILOT_DATA"])))
    assert [str(problem) for each in checks for problem in each.problems] == []


def test_a_case_that_lies_anywhere_is_the_same_case(case: Case, tmp_path: Path) -> None:
    folder = case.without_baseline().write(tmp_path / "a")
    shutil.copytree(folder, tmp_path / "alone")
    assert check_case(tmp_path / "alone").remarks == check_case(folder).remarks
