"""Time to detect and false alarms: what counts, and how it is added up."""

from typing import Any

import pytest
from lab.faults import FAULTS
from lab.live import score
from lab.live.score import Result, Trial


def told(entity: str, opened_at: float, *, metric: str = "up", confidence: float = 0.8) -> dict[str, Any]:
    return {
        "id": f"{entity}-{opened_at}", "entity": entity, "metric": metric, "method": "ensemble/step", "score": confidence,
        "current": 1.0, "expected": None, "opened_at": opened_at,
    }  # fmt: skip


def trial(fault: str = "process-hung", *, seconds: float | None = None, is_fault: bool = True) -> Trial:
    return Trial(fault=fault, service="payment", is_fault=is_fault, at=1000.0, seconds=seconds)


def test_what_was_told_before_the_injection_does_not_count() -> None:
    assert score.judged(trial(), [told("payment", 999.0)]).seconds is None


def test_the_first_that_was_told_counts_and_all_are_listed() -> None:
    found = score.judged(trial(), [told("checkout", 1012.0), told("payment", 1022.0)])
    assert (found.seconds, found.entity, found.role) == (12.0, "checkout", "caller")
    assert len(found.told) == 2


def test_what_is_told_of_somebody_who_has_nothing_to_do_with_it_is_listed_and_is_no_detection() -> None:
    found = score.judged(trial(), [told("catalogue", 1002.0)])
    assert found.seconds is None
    assert len(found.told) == 1


def test_of_several_told_at_once_the_culprit_is_named() -> None:
    found = score.judged(trial(), [told("checkout", 1012.0, confidence=0.99), told("payment", 1012.0)])
    assert (found.entity, found.role) == ("payment", "culprit")


@pytest.mark.parametrize(
    ("entity", "culprit", "expected"),
    [
        ("payment", "payment", "culprit"),
        ("checkout", "payment", "caller"),
        ("gateway", "payment", "caller"),
        ("gateway", "redis", "caller"),
        ("catalogue", "payment", "other"),
        ("payment", "checkout", "other"),
    ],
)
def test_a_caller_is_one_whose_calls_reach_the_culprit(entity: str, culprit: str, expected: str) -> None:
    assert score.role(entity, culprit) == expected


def test_a_missed_fault_is_later_than_any_in_the_median() -> None:
    trials = [trial(seconds=10.0), trial(seconds=20.0), trial()]
    assert score.typical(Result(trials=tuple(trials))) == 20.0
    assert score.typical(Result(trials=(trial(seconds=10.0), trial(), trial()))) is None
    assert score.missed(Result(trials=tuple(trials))) == ["process-hung"]


def test_what_is_no_fault_counts_neither_as_missed_nor_in_the_median() -> None:
    result = Result(trials=(trial(seconds=10.0), trial("traffic-surge", is_fault=False)))
    assert score.typical(result) == 10.0
    assert score.missed(result) == []
    assert "not counted" in score.table(result)


def test_false_alarms_are_told_an_hour_of_calm_time() -> None:
    result = Result(calm_seconds=1800.0, false_alarms=(told("cart", 5.0),))
    assert score.alarms_an_hour(result) == 2.0
    assert score.alarms_an_hour(Result()) is None
    assert score.document(result)["false_alarms_per_hour"] == 2.0


def test_every_family_of_faults_is_scored() -> None:
    assert {*score.families(), "quiet"} == set(FAULTS)
