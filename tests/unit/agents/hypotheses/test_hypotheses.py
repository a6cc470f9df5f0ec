"""Beliefs move by Bayes' rule, tests are chosen by what they tell, and the second pass strikes what proves nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from sre_copilot.agents.hypotheses.drill_down import candidates, drill_down
from sre_copilot.agents.hypotheses.hypothesis import (
    Hypothesis,
    TestResult,
    entropy,
    expected_information,
    hypotheses_of,
    updated,
)
from sre_copilot.agents.hypotheses.placebo import calm_share, calm_starts
from sre_copilot.agents.hypotheses.reflection import belief_after, reflect
from sre_copilot.agents.hypotheses.testing import Situation
from sre_copilot.app.core import RegisteredCore
from sre_copilot.domain.evidence import Check, Finding, Message, Query
from sre_copilot.domain.incident import Outcome
from sre_copilot.domain.signals import Window
from sre_copilot.evidence.evaluator import Evaluator
from sre_copilot.testing.cases import ONSET, build_case

CORE = RegisteredCore()


def said(test: str, entity: str, side: str) -> TestResult:
    return TestResult(test=test, entity=entity, side=side, message=Message(key=f"test.{test}.{side}"))  # type: ignore[arg-type]


def table(*beliefs: tuple[str, float]) -> tuple[Hypothesis, ...]:
    return tuple(Hypothesis(entity=entity, fault_type=None, belief=belief) for entity, belief in beliefs)


@dataclass(frozen=True)
class Fixed:
    """A test that always says the same."""

    name: str
    side: str
    if_true: float = 0.9
    if_false: float = 0.1
    cost: float = 1.0

    def run(self, hypothesis: Hypothesis, situation: Situation) -> TestResult:
        return said(self.name, hypothesis.entity, self.side)


def test_a_passed_test_raises_the_tested_belief_and_lowers_the_others_by_bayes_rule() -> None:
    moved = updated(table(("a", 0.5), ("b", 0.3)), said("t", "a", "for"), if_true=0.8, if_false=0.2)
    assert moved[0].belief == pytest.approx(0.4 / 0.5)
    assert moved[1].belief == pytest.approx(0.06 / 0.5)


def test_an_unknown_result_moves_no_belief_and_is_kept() -> None:
    moved = updated(table(("a", 0.5)), said("t", "a", "unknown"), if_true=0.8, if_false=0.2)
    assert moved[0].belief == 0.5
    assert moved[0].results[0].side == "unknown"


def test_a_test_that_passes_as_often_for_the_wrong_one_tells_nothing() -> None:
    assert expected_information(table(("a", 0.5)), "a", if_true=0.7, if_false=0.7) == pytest.approx(0.0)


def test_a_perfect_test_of_an_even_question_tells_one_bit() -> None:
    assert expected_information(table(("a", 0.5)), "a", if_true=1.0, if_false=0.0) == pytest.approx(1.0)
    assert entropy([0.5]) == pytest.approx(1.0)


def test_the_cheaper_of_two_equally_telling_tests_comes_first() -> None:
    tests = (Fixed("dear", "for", cost=10.0), Fixed("cheap", "for"))
    assert [each.test.name for each in candidates(table(("a", 0.6)), set(), tests)] == ["cheap", "dear"]


def test_drilling_down_ends_when_the_rounds_are_used_up() -> None:
    seen: list[TestResult] = []
    tests = tuple(Fixed(f"t{number}", "unknown") for number in range(9))
    drill_down(table(("a", 0.5), ("b", 0.4)), None, tests=tests, rounds=4, seen=seen.append)  # type: ignore[arg-type]
    assert len(seen) == 4


def test_a_choice_that_was_not_offered_is_not_followed() -> None:
    seen: list[TestResult] = []
    tests = (Fixed("t", "for"), Fixed("u", "for"))
    drill_down(
        table(("a", 0.5), ("b", 0.4)),
        None,  # type: ignore[arg-type]
        tests=tests,
        rounds=1,
        seen=seen.append,
        choose=lambda offered: ("rm -rf", "everything"),
    )
    assert [(each.test, each.entity) for each in seen] == [("t", "a")]


def test_the_own_tests_of_a_hypothesis_count_the_same_in_any_order() -> None:
    results = (said("order", "a", "against"), said("left_out", "a", "for"), said("placebo", "a", "unknown"))
    assert belief_after(0.7, results) == pytest.approx(belief_after(0.7, results[::-1]))
    assert belief_after(0.7, results[:1]) < 0.7


def test_a_true_cause_survives_the_second_pass() -> None:
    observation = build_case("network_delay", culprit="billing", seed=5).observation()
    reflected = reflect(CORE(observation), CORE)
    assert reflected.table[0].entity == "billing"
    assert not reflected.reopened
    assert reflected.investigated.diagnosis.outcome is Outcome.FAULT
    assert {result.test for result in reflected.results if result.entity == "billing"} == {
        "order",
        "placebo",
        "left_out",
    }


def test_what_is_there_at_calm_times_too_is_struck_and_the_conclusion_formed_anew() -> None:
    observation = build_case("network_delay", culprit="billing", seed=5).observation()
    start = observation.current.metrics["ts"].max() if observation.current.metrics is not None else ONSET
    window = Window(float(ONSET), float(start))
    query = Query(
        source="traces", measure="rows", where=(("service", "prices"),), window=Window(ONSET, ONSET + 60.0)
    )
    idle = Finding(
        kind="trace.slow_operation",
        entity="prices",
        modality="traces",
        weight=40.0,
        window=query.window,
        checks=(Check(query=query, aggregate="count", relation=">=", bound=1.0),),
        params=(("n", 1),),
    )
    assert window.seconds > 0
    findings, gaps = CORE.detect(observation, CORE.detectors)
    investigated = CORE.conclude(observation, (*findings, idle), gaps)
    situation = Situation(investigated, CORE, Evaluator(observation))
    assert calm_share(idle, situation) == 1.0
    reflected = reflect(investigated, CORE)
    if any(idle.id in each.finding_ids for each in hypotheses_of(investigated.diagnosis)):
        assert idle.id in reflected.struck
    assert reflected.investigated.diagnosis.suspects[0].entity == "billing"


def test_calm_stretches_end_before_the_onset_and_lie_in_what_was_recorded() -> None:
    observation = build_case("cpu", culprit="stock", seed=3).observation()
    window = Window(float(ONSET), ONSET + 60.0)
    starts = list(calm_starts(observation, window))
    assert starts
    assert observation.incident.window is not None
    assert all(observation.incident.window.start <= start <= ONSET - 120.0 for start in starts)


def test_without_an_onset_no_stretch_is_called_calm() -> None:
    observation = build_case("cpu", culprit="stock", seed=3).observation()
    unknown = replace(observation, incident=replace(observation.incident, onset=None))
    assert list(calm_starts(unknown, Window(float(ONSET), ONSET + 60.0))) == []
