"""A number with its noun."""

from __future__ import annotations

import pytest

from sre_copilot.cli.times import length_of
from sre_copilot.cli.words import counted


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 alerts"), (1, "1 alert"), (2, "2 alerts"), (1000, "1,000 alerts")]
)
def test_one_is_singular_and_all_else_is_not(count: int, said: str) -> None:
    assert counted(count, "alert") == said


def test_a_plural_of_its_own_is_given() -> None:
    assert (counted(1, "policy", "policies"), counted(3, "policy", "policies")) == ("1 policy", "3 policies")


@pytest.mark.parametrize(
    ("seconds", "said"), [(45, "45 s"), (90, "90 s"), (1800, "30 min"), (3600, "1 h"), (86_400, "24 h"), (172_800, "2 days")]
)  # fmt: skip
def test_a_length_is_said_in_the_largest_unit_that_fits(seconds: float, said: str) -> None:
    assert length_of(seconds) == said
