from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from sre_copilot.decision.record import Standing, standing_of, wilson_lower_bound
from sre_copilot.domain.plan import Record


@pytest.mark.parametrize(("good", "total"), [(3, 3), (8, 8), (7, 8), (19, 20), (1, 10), (0, 5), (190, 200)])
def test_the_bound_is_that_of_wilson_as_scipy_computes_it(good: int, total: int) -> None:
    two_sided = binomtest(good, total).proportion_ci(confidence_level=0.90, method="wilson")
    assert wilson_lower_bound(good, total) == pytest.approx(two_sided.low, abs=1e-9)


def test_three_of_three_are_no_certainty_and_no_case_is_no_success() -> None:
    assert 0.5 < wilson_lower_bound(3, 3) < 0.55
    assert wilson_lower_bound(0, 0) == 0.0


@given(good=st.integers(0, 200), bad=st.integers(0, 200))
def test_a_further_success_never_lowers_the_bound_and_a_failure_never_raises_it(good: int, bad: int) -> None:
    here = wilson_lower_bound(good, good + bad)
    assert 0.0 <= here <= 1.0
    assert wilson_lower_bound(good + 1, good + bad + 1) >= here - 1e-12
    assert wilson_lower_bound(good, good + bad + 1) <= here + 1e-12


def test_outcomes_in_order_tell_what_went_well_since_the_last_failure() -> None:
    assert standing_of([]) == Standing()
    assert standing_of([True, True]) == Standing(record=Record(good=2, total=2))
    assert standing_of([True, False, True, True]).since_failure == 2
    assert standing_of([True, False]).since_failure == 0


def test_a_failure_counts_until_enough_went_well_and_one_of_unknown_time_counts_as_the_last() -> None:
    assert standing_of([False, True, True]).failed_lately(3)
    assert not standing_of([False, True, True, True]).failed_lately(3)
    assert not standing_of([True]).failed_lately(3)
    assert Standing(record=Record(good=50, total=51)).failed_lately(3)
