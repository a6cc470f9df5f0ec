"""The evaluation of learning, on four of the recorded incidents that come with the project."""

from __future__ import annotations

import shutil
from dataclasses import replace
from io import StringIO
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from sre_copilot.domain.incident import Observation, Outcome
from sre_copilot.errors import UsageError
from sre_copilot.eval.learning.report import print_evaluation
from sre_copilot.eval.learning.retold import GUESS_S, retold
from sre_copilot.eval.learning.run import evaluate
from sre_copilot.eval.learning.studied import Answer, by_core
from sre_copilot.incidents.investigation import Investigation
from sre_copilot.knowledge.keeping import Experience
from sre_copilot.perception.recorded import RecordedSource

INCIDENTS = Path(__file__).parents[4] / "examples/incidents"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("incidents")
    for name in ("lab-04", "lab-13", "lab-14"):
        shutil.copytree(INCIDENTS / "cases" / name, folder / "cases" / name)
    shutil.copytree(INCIDENTS / "baselines", folder / "baselines")
    return folder


def remembering() -> Answer:
    """The core, asked once about each incident: the copies in which lies are met again differ only in what is lost."""
    known: dict[str, Investigation] = {}

    def answer(observation: Observation, shelf: Experience | None) -> Investigation:
        key = observation.incident.id
        if key not in known:
            known[key] = by_core(observation, shelf)
        return known[key]

    return answer


def test_learned_faults_are_recalled_new_and_quiet_ones_are_not_and_lies_lose_their_trust(
    folder: Path,
) -> None:
    evaluation = evaluate([folder], answer=remembering())
    again, new, quiet = (evaluation.figures[role] for role in ("again", "new", "quiet"))
    assert (again["n"], again["right_recalls"], new["n"]) == (2, 2, 2)
    assert again["wrong_recalls"] == new["wrong_recalls"] == quiet["wrong_recalls"] == 0
    assert again["right_with"] >= again["right_without"]
    planted = evaluation.planted
    assert (planted.cards, planted.instant_recalls, planted.retired) == (1, 0, 1)
    assert planted.trust_after < 0.5 < planted.trust_before
    assert (planted.proposals_of_one, planted.thresholds_changed) == (0, 0)
    written = StringIO()
    print_evaluation(evaluation, Console(file=written, width=200))
    assert "recalled at once, rightly" in written.getvalue()


def test_an_answer_that_experience_changed_is_counted(folder: Path) -> None:
    core = remembering()

    def credulous(observation: Observation, shelf: Experience | None) -> Investigation:
        found = core(observation, shelf)
        if shelf is None:
            return found
        return replace(found, diagnosis=replace(found.diagnosis, outcome=Outcome.INCONCLUSIVE))

    evaluation = evaluate([folder], answer=credulous)
    assert evaluation.figures["new"]["verdicts_changed"] == 2
    assert evaluation.figures["new"]["right_with"] < evaluation.figures["new"]["right_without"]
    assert evaluation.planted.verdicts_changed > 0


def test_a_retold_case_is_later_thinner_and_otherwise_the_same() -> None:
    told = RecordedSource(INCIDENTS / "cases/lab-04").observe()
    again = retold(told, seed=1)
    old, new = told.current, again.current
    assert old.metrics is not None
    assert new.metrics is not None
    assert old.traces is not None
    assert new.traces is not None
    later = new.metrics["ts"].to_list()[0] - old.metrics["ts"].to_list()[0]
    assert later >= 3600
    assert abs((again.incident.onset or 0) - (told.incident.onset or 0) - later) <= GUESS_S
    assert 0.7 < len(new.traces) / len(old.traces) < 0.95
    assert set(new.traces["trace_id"]) <= set(old.traces["trace_id"])
    assert old.metrics.filter(pl.col("value") == 0).height == new.metrics.filter(pl.col("value") == 0).height
    assert retold(told, seed=1).current.metrics.equals(new.metrics)  # type: ignore[union-attr]


def test_a_folder_without_faults_is_refused(tmp_path: Path) -> None:
    shutil.copytree(INCIDENTS / "cases/lab-14", tmp_path / "cases/lab-14")
    shutil.copytree(INCIDENTS / "baselines", tmp_path / "baselines")
    with pytest.raises(UsageError, match="at least two cases with a known fault"):
        evaluate([tmp_path])
