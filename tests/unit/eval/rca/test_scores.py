import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sre_copilot.domain.incident import Outcome
from sre_copilot.eval.rca.scores import Scored, accuracy_at, calibration_error, quantile, rank_of, score_set


def case(
    rank: int | None, probability: float, outcome: Outcome = Outcome.FAULT, **more: bool | None
) -> Scored:
    return Scored(case="c", rank=rank, candidates=4, outcome=outcome, probability=probability, **more)


CASES = [
    case(1, 0.9, type_right=True, full_match=True),
    case(2, 0.85, type_right=False, full_match=False),
    case(4, 0.3, Outcome.INCONCLUSIVE, type_right=True, full_match=False),
    case(None, 0.1, Outcome.NO_FAULT, type_right=False, full_match=False),
]


def test_the_figures_of_a_set_are_those_computed_by_hand() -> None:
    scores = score_set(CASES, seconds=[0.1, 0.2, 0.3, 0.6])
    assert (scores.n, scores.ac1, scores.ac3, scores.ac5) == (4, 0.25, 0.5, 0.75)
    assert scores.avg5 == pytest.approx((0.25 + 0.5 + 0.5 + 0.75 + 0.75) / 5)
    assert scores.mrr == pytest.approx((1 + 1 / 2 + 1 / 4 + 0) / 4)
    assert scores.chance_ac1 == 0.25
    assert (scores.type_accuracy, scores.full_match) == (0.5, 0.25)
    assert (scores.seconds_median, scores.seconds_p95) == (pytest.approx(0.25), pytest.approx(0.555))


def test_no_fault_on_a_fault_is_confident_and_wrong_whatever_its_probability() -> None:
    scores = score_set(CASES)
    assert (scores.confident_wrong, scores.confident_right, scores.inconclusive) == (0.5, 0.25, 0.25)


def test_what_was_not_there_is_none_and_not_zero() -> None:
    empty = score_set([]).as_dict()
    assert empty.pop("n") == 0
    assert set(empty.values()) == {None}
    assert score_set([case(1, 0.5)]).full_match is None


def test_chance_is_the_mean_of_one_over_the_candidates() -> None:
    two = [Scored(case="c", rank=1, candidates=n, outcome=Outcome.FAULT, probability=0.5) for n in (2, 4)]
    assert score_set(two).chance_ac1 == pytest.approx(0.375)


def test_calibration_error_weighs_the_gaps_of_ten_equal_bins() -> None:
    said = [0.95, 0.91, 0.15, 0.12]
    was = [True, False, False, False]
    assert calibration_error(said, was) == pytest.approx((abs(1.86 - 1) + abs(0.27 - 0)) / 4)
    assert calibration_error([1.0, 1.0], [True, True]) == 0.0
    assert calibration_error([], []) is None


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1))
def test_calibration_error_is_a_share_and_free_of_order(pairs: list[tuple[float, bool]]) -> None:
    error = calibration_error([said for said, _ in pairs], [was for _, was in pairs])
    turned = calibration_error([said for said, _ in pairs[::-1]], [was for _, was in pairs[::-1]])
    assert error is not None
    assert turned is not None
    assert 0 <= error <= 1
    assert math.isclose(error, turned, abs_tol=1e-12)


def test_ranks_count_from_one_and_an_absent_entity_has_none() -> None:
    assert rank_of("b", ("a", "b")) == 2
    assert rank_of("z", ("a", "b")) is None
    assert accuracy_at([1, None, 3], 3) == pytest.approx(2 / 3)
    assert quantile([], 0.5) is None
