"""A plan of high risk: each step waits for a person, through crashes and pauses, and what nobody lets go is called off."""

from __future__ import annotations

from typing import Any

from tests.unit.incidents.remediation.bench import NOW, WELL, Make, durable_of, two_steps

from sre_copilot.domain.plan import Mode, Plan
from sre_copilot.store.alerting.states import AlertRecords
from sre_copilot.store.approvals import keep_go_ahead
from sre_copilot.store.remediation import waiting_step
from sre_copilot.testing.acting import Acting, GivenSignals


def begun(acting: Acting) -> Plan:
    """A plan that is carried out step by step, begun."""
    kept = acting.approved(two_steps(mode=Mode.MANUAL))
    assert acting.remedies.turn() == 1
    return kept


def let_go(acting: Acting, plan: Plan, step: str) -> None:
    """The go-ahead of a person, as the door keeps it."""
    row: dict[str, Any] = {"fingerprint": plan.fingerprint, "person": "ann", "who": "ann", "token_id": "",
                           "on_behalf_of": "", "way": "rest", "reason": "", "at": NOW}  # fmt: skip
    with acting.database.write() as connection:
        keep_go_ahead(connection, plan.id, step, row)
        assert not keep_go_ahead(connection, plan.id, step, row)


def waits(acting: Acting, plan: Plan) -> str:
    with acting.database.begin() as connection:
        return waiting_step(connection, plan.id)


def test_each_step_waits_for_a_person_and_nothing_is_done_before(make: Make) -> None:
    acting = make(signals=GivenSignals(**WELL))
    plan = begun(acting)
    runs = durable_of(acting)
    runs.run_until(acting.clock.now() + 60)
    assert (acting.status(plan.id), waits(acting, plan), acting.target.counts()) == ("paused", "s1", {})
    let_go(acting, plan, "s1")
    acting.remedies.turn()
    runs.run_until(acting.clock.now() + 60)
    assert (acting.status(plan.id), waits(acting, plan)) == ("paused", "s2")
    assert acting.target.counts() == {f"{plan.id}/s1/do": 1}
    let_go(acting, plan, "s2")
    acting.remedies.turn()
    runs.run_until_idle()
    assert acting.status(plan.id) == "succeeded"
    told = [row["key"] for row in AlertRecords(acting.database).timeline("INC-1")]
    assert told.count("remediation.waits_for_person") == 2


def test_what_nobody_lets_go_is_called_off_and_what_was_done_is_taken_back(make: Make) -> None:
    acting = make(signals=GivenSignals(**WELL))
    plan = begun(acting)
    let_go(acting, plan, "s1")
    durable_of(acting).run_until_idle()
    assert acting.status(plan.id) == "cancelled"
    assert acting.rows.get(plan.id)["reason"]["key"] == "remediation.no_go_ahead"  # type: ignore[index]
    assert acting.target.counts() == {f"{plan.id}/s1/do": 1, f"{plan.id}/s1/undo": 1}


def test_a_pause_of_a_person_outlasts_the_go_ahead_of_another(make: Make) -> None:
    acting = make(signals=GivenSignals(**WELL))
    plan = begun(acting)
    acting.wish(plan.id, "pause", who="bob")
    let_go(acting, plan, "s1")
    acting.remedies.turn()
    durable_of(acting).run_until(acting.clock.now() + 60)
    assert (acting.status(plan.id), acting.target.counts()) == ("paused", {})


def test_a_plan_that_waits_with_a_step_and_is_called_off_is_never_said_to_go_on(make: Make) -> None:
    acting = make(signals=GivenSignals(**WELL))
    plan = begun(acting)
    durable_of(acting).run_until(acting.clock.now() + 60)
    acting.wish(plan.id, "cancel", who="bob")
    durable_of(acting).run_until_idle()
    assert (acting.status(plan.id), acting.target.counts()) == ("cancelled", {})
    told = [row["key"] for row in AlertRecords(acting.database).timeline("INC-1")]
    assert told[-1] == "remediation.ended"
    assert "remediation.resumed" not in told
