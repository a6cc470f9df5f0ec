"""A plan that no signal judges is carried out, and nobody says that it helped."""

from __future__ import annotations

import pytest
from tests.unit.incidents.remediation.bench import NOW, WELL, Make, carried_out

from sre_copilot.store.alerting.states import AlertRecords
from sre_copilot.store.outcomes import Outcomes
from sre_copilot.testing.acting import GivenSignals, add, guard, plan, recovery, step


@pytest.mark.parametrize(
    ("checks", "said", "counted"),
    [((recovery(),), "succeeded", 1), ((guard(),), "carried_out", 0), ((), "carried_out", 0)],
)
def test_what_no_signal_shows_is_not_called_a_help(
    make: Make, checks: tuple, said: str, counted: int
) -> None:  # type: ignore[type-arg]
    acting = make(signals=GivenSignals(**WELL))
    kept = carried_out(acting, plan([step("s1", add("a"), checks=checks)], now=NOW))
    assert acting.status(kept.id) == "succeeded"
    ends = {"remediation.succeeded", "remediation.carried_out"}
    timeline = [row["key"] for row in AlertRecords(acting.database).timeline("INC-1")]
    assert [key for key in timeline if key in ends] == [f"remediation.{said}"]
    assert Outcomes(acting.database).record("counted.add").total == counted
