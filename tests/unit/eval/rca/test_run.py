import json
import shutil
from pathlib import Path

import pytest
from rich.console import Console
from tests.unit.eval.rca.standin import methods
from typer.testing import CliRunner

from sre_copilot.cli.evaluation import app
from sre_copilot.errors import UsageError
from sre_copilot.eval.rca.judge import Task, judge
from sre_copilot.eval.rca.report import print_evaluation
from sre_copilot.eval.rca.run import Options, baseline_folders, case_folders, evaluate, plan
from sre_copilot.eval.rca.summary import Evaluation
from sre_copilot.testing.cases import build_case

KEYS = [
    "n", "ac1", "ac3", "ac5", "avg5", "mrr", "chance_ac1", "type_accuracy", "full_match", "confident_wrong",
    "confident_right", "inconclusive", "ece", "seconds_median", "seconds_p95",
]  # fmt: skip


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("collection")
    for case in (
        build_case("network_delay", culprit="billing"),
        build_case("none").with_facts(set="quiet"),
        build_case("cpu", culprit="stock", only=["metrics"], baseline=False),
    ):
        case.write(folder)
    shutil.rmtree(folder / "cases" / "none-order-0" / "unused", ignore_errors=True)
    (folder / "cases" / "none-order-0" / "truth.json").write_text('{"no_fault": true}')
    return folder


@pytest.fixture(scope="module")
def evaluation(collection: Path) -> Evaluation:
    return evaluate(collection, Options(jobs=1, rename_seed=3, shifts=(60.0,), methods=methods))


def test_the_figures_come_in_the_promised_form(evaluation: Evaluation) -> None:
    document = json.loads(json.dumps(evaluation.as_dict()))
    assert list(document["sets"]) == ["quiet", "synthetic"]
    assert all(list(scores) == KEYS for scores in document["sets"].values())
    assert document["sets"]["synthetic"]["n"] == 2
    assert document["sets"]["synthetic"]["full_match"] is None
    assert document["sets"]["quiet"]["n"] == 0
    assert document["sets"]["quiet"]["ac1"] is None


def test_fault_free_cases_and_windows_are_judged_by_set(evaluation: Evaluation) -> None:
    assert dict(evaluation.no_fault_by_set) == {"quiet": 1.0, "synthetic": 1.0}
    assert (evaluation.no_fault_n, evaluation.no_fault_accuracy) == (2, 1.0)


def test_planted_findings_and_memory_are_measured_in_the_workers(evaluation: Evaluation) -> None:
    assert evaluation.survivors == 0
    assert 1 <= len(evaluation.planted) <= 4
    assert 20 < evaluation.peak_rss_mb < 2_000


def test_names_and_order_of_rows_change_no_verdict(evaluation: Evaluation) -> None:
    assert evaluation.renamed is not None
    assert (evaluation.renamed.n, evaluation.renamed.changed) == (3, ())
    assert list(evaluation.shifted) == ["+60"]


def test_a_case_whose_fault_was_not_found_is_listed(evaluation: Evaluation) -> None:
    assert "cpu-stock-0" in {miss.case for miss in evaluation.misses}
    console = Console(width=160, record=True, quiet=False, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    print_evaluation(evaluation, console, misses=True)
    text = console.export_text()
    assert "AC@1" in text
    assert "cpu-stock-0" in text


def test_the_answer_is_the_same_without_the_truth(collection: Path, tmp_path: Path) -> None:
    folder = collection / "cases" / "network-delay-billing-0"
    copy = tmp_path / "cases" / folder.name
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("truth.json"))
    shutil.copytree(collection / "baselines", tmp_path / "baselines")
    (one,), (two,) = (judge(Task(folder=each, set="s", methods=methods)) for each in (folder, copy))
    assert one.ranking == two.ranking
    assert (one.verdict, one.probability, one.features) == (two.verdict, two.probability, two.features)


def test_what_is_ablated_is_not_seen(collection: Path) -> None:
    folder = collection / "cases" / "network-delay-billing-0"
    (seen,) = judge(Task(folder=folder, set="s", methods=methods))
    (blind,) = judge(Task(folder=folder, set="s", ablate=("traces",), methods=methods))
    assert seen.features is not None
    assert seen.features.top > 1
    assert blind.features is None or blind.features.top < 1


def test_a_case_that_cannot_be_read_is_a_judgement_with_its_error(tmp_path: Path) -> None:
    (tmp_path / "case.json").write_text("{")
    (judgement,) = judge(Task(folder=tmp_path, set="s", methods=methods))
    assert judgement.error.startswith("case.json")
    assert judgement.ranking == ()


def test_long_tasks_come_first_and_each_baseline_is_judged_once(collection: Path) -> None:
    folders = case_folders(collection)
    tasks = plan(folders, Options(shifts=(60.0, -60.0)))
    assert tasks[0].windows
    assert len(baseline_folders(folders)) == 1
    assert sorted(task.variant for task in tasks if task.folder == folders[0] and not task.windows) == [
        "+60",
        "-60",
        "plain",
    ]


def test_a_folder_without_cases_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no cases"):
        case_folders(tmp_path)


def test_the_command_prints_tables_and_writes_json(tmp_path: Path) -> None:
    build_case("cpu", only=["metrics"], baseline=False).write(tmp_path)
    out = tmp_path / "figures.json"
    result = CliRunner().invoke(app, ["rca", str(tmp_path), "--jobs", "1", "--json", str(out), "--misses"])
    assert result.exit_code == 0, result.output
    assert "AC@1" in result.output
    assert json.loads(out.read_text())["sets"]["synthetic"]["n"] == 1
