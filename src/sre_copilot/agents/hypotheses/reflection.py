"""The second pass: try to refute the leading hypothesis; what does not survive reopens the question.

References
----------
Shinn et al., Reflexion: language agents with verbal reinforcement learning, 2023, section 3 (an evaluator judges, the judgement is kept and the
next attempt starts from it). Here the evaluator is a set of tests on telemetry, and an attempt is the core's conclusion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from sre_copilot.agents.core import Core
from sre_copilot.agents.hypotheses.drill_down import TESTS, Choose, Seen, drill_down
from sre_copilot.agents.hypotheses.hypothesis import Hypothesis, TestResult, hypotheses_of
from sre_copilot.agents.hypotheses.testing import Situation
from sre_copilot.agents.tool import Investigated
from sre_copilot.evidence.evaluator import Evaluator

Found = TypeVar("Found", bound=Investigated)
ATTEMPTS = 2  # conclusions formed anew: what survives neither time is not settled by a third


@dataclass(frozen=True, slots=True, kw_only=True)
class Reflected(Generic[Found]):
    """What stands after the second pass; `struck` are ids of findings that hold without the fault too."""

    investigated: Found
    table: tuple[Hypothesis, ...]
    results: tuple[TestResult, ...]
    struck: tuple[str, ...]

    @property
    def reopened(self) -> bool:
        """Whether the conclusion was formed anew."""
        return bool(self.struck)


def reflect(
    investigated: Found,
    core: Core[Found],
    *,
    seen: Seen = lambda result: None,
    choose: Choose | None = None,
) -> Reflected[Found]:
    """Test the table of hypotheses; strike what proves nothing and let the core conclude again without it."""
    results: list[TestResult] = []
    struck: list[str] = []
    evaluator = Evaluator(investigated.observation)

    def note(result: TestResult) -> None:
        results.append(result)
        seen(result)

    table: tuple[Hypothesis, ...] = ()
    for attempt in range(1 + ATTEMPTS):
        situation = Situation(investigated, core, evaluator)
        table = drill_down(hypotheses_of(investigated.diagnosis), situation, seen=note, choose=choose)
        table = _tested_fully(table, situation, note)
        unspecific = _unspecific(table)
        if not unspecific or attempt == ATTEMPTS:
            break
        struck += unspecific
        rest = [finding for finding in investigated.considered if finding.id not in struck]
        investigated = core.conclude(investigated.observation, rest, investigated.diagnosis.gaps)
    return Reflected(investigated=investigated, table=table, results=tuple(results), struck=tuple(struck))


def _tested_fully(table: tuple[Hypothesis, ...], situation: Situation, note: Seen) -> tuple[Hypothesis, ...]:
    """The leading hypothesis has to face every test, however clear it seems and whoever chose the others."""
    if not table:
        return table
    leading = table[0]
    made = {result.test for result in leading.results}
    for test in TESTS:
        if test.name not in made:
            result = test.run(leading, situation)
            note(result)
            leading = replace(leading, results=(*leading.results, result))
    return (leading, *table[1:])


def belief_after(probability: float, results: Sequence[TestResult]) -> float:
    """The probability of a hypothesis after its own tests, in whatever order they were made; by Bayes' rule on the odds."""
    rates = {test.name: (test.if_true, test.if_false) for test in TESTS}
    odds = probability / (1.0 - probability) if probability < 1.0 else float("inf")
    for result in results:
        if result.side != "unknown":
            if_true, if_false = rates[result.test]
            odds *= if_true / if_false if result.side == "for" else (1.0 - if_true) / (1.0 - if_false)
    return 1.0 if odds == float("inf") else odds / (1.0 + odds)


def _unspecific(table: Sequence[Hypothesis]) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(name for each in table for result in each.results for name in result.unspecific)
    )
