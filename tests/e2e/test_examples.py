"""The recorded incidents of the lab, end to end: each is read, investigated, and compared with its recorded answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sre_copilot.app import investigate_case
from sre_copilot.domain.incident import Outcome
from sre_copilot.incidents.report import LANGUAGES, build, render
from sre_copilot.perception.case_format.case_check import check_cases

CASES = Path(__file__).parents[2] / "examples" / "incidents" / "cases"
LIMIT_KB = 700

FOLDERS = sorted(path.parent for path in CASES.glob("*/case.json"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_recorded_answer_is_found(folder: Path) -> None:
    diagnosis = investigate_case(folder).diagnosis
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    if truth.get("no_fault"):
        assert diagnosis.outcome is Outcome.NO_FAULT
        return
    assert diagnosis.culprit is not None
    assert (diagnosis.culprit.entity, diagnosis.culprit.fault_type) == (truth["service"], truth["fault_type"])
    assert diagnosis.refuted == ()


def test_there_is_an_incident_of_each_family_and_enough_quiet_time() -> None:
    truths = [json.loads((folder / "truth.json").read_text(encoding="utf-8")) for folder in FOLDERS]
    faults = {truth["fault_type"] for truth in truths if not truth.get("no_fault")}
    assert len(faults) >= 10
    assert sum(bool(truth.get("no_fault")) for truth in truths) >= 20


def test_each_is_small_and_reads_without_a_problem() -> None:
    for folder in FOLDERS:
        assert sum(path.stat().st_size for path in folder.iterdir()) <= LIMIT_KB * 1000, folder.name
    assert all(check.ok for check in check_cases(CASES))


@pytest.mark.integration
@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_kind_of_fault_has_a_page_without_a_sentence_that_is_missing(lang: str) -> None:
    for folder in FOLDERS[:15]:
        found = investigate_case(folder)
        report = build(found.diagnosis, found.observation, found.observed)
        page = render(report, output="html", lang=lang)  # type: ignore[arg-type]
        assert all(f"{finding.kind} " not in page for finding in found.diagnosis.findings), folder.name
