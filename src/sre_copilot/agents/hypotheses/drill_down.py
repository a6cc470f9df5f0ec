"""Which test comes next: the one that tells most for its cost, until the table is clear or the rounds are used up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sre_copilot.agents.hypotheses.hypothesis import (
    Hypothesis,
    TestResult,
    expected_information,
    updated,
)
from sre_copilot.agents.hypotheses.left_out import LeftOut
from sre_copilot.agents.hypotheses.order import Order
from sre_copilot.agents.hypotheses.placebo import Placebo
from sre_copilot.agents.hypotheses.testing import Situation, Test

TESTS: tuple[Test, ...] = (Order(), Placebo(), LeftOut())
ROUNDS = 6  # tests in one pass: all three of the leading hypothesis and of the next
CLEAR = 0.99  # belief from which on no further test is worth its cost
LEAST_BITS = 0.002  # a test that is expected to tell less is left out

Seen = Callable[[TestResult], None]
Choose = Callable[[Sequence[tuple[str, str]]], tuple[str, str] | None]


@dataclass(frozen=True, slots=True)
class Next:
    """A test of a hypothesis, and what it is expected to tell."""

    test: Test
    entity: str
    bits: float

    @property
    def worth(self) -> float:
        """Bits for the cost."""
        return self.bits / self.test.cost


def candidates(
    table: Sequence[Hypothesis], done: set[tuple[str, str]], tests: Sequence[Test] = TESTS
) -> tuple[Next, ...]:
    """Tests that were not made yet, the most telling for their cost first."""
    open_ = [
        Next(
            test,
            each.entity,
            expected_information(table, each.entity, if_true=test.if_true, if_false=test.if_false),
        )
        for each in table
        for test in tests
        if (test.name, each.entity) not in done
    ]
    worthwhile = [each for each in open_ if each.bits >= LEAST_BITS]
    return tuple(sorted(worthwhile, key=lambda each: (-each.worth, each.test.name, each.entity)))


def drill_down(
    table: Sequence[Hypothesis],
    situation: Situation,
    *,
    tests: Sequence[Test] = TESTS,
    rounds: int = ROUNDS,
    seen: Seen = lambda result: None,
    choose: Choose | None = None,
) -> tuple[Hypothesis, ...]:
    """Test until one hypothesis is clear, nothing is worth testing, or the rounds are used up.

    `choose` may pick another of the offered (test, entity) pairs, as a language model does; what is not on offer is not done.
    """
    held, done = tuple(table), set[tuple[str, str]]()
    for _ in range(rounds):
        offered = candidates(held, done, tests)
        if not offered or max(each.belief for each in held) >= CLEAR:
            break
        step = _chosen(offered, choose) or offered[0]
        result = step.test.run(next(each for each in held if each.entity == step.entity), situation)
        done.add((step.test.name, step.entity))
        held = updated(held, result, if_true=step.test.if_true, if_false=step.test.if_false)
        seen(result)
    return held


def _chosen(offered: Sequence[Next], choose: Choose | None) -> Next | None:
    if choose is None or len(offered) < 2:
        return None
    picked = choose([(each.test.name, each.entity) for each in offered])
    return next((each for each in offered if (each.test.name, each.entity) == picked), None)
