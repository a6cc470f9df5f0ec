"""The common change point of many series."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sre_copilot.cognition.baselines.change_point import change_point


def stepped(at: int, bins: int = 24, height: float = 1.5) -> np.ndarray:
    random = np.random.default_rng(3)
    values = random.normal(0, 0.1, (5, bins))
    values[:3, at:] += height
    return values


@given(st.integers(3, 20))
def test_a_common_step_is_found_where_it_is(at: int) -> None:
    found = change_point(stepped(at), allowed=np.ones(24, dtype=bool), floor=0.2)
    assert found is not None
    assert found.index == at


def test_noise_has_no_change_point() -> None:
    assert change_point(stepped(10, height=0.0), allowed=np.ones(24, dtype=bool), floor=0.2) is None


def test_a_split_that_is_not_allowed_is_not_chosen() -> None:
    allowed = np.ones(24, dtype=bool)
    allowed[10] = False
    found = change_point(stepped(10), allowed=allowed, floor=0.2)
    assert found is None or found.index != 10


@given(arrays(np.float64, (3, 12), elements=st.floats(-50, 50)), st.floats(-100, 100))
@settings(max_examples=40)
def test_the_strength_is_finite_and_a_shift_of_all_levels_changes_nothing(
    values: np.ndarray, shift: float
) -> None:
    values[0, ::3] = np.nan
    allowed = np.ones(12, dtype=bool)
    found = change_point(values, allowed=allowed, floor=0.5)
    moved = change_point(values + shift, allowed=allowed, floor=0.5)
    assert (found is None) == (moved is None)
    if found is not None and moved is not None:
        assert np.isfinite(found.strength)
        assert abs(found.strength - moved.strength) < 1e-3


def test_nothing_at_all_has_no_change_point() -> None:
    assert change_point(np.empty((0, 5)), allowed=np.ones(5, dtype=bool), floor=0.2) is None
