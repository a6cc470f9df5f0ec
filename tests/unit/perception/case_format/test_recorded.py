from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sre_copilot.domain.evidence import Gap
from sre_copilot.domain.signals import Telemetry, Window
from sre_copilot.errors import BadCaseError
from sre_copilot.perception.case_format import baseline
from sre_copilot.perception.recorded import RecordedSource
from sre_copilot.testing.cases import BASELINE, END, ONSET, START, Case, build_case
from sre_copilot.testing.recording_contract import assert_same

OPENED: list[str] = []
WATCHED: list[bool] = []  # an audit hook stays for the life of the process


@pytest.fixture(scope="module")
def case() -> Case:
    return build_case("exception", requests_per_second=0.1)


def keys(gaps: tuple[Gap, ...]) -> set[str]:
    return {gap.message.key for gap in gaps}


def refusal(folder: Path) -> BadCaseError:
    with pytest.raises(BadCaseError) as caught:
        RecordedSource(folder).observe()
    return caught.value


def test_a_whole_case_is_read_without_a_gap(case: Case, tmp_path: Path) -> None:
    seen = RecordedSource(case.write(tmp_path)).observe()
    assert seen.gaps == ()
    assert seen.incident.id == case.id
    assert seen.incident.window == Window(START, END)
    assert seen.incident.onset == ONSET
    assert seen.incident.complaint.entity == "entry"
    assert ("order", "billing") in seen.topology.edges
    assert seen.current.changes is not None
    assert [change.service for change in seen.current.changes] == ["prices", "order"]
    assert seen.reference is not None
    assert seen.reference.traces is not None
    assert seen.current.state is None
    assert seen.current.alerts is None


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and WATCHED:
        OPENED.append(Path(str(arguments[0])).name)


def test_the_truth_is_never_opened(case: Case, tmp_path: Path) -> None:
    folder = case.write(tmp_path)
    seen = RecordedSource(folder).observe()
    sys.addaudithook(watch)
    WATCHED.append(True)
    again = RecordedSource(folder).observe()
    WATCHED.clear()
    assert_same(again, seen)
    assert "case.json" in OPENED
    assert "truth.json" not in OPENED
    (folder / "truth.json").unlink()
    assert_same(RecordedSource(folder).observe(), seen)


def test_a_truth_that_cannot_be_read_changes_nothing(case: Case, tmp_path: Path) -> None:
    folder = case.write(tmp_path)
    seen = RecordedSource(folder).observe()
    (folder / "truth.json").unlink()
    os.mkfifo(folder / "truth.json")  # opening it would wait for ever
    assert_same(RecordedSource(folder).observe(), seen)
    (folder / "truth.json").unlink()
    (folder / "truth.json").mkdir()
    assert_same(RecordedSource(folder).observe(), seen)


def test_a_case_without_case_json_says_what_to_write(case: Case, tmp_path: Path) -> None:
    folder = case.write(tmp_path)
    (folder / "case.json").unlink()
    error = refusal(folder)
    assert error.file == "case.json"
    assert '"id"' in error.remedy


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "nowhere").problem
    (tmp_path / "file").write_text("x")
    assert "no folder" in refusal(tmp_path / "file").problem


@pytest.mark.parametrize("name", ["logs.parquet", "alerts.json", "topology.json", "case.json"])
def test_a_file_that_is_a_folder_is_refused(case: Case, tmp_path: Path, name: str) -> None:
    folder = case.write(tmp_path)
    (folder / name).unlink(missing_ok=True)
    (folder / name).mkdir()
    error = refusal(folder)
    assert (error.file, error.problem) == (name, "is a folder")


@pytest.mark.parametrize("name", ["metrics.parquet", "changes.json"])
def test_a_pipe_is_refused_and_not_waited_for(case: Case, tmp_path: Path, name: str) -> None:
    folder = case.write(tmp_path)
    (folder / name).unlink()
    os.mkfifo(folder / name)
    assert refusal(folder).problem == "is no regular file"


@pytest.mark.parametrize("name", ["traces.parquet", "case.json"])
def test_a_link_out_of_the_case_is_refused(case: Case, tmp_path: Path, name: str) -> None:
    folder = case.write(tmp_path)
    shutil.move(folder / name, tmp_path / "elsewhere")
    (folder / name).symlink_to(tmp_path / "elsewhere")
    assert "leaves the case" in refusal(folder).problem


def test_a_link_inside_the_case_is_followed_and_one_to_itself_is_not(case: Case, tmp_path: Path) -> None:
    folder = case.write(tmp_path)
    seen = RecordedSource(folder).observe()
    (folder / "raw").mkdir()
    shutil.move(folder / "logs.parquet", folder / "raw" / "l.parquet")
    (folder / "logs.parquet").symlink_to("raw/l.parquet")
    assert_same(RecordedSource(folder).observe(), seen)
    (folder / "logs.parquet").unlink()
    (folder / "logs.parquet").symlink_to("logs.parquet")
    assert "cannot be looked at" in refusal(folder).problem
    (folder / "logs.parquet").unlink()
    (folder / "logs.parquet").symlink_to("gone")
    assert "cannot be looked at" in refusal(folder).problem


def test_an_announced_table_that_is_absent_is_a_gap_and_an_unannounced_one_is_not(
    case: Case, tmp_path: Path
) -> None:
    folder = case.write(tmp_path / "a")
    (folder / "logs.parquet").unlink()
    (folder / "topology.json").unlink()
    seen = RecordedSource(folder).observe()
    assert seen.current.logs is None
    assert {gap.modality for gap in seen.gaps} == {"logs", "topology"}
    assert keys(seen.gaps) == {"gap.reader.announced_absent"}
    quiet = RecordedSource(case.without("logs").write(tmp_path / "b")).observe()
    assert quiet.current.logs is None
    assert quiet.gaps == ()


def test_an_empty_table_is_recorded_and_said(case: Case, tmp_path: Path) -> None:
    folder = case.with_table("traces", case.tables["traces"].head(0)).write(tmp_path)
    seen = RecordedSource(folder).observe()
    assert seen.current.traces is not None
    assert seen.current.traces.height == 0
    assert [(gap.modality, gap.message.key) for gap in seen.gaps] == [("traces", "gap.reader.empty")]


def test_a_baseline_beside_the_cases_goes_before_one_inside(case: Case, tmp_path: Path) -> None:
    folder = case.write(tmp_path)
    beside = RecordedSource(folder).observe().reference
    shutil.move(tmp_path / "baselines", folder / "baselines")
    inside = RecordedSource(folder).observe().reference
    assert beside is not None
    assert inside is not None
    assert beside.metrics is not None
    assert inside.metrics is not None
    assert beside.metrics.equals(inside.metrics)


@pytest.mark.parametrize("is_there", [True, False])
def test_a_baseline_that_is_absent_or_empty_is_a_gap(case: Case, tmp_path: Path, is_there: bool) -> None:
    folder = case.write(tmp_path)
    shutil.rmtree(tmp_path / "baselines" / BASELINE)
    if is_there:
        (tmp_path / "baselines" / BASELINE).mkdir()
    seen = RecordedSource(folder).observe()
    assert seen.reference is None
    assert keys(seen.gaps) == {"gap.reader.baseline_absent"}


@pytest.mark.parametrize(
    "name", ["../outside", "/etc", "baselines/../../outside", ".", "baselines/link", "a\x00b"]
)
def test_a_baseline_that_leaves_the_collection_is_refused(case: Case, tmp_path: Path, name: str) -> None:
    home = tmp_path / "home"
    folder = case.with_facts(baseline=name).write(home)
    (tmp_path / "outside").mkdir()
    (home / "baselines" / "link").symlink_to(tmp_path / "outside")
    error = refusal(folder)
    assert (error.file, error.field) == ("case.json", "baseline")


def test_what_is_wrong_with_a_baseline_is_named_from_above(case: Case, tmp_path: Path) -> None:
    folder = case.write(tmp_path)
    (tmp_path / "baselines" / BASELINE / "traces.parquet").write_bytes(b"PAR1")
    assert refusal(folder).file == f"baselines/{BASELINE}/traces.parquet"


def test_a_baseline_that_changes_is_read_again(case: Case, tmp_path: Path) -> None:
    folder = case.write(tmp_path)
    before = RecordedSource(folder).observe().reference
    assert RecordedSource(folder).observe().reference is before
    (tmp_path / "baselines" / BASELINE / "logs.parquet").unlink()
    after = RecordedSource(folder).observe().reference
    assert isinstance(before, Telemetry)
    assert isinstance(after, Telemetry)
    assert before.logs is not None
    assert after.logs is None


def test_no_more_than_two_baselines_are_kept(case: Case, tmp_path: Path) -> None:
    for name in "abc":
        RecordedSource(case.write(tmp_path / name)).observe()
    assert baseline._read.cache_info().currsize <= baseline.KEPT == 2


def test_telemetry_in_another_time_zone_is_said_and_not_shifted(case: Case, tmp_path: Path) -> None:
    metrics = case.tables["metrics"]
    moved = metrics.with_columns(metrics["ts"] + 8 * 3600)
    seen = RecordedSource(case.with_table("metrics", moved).write(tmp_path)).observe()
    (gap,) = seen.gaps
    assert gap.message.key == "gap.reader.time_apart"
    assert 7.0 < dict(gap.message.params)["hours"] < 8.1  # type: ignore[operator]
    assert seen.current.metrics is not None
    assert seen.current.metrics["ts"].min() == moved["ts"].min()


def test_a_million_log_lines_are_read(tmp_path: Path) -> None:
    number = pl.int_range(1_000_000, eager=True)
    logs = pl.DataFrame({"at": number}).select(
        ts_ns=START * 10**9 + (pl.col("at") * 7919 % 900_000) * 10**6,
        service=pl.format("s{}", pl.col("at") % 20),
        message=pl.format("request {} done", pl.col("at")),
    )
    case = build_case(requests_per_second=0.02, baseline=False, only=["metrics"]).with_table("logs", logs)
    seen = RecordedSource(case.write(tmp_path)).observe()
    assert seen.current.logs is not None
    assert seen.current.logs.height == 1_000_000
    assert seen.current.logs["ts_ns"].is_sorted()
    assert seen.gaps == ()
