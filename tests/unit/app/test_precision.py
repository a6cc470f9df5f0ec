"""Precision of warnings: what people said, and no figure while too few said something."""

from __future__ import annotations

from typing import Any

import pytest

from sre_copilot.app.precision import LEAST_JUDGED, precision_of
from sre_copilot.knowledge.labels import Label


def incident(number: int, **changed: Any) -> dict[str, Any]:
    diagnosis = {"investigation_id": f"I-{number}", "outcome": changed.pop("outcome", "fault")}
    return {"id": f"INC-{number}", "woken": True, "status": "resolved", "diagnosis": diagnosis, **changed}


def label(number: int, *, right: bool, target: str = "incident", at: float = 1.0, **changed: Any) -> Label:
    named = {"target_id": f"INC-{number}" if target == "incident" else f"I-{number}", "target": target}
    return Label(id="x", at=at, by="ann", role="responder", investigation_id=f"I-{number}", right=right, **named, **changed)  # type: ignore[arg-type]  # fmt: skip


def test_real_problems_over_those_that_were_judged() -> None:
    incidents = [incident(number) for number in range(LEAST_JUDGED + 10)]
    labels = [label(number, right=number % 4 != 0) for number in range(LEAST_JUDGED)]
    found = precision_of(incidents, labels)
    assert (found.told, found.judged, found.real) == (LEAST_JUDGED + 10, LEAST_JUDGED, 15)
    assert found.value == 0.75
    assert found.document()["problem"] == ""


def test_of_too_few_there_is_no_figure_and_it_is_said_how_many_are_needed() -> None:
    found = precision_of([incident(1), incident(2)], [label(1, right=True)])
    assert found.value is None
    assert found.document()["problem"].startswith("1 of 2 incidents were judged, and at least 20")
    assert precision_of([], []).value is None


@pytest.mark.parametrize(
    ("outcome", "right", "correction", "real"),
    [
        ("fault", True, {}, 1),
        ("fault", False, {}, None),
        ("fault", False, {"root_cause": "disk"}, 1),
        ("no_fault", True, {}, 0),
        ("no_fault", False, {}, 1),
        ("inconclusive", True, {}, None),
    ],
)
def test_a_word_on_the_diagnosis_counts_as_far_as_it_tells_whether_there_was_a_fault(
    outcome: str, right: bool, correction: dict[str, str], real: int | None
) -> None:
    said = label(1, right=right, target="output", correction=correction)
    found = precision_of([incident(1, outcome=outcome)], [said])
    assert (found.judged, found.real) == ((0, 0) if real is None else (1, real))


def test_the_last_word_on_the_incident_itself_goes_before_one_on_its_diagnosis() -> None:
    said = [
        label(1, right=True),
        label(1, right=False, at=2.0),
        label(1, right=True, target="output", at=3.0),
    ]
    assert precision_of([incident(1)], said).real == 0


def test_what_nobody_was_told_of_or_was_merged_is_no_warning_and_a_machine_judges_nothing() -> None:
    incidents = [incident(1, woken=False), incident(2, status="merged"), incident(3, outcome="no_fault")]
    found = precision_of(incidents, [])
    assert (found.told, found.judged, found.no_fault) == (1, 0, 1)
