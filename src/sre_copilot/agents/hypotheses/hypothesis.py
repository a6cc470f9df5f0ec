"""A hypothesis, the result of a test on it, and how beliefs move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, log2
from typing import Literal

from sre_copilot.domain.evidence import Finding, Message
from sre_copilot.domain.incident import Diagnosis, Outcome, Suspect

Side = Literal["for", "against", "unknown"]
HELD_AT_ONCE = 3  # as many as a person keeps apart; the localiser's later ranks are rarely right


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """What a test said of one hypothesis; `unspecific` are findings that hold without the fault too, and prove nothing."""

    __test__ = False

    test: str
    entity: str
    side: Side
    message: Message
    unspecific: tuple[str, ...] = ()
    finding: Finding | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """`entity` is the root cause; `belief` is 0..1 among all hypotheses of a table, and what is left is "none of them"."""

    entity: str
    fault_type: str | None
    belief: float
    finding_ids: tuple[str, ...] = ()
    results: tuple[TestResult, ...] = ()

    @property
    def against(self) -> tuple[TestResult, ...]:
        """Tests that spoke against it."""
        return tuple(result for result in self.results if result.side == "against")


def hypotheses_of(diagnosis: Diagnosis) -> tuple[Hypothesis, ...]:
    """The leading suspects; the first has the calibrated probability, the others share the rest by their scores (log-odds)."""
    suspects = [each for each in diagnosis.suspects if each.finding_ids][:HELD_AT_ONCE]
    if not suspects or diagnosis.outcome is Outcome.NO_FAULT:
        return ()
    first, *others = suspects
    return (_hypothesis(first, diagnosis.probability), *_sharing(others, 1.0 - diagnosis.probability))


def _sharing(suspects: Sequence[Suspect], rest: float) -> tuple[Hypothesis, ...]:
    """Suspects in proportion to the odds that their scores are, one part left for "none of them"."""
    odds = [exp(min(each.score, 50.0)) for each in suspects]
    whole = sum(odds) + 1.0
    return tuple(_hypothesis(each, rest * odd / whole) for each, odd in zip(suspects, odds, strict=True))


def _hypothesis(suspect: Suspect, belief: float) -> Hypothesis:
    return Hypothesis(
        entity=suspect.entity,
        fault_type=suspect.fault_type,
        belief=belief,
        finding_ids=suspect.finding_ids,
    )


def updated(
    table: Sequence[Hypothesis], result: TestResult, *, if_true: float, if_false: float
) -> tuple[Hypothesis, ...]:
    """Beliefs after a test; `if_true` and `if_false` are the probabilities of a pass when the tested hypothesis is true, and when it is not."""
    moved = list(table)
    if result.side != "unknown":
        moved = _moved(table, result.entity, result.side == "for", if_true=if_true, if_false=if_false)
    return tuple(_with(each, result) for each in moved)


def _moved(
    table: Sequence[Hypothesis], tested: str, passed: bool, *, if_true: float, if_false: float
) -> list[Hypothesis]:
    """Bayes' rule over the hypotheses and "none of them"."""
    as_tested, as_other = (if_true, if_false) if passed else (1.0 - if_true, 1.0 - if_false)
    joint = [each.belief * (as_tested if each.entity == tested else as_other) for each in table]
    nobody = max(0.0, 1.0 - sum(each.belief for each in table)) * as_other
    whole = sum(joint) + nobody
    if whole <= 0.0:
        return list(table)
    return [replace(each, belief=part / whole) for each, part in zip(table, joint, strict=True)]


def _with(hypothesis: Hypothesis, result: TestResult) -> Hypothesis:
    if hypothesis.entity != result.entity:
        return hypothesis
    return replace(hypothesis, results=(*hypothesis.results, result))


def entropy(beliefs: Sequence[float]) -> float:
    """Uncertainty in bits of the beliefs together with "none of them"."""
    whole = [*beliefs, max(0.0, 1.0 - sum(beliefs))]
    return -sum(each * log2(each) for each in whole if each > 0.0)


def expected_information(
    table: Sequence[Hypothesis], entity: str, *, if_true: float, if_false: float
) -> float:
    """Bits by which a test of one hypothesis is expected to lower the uncertainty: H(now) - E[H(after)].

    References
    ----------
    Lindley, On a measure of the information provided by an experiment, 1956, eq. 3.
    """
    belief = next((each.belief for each in table if each.entity == entity), 0.0)
    passing = belief * if_true + (1.0 - belief) * if_false
    after = 0.0
    for passed, chance in ((True, passing), (False, 1.0 - passing)):
        if chance > 0.0:
            moved = _moved(table, entity, passed, if_true=if_true, if_false=if_false)
            after += chance * entropy([each.belief for each in moved])
    return entropy([each.belief for each in table]) - after
