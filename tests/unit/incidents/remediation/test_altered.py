"""A plan that was altered in the store stops no other, and ends wherever it stands."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update
from tests.unit.incidents.remediation.bench import NOW, WELL, Make, durable_of

from sre_copilot.store.limits import holder
from sre_copilot.store.plans import plans
from sre_copilot.testing.acting import Acting, GivenSignals, add, plan, step


def alter(acting: Acting, plan_id: str) -> None:
    """Write something else into a plan."""
    mine = plans.c.id == plan_id
    with acting.database.write() as connection:
        text = connection.execute(select(plans.c.document).where(mine)).scalar_one()
        changed = text.replace('"by":1', '"by":7')
        assert changed != text
        connection.execute(update(plans).where(mine).values(document=changed))


@pytest.mark.parametrize("stands", ["proposed", "approved", "running"])
def test_an_altered_plan_ends_by_its_row_and_the_next_one_is_carried_out(make: Make, stands: str) -> None:
    acting = make(signals=GivenSignals(**WELL))
    made = plan([step("s1", add("a"))], now=NOW)
    bad = acting.plans.propose(made) if stands == "proposed" else acting.approved(made)
    if stands == "running":
        acting.remedies.turn()
    good = acting.approved(plan([step("s1", add("b"))], now=NOW + 1, incident_id="INC-2"))
    alter(acting, bad.id)
    acting.remedies.turn()
    durable_of(acting).run_until_idle()
    acting.remedies.turn()
    page = acting.plans.page().rows
    assert {row["id"]: row["status"] for row in page} == {bad.id: "failed", good.id: "succeeded"}
    assert acting.target.counts() == {f"{good.id}/s1/do": 1}
    told = [each["plan_id"] for each in acting.handed_over]
    assert told == [bad.id]
    assert [row["outcome"] for row in acting.audit.page(subject=bad.id, verb="plan.failed").rows] == ["done"]
    with acting.database.begin() as connection:
        assert holder(connection, add("a").target.key) is None
