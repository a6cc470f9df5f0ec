"""Past faults against the plans that would have been made."""

from __future__ import annotations

from typing import Any

import pytest

from sre_copilot.decision.simulation import Simulated, strategies_in, tally
from sre_copilot.domain.plan import Plan
from sre_copilot.testing.plans import a_plan


def past(did: str, plan: Plan | None = None, **more: Any) -> Simulated:
    return Simulated(
        key="p", at=1.0, service="cart", fault_type="process/hung", did=did, strategies=strategies_in(did), plan=plan, **more
    )  # fmt: skip


@pytest.mark.parametrize(
    ("did", "planned", "verdict"),
    [
        ("Restarted it", True, "fits"),
        ("回滚到上一版本", True, "differs"),
        ("Called the owner", True, "unknown"),
        ("Restarted it", False, "none"),
        ("It recovered by itself", False, "fits"),
    ],
)
def test_a_plan_is_held_against_what_people_did(did: str, planned: bool, verdict: str) -> None:
    assert past(did, a_plan() if planned else None).verdict == verdict


def test_the_share_is_of_those_that_can_be_compared_and_says_of_how_many() -> None:
    found = tally(
        [past("Restarted it", a_plan()), past("Rolled back", a_plan()), past("Called somebody", a_plan())]
    )
    assert (found.cases, found.comparable, found.fits, found.share) == (3, 2, 1, 0.5)
    assert found.modes == {"SEMI_AUTO": 3}
    assert tally([]).share is None
