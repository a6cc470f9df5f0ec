"""The detector of changes on invented deployments."""

from __future__ import annotations

import pytest

from sre_copilot.cognition.detectors.changes import detect
from sre_copilot.domain.incident import Complaint, Incident, Observation
from sre_copilot.domain.signals import Change, Telemetry
from sre_copilot.evidence.evaluator import evaluate
from sre_copilot.incidents.report.words import LANGUAGES, say

ONSET = 10_000.0


def change(before: float, service: str = "desk", kind: str = "deploy", text: str = "desk 1.2 out") -> Change:
    return Change(ts=ONSET - before, service=service, kind=kind, text=text)


def observed(*changes: Change, onset: float | None = ONSET, at: float | None = None) -> Observation:
    incident = Incident(id="invented", onset=onset, complaint=Complaint(at=at))
    return Observation(incident=incident, current=Telemetry(changes=changes))


@pytest.mark.parametrize("before", [960.0, 300.0, 0.0, -60.0])
def test_a_change_that_may_be_the_cause_is_named_and_its_check_holds(before: float) -> None:
    observation = observed(change(before))
    (finding,) = detect(observation).findings
    assert (finding.kind, finding.entity, finding.modality) == ("change.before_onset", "desk", "changes")
    assert 0 < finding.weight <= 0.4
    assert dict(finding.params)["seconds"] == before
    assert all(evaluate(check, observation).holds for check in finding.checks)


@pytest.mark.parametrize("before", [961.0, 86_400.0, -61.0])
def test_a_change_too_early_or_too_late_is_none(before: float) -> None:
    assert detect(observed(change(before))).findings == ()


def test_the_check_is_false_of_another_service_and_of_another_time() -> None:
    (finding,) = detect(observed(change(30.0))).findings
    for other in (observed(change(30.0, service="till")), observed(change(90.0))):
        assert not evaluate(finding.checks[0], other).holds


def test_a_change_near_the_onset_says_more_than_an_old_one() -> None:
    near, old = (detect(observed(change(before))).findings[0].weight for before in (10.0, 800.0))
    assert near > old


def test_many_changes_of_one_service_say_no_more_than_one() -> None:
    found = detect(observed(*(change(float(second), text=f"flag {second}") for second in range(9)))).findings
    assert len(found) == 9
    assert sum(finding.weight for finding in found) <= 0.4


def test_the_order_of_changes_does_not_matter_and_one_that_is_recorded_twice_counts_once() -> None:
    changes = [change(float(second), text=f"flag {second}") for second in range(0, 100, 7)]
    shuffled = [*reversed(changes[4:]), changes[0], *changes[:4], changes[0]]
    assert detect(observed(*shuffled)) == detect(observed(*changes))


def test_hostile_text_is_only_looked_for_and_never_read_as_a_pattern_or_a_format() -> None:
    observation = observed(change(5.0, text="{0.__class__} .*[ <b>\x1b[31m {entity!r}"))
    (finding,) = detect(observation).findings
    assert evaluate(finding.checks[0], observation).holds
    for language in LANGUAGES:
        said = say(finding.message, language)
        assert "\x1b" not in said
        assert "{0.__class__}" in said


def test_without_an_onset_the_time_of_the_complaint_is_taken_and_without_either_there_is_a_gap() -> None:
    assert len(detect(observed(change(5.0), onset=None, at=ONSET)).findings) == 1
    undated = detect(observed(change(5.0), onset=None))
    assert undated.findings == ()
    assert [gap.message.key for gap in undated.gaps] == ["gap.changes_undated"]


def test_changes_that_were_not_recorded_or_did_not_happen_are_no_gap() -> None:
    empty = Observation(incident=Incident(id="invented", onset=ONSET), current=Telemetry())
    assert detect(empty) == detect(observed())
    assert detect(empty).gaps == ()


def test_a_change_without_a_service_or_text_is_handled() -> None:
    observation = observed(change(5.0, service=""), change(6.0, kind="", text=""))
    (finding,) = detect(observation).findings
    assert finding.entity == "desk"
    assert evaluate(finding.checks[0], observation).holds
