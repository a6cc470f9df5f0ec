"""A repair from its beginning to its end, with a clock that is turned by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.incidents.remediation.bench import NOW, WELL, Make, carried_out, durable_of, two_steps

from sre_copilot.domain.plan import Plan
from sre_copilot.settings.acting.remediation import Remediation
from sre_copilot.store.alerting.states import AlertRecords
from sre_copilot.store.outcomes import Outcomes
from sre_copilot.testing.acting import Acting, GivenSignals, add, plan, step


def test_a_plan_that_helps_is_carried_out_in_the_order_of_its_needs_and_succeeds(make: Make) -> None:
    acting = make(signals=GivenSignals(**WELL))
    kept = carried_out(acting, two_steps())
    assert acting.status(kept.id) == "succeeded"
    assert acting.target.counts() == {f"{kept.id}/s1/do": 1, f"{kept.id}/s2/do": 1}
    rows = acting.rows.steps(kept.id)
    assert [(row["step_id"], row["state"]) for row in rows] == [("s1", "done"), ("s2", "done")]
    assert acting.handed_over == []


def test_signals_that_stay_bad_take_all_steps_back_in_reverse(make: Make) -> None:
    acting = make(signals=GivenSignals(errors=0.9, latency=0.2))
    kept = carried_out(acting, two_steps())
    assert acting.status(kept.id) == "rolled_back"
    assert [acting.target.get(name)[0] for name in "ab"] == [10.0, 10.0]  # type: ignore[index]
    order = [key.removeprefix(kept.id) for key in acting.target.order()]
    assert order == ["/s1/do", "/s2/do", "/s2/undo", "/s1/undo"]
    assert {row["state"] for row in acting.rows.steps(kept.id)} == {"undone"}


def test_a_guard_that_breaks_between_two_steps_keeps_the_second_from_being_done(make: Make) -> None:
    acting = make(signals=GivenSignals(errors=0.01, latency=3.0))
    kept = carried_out(acting, two_steps())
    assert acting.status(kept.id) == "rolled_back"
    assert acting.target.made(f"{kept.id}/s2/do") == 0
    assert acting.target.made(f"{kept.id}/s1/undo") == 1


def test_a_signal_that_nobody_can_read_is_never_taken_as_well(make: Make) -> None:
    acting = make(signals=GivenSignals(errors=None, latency=0.2))
    kept = carried_out(acting, two_steps())
    assert acting.status(kept.id) == "rolled_back"
    assert acting.rows.get(kept.id)["reason"]["key"] == "remediation.signals_untold"  # type: ignore[index]


def test_a_signal_that_recovers_while_patience_lasts_is_waited_for(make: Make) -> None:
    acting = make(
        signals=GivenSignals(errors=lambda since, until: 0.0 if until > NOW + 50 else 0.9, latency=0.2)
    )
    kept = carried_out(acting, two_steps())
    assert acting.status(kept.id) == "succeeded"
    assert acting.clock.now() >= NOW + 50


def test_measured_windows_never_reach_back_before_the_step_was_verified(make: Make) -> None:
    signals = GivenSignals(**WELL)
    acting = make(signals=signals)
    carried_out(acting, two_steps())
    assert all(since >= NOW and 0 < until - since <= 15.0 for _, since, until in signals.asked)


def test_outcomes_are_counted_once_for_each_step_and_only_where_signals_were_checked(make: Make) -> None:
    acting = make(signals=GivenSignals(**WELL))
    carried_out(acting, two_steps())
    carried_out(acting, replace(plan([step("s1", add("a"))], now=NOW), incident_id="INC-2"))
    record = Outcomes(acting.database).record("counted.add", fault_type="memory_leak")
    assert (record.good, record.total) == (2, 2)
    assert record.median_seconds is not None
    assert record.median_seconds >= 10.0


def test_what_did_not_help_is_counted_as_such(make: Make) -> None:
    acting = make(signals=GivenSignals(errors=0.9, latency=0.2))
    carried_out(acting, two_steps())
    record = Outcomes(acting.database).record("counted.add")
    assert (record.good, record.total) == (0, 2)


@pytest.mark.parametrize(
    "name", ["begin", "prepare s1", "do s1 0", "verify do s1 0", "do s2 0", "signals all 0", "succeed"]
)
def test_a_crash_after_any_step_and_before_its_record_makes_no_effect_twice(make: Make, name: str) -> None:
    acting = make(signals=GivenSignals(**WELL))
    durable_of(acting).crash_in(name)
    kept = carried_out(acting, two_steps())
    assert acting.status(kept.id) == "succeeded"
    assert set(acting.target.counts().values()) == {1}
    told = [row["key"] for row in AlertRecords(acting.database).timeline("INC-1")]
    steps = ["action.started", "action.finished"] * 2
    assert told == ["plan.proposed", "remediation.begun", *steps, "remediation.succeeded"]


@pytest.mark.parametrize("name", ["turn back", "undo s2?", "undo s2 0", "undone s2", "undo s1 0", "end"])
def test_a_crash_while_it_is_taken_back_leaves_the_undo_complete(make: Make, name: str) -> None:
    acting = make(signals=GivenSignals(errors=0.9, latency=0.2))
    durable_of(acting).crash_in(name)
    kept = carried_out(acting, two_steps())
    assert acting.status(kept.id) == "rolled_back"
    assert [acting.target.get(each)[0] for each in "ab"] == [10.0, 10.0]  # type: ignore[index]
    assert set(acting.target.counts().values()) == {1}


def test_a_step_that_cannot_be_taken_back_leaves_those_below_it_and_goes_to_people(make: Make) -> None:
    acting = make(signals=GivenSignals(errors=0.9, latency=0.2))
    made = two_steps()
    stuck = replace(made.steps[0], action=add("b", stuck=True))
    kept = carried_out(acting, replace(made, steps=(stuck, made.steps[1])))
    assert acting.status(kept.id) == "failed"
    assert acting.handed_over[0]["left"] == ["s1", "s2"]
    assert acting.target.made(f"{kept.id}/s1/undo") == 0


def test_after_a_failure_the_incident_is_diagnosed_again_at_most_twice_and_then_people_take_over(
    make: Make,
) -> None:
    acting: Acting
    made: list[str] = []

    def again(failed: Plan, known: Any) -> str:
        assert known["failure"]["kind"] == "signals"
        further = replace(two_steps(), attempt=failed.attempt + 1, created_at=acting.clock.now())
        made.append(acting.approved(further, key=f"again/{failed.id}").id)
        return made[-1]

    acting = make(signals=GivenSignals(errors=0.9, latency=0.2), again=again)
    carried_out(acting, two_steps())
    acting.clock._now += 700.0  # type: ignore[attr-defined]  # past the pause after what did not help
    for _ in range(3):
        acting.remedies.turn()
        durable_of(acting).run_until_idle()
        acting.clock._now += 700.0  # type: ignore[attr-defined]
    assert len(made) == 2
    assert [each["attempt"] for each in acting.handed_over] == [3]
    assert acting.handed_over[0]["effects"]


def test_an_effect_that_nobody_can_tell_of_goes_to_people_and_nothing_else_is_touched(make: Make) -> None:
    acting = make(signals=GivenSignals(**WELL))
    send = replace(add("b", fail="unknown"), name="counted.send")
    steps = (step("s1", add("a")), step("s2", send, needs=("s1",)))
    kept = carried_out(acting, plan(steps, now=NOW))
    assert acting.status(kept.id) == "failed"
    assert acting.handed_over[0]["failure"]["kind"] == "unknown"
    assert acting.target.counts() == {f"{kept.id}/s1/do": 1}


def test_a_passing_failure_is_tried_again_and_an_effect_whose_answer_was_lost_is_found(make: Make) -> None:
    acting = make(signals=GivenSignals(**WELL))
    steps = (step("s1", add("a", fail="retry", times=2)), step("s2", add("b", fail="after")))
    kept = carried_out(acting, plan(steps, now=NOW))
    assert acting.status(kept.id) == "succeeded"
    assert acting.target.counts() == {f"{kept.id}/s1/do": 1, f"{kept.id}/s2/do": 1}


def test_a_paused_plan_waits_and_goes_on_and_one_that_is_called_off_is_taken_back(make: Make) -> None:
    acting = make(signals=GivenSignals(**WELL))
    durable = durable_of(acting)
    kept = acting.approved(two_steps())
    acting.remedies.start(kept.id)
    durable.run_until(NOW + 1)
    assert acting.wish(kept.id, "pause", who="alice")
    durable.run_until(NOW + 100)
    assert acting.status(kept.id) == "paused"
    assert acting.target.counts() == {f"{kept.id}/s1/do": 1}
    assert acting.wish(kept.id, "resume", who="alice")
    acting.remedies.turn()
    durable.run_until(NOW + 101)
    assert acting.status(kept.id) == "running"
    assert acting.wish(kept.id, "cancel", who="bob")
    assert not acting.wish(kept.id, "resume", who="alice")
    durable.run_until_idle()
    assert acting.status(kept.id) == "cancelled"
    assert [acting.target.get(each)[0] for each in "ab"] == [10.0, 10.0]  # type: ignore[index]
    assert acting.handed_over == []


def test_a_pause_that_nobody_ends_calls_the_plan_off(make: Make) -> None:
    acting = make(signals=GivenSignals(**WELL), settings=Remediation(longest_pause_seconds=60))
    kept = acting.approved(two_steps())
    acting.remedies.start(kept.id)
    durable_of(acting).run_until(NOW + 1)
    acting.wish(kept.id, "pause", who="alice")
    durable_of(acting).run_until_idle()
    assert acting.status(kept.id) == "cancelled"
    assert acting.target.get("a") == (10.0, 3)


@pytest.mark.parametrize(("what", "status"), [("undo", "rolled_back"), ("complete", "succeeded")])
def test_the_kill_switch_takes_begun_plans_back_or_lets_them_be_completed(
    make: Make, what: Any, status: str
) -> None:
    acting = make(signals=GivenSignals(**WELL), settings=Remediation(on_kill_switch=what))
    kept = acting.approved(two_steps())
    acting.remedies.start(kept.id)
    durable_of(acting).run_until(NOW + 1)
    acting.switch.throw(who="alice", reason="too much at once")
    durable_of(acting).run_until_idle()
    assert acting.status(kept.id) == status
    assert (acting.target.made(f"{kept.id}/s2/do") == 1) == (what == "complete")


def test_a_plan_waits_for_a_target_that_another_plan_works_at(make: Make) -> None:
    acting = make(signals=GivenSignals(**WELL))
    first, second = acting.approved(two_steps()), acting.approved(plan([step("x", add("a"))], now=NOW))
    assert acting.remedies.turn() == 1
    assert acting.remedies.start(second.id).reason.key == "remediation.target_held"  # type: ignore[union-attr]
    durable_of(acting).run_until_idle()
    assert acting.status(first.id) == "succeeded"
    assert acting.remedies.turn() == 1
    durable_of(acting).run_until_idle()
    assert acting.status(second.id) == "succeeded"


def test_a_run_that_was_cut_off_is_ended_and_goes_to_people(make: Make) -> None:
    acting = make(signals=GivenSignals(**WELL))
    kept = acting.approved(two_steps())
    acting.remedies.start(kept.id)
    durable_of(acting).run_until(NOW + 1)
    durable_of(acting).cancel(kept.id)
    acting.clock._now += 60.0  # type: ignore[attr-defined]
    acting.remedies.turn()
    assert acting.status(kept.id) == "failed"
    assert acting.handed_over[0]["failure"]["reason"]["key"] == "remediation.cut_off"
    assert acting.remedies.start(kept.id).reason.key == "remediation.over"  # type: ignore[union-attr]
