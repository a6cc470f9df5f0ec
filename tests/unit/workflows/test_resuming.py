"""Runs that are gone on with: nothing is done twice, and nothing with more rights than both had."""

from __future__ import annotations

import pytest

from sre_copilot.store.workflows import runs
from sre_copilot.testing.workflows import Bench, counted
from sre_copilot.workflows.ports import PlanState
from sre_copilot.workflows.resuming import role_that_sees

ACTION = "provider: {type: action.kubernetes.rollout_restart, with: {target: {kind: Deployment, name: cart}}}"
ACT = f"workflow:\n  id: act\n  steps:\n    - {{name: one, provider: {{type: tool.count}}}}\n    - {{name: restart, {ACTION}}}\n    - {{name: two, provider: {{type: tool.flaky}}}}\n"
INNER = f"workflow:\n  id: inner\n  at_once: 1\n  inputs: [{{name: n, type: integer, default: 0}}]\n  steps:\n    - {{name: act, {ACTION}}}\n    - {{name: then, provider: {{type: tool.flaky}}}}\n"
OUTER = "workflow:\n  id: outer\n  steps:\n    - {name: sub, provider: {type: workflow, with: {id: inner, inputs: {n: 1}}}}\n"


@pytest.fixture
def cancelled(bench: Bench) -> str:
    bench.tools.answers["count"], _ = counted()
    bench.tools.answers["flaky"] = {"good": 1}
    run = bench.start(ACT, role="admin")
    bench.after(30)
    bench.decide.states["PLAN-1"] = PlanState(plan_id="PLAN-1", status="executing", over=False)
    bench.runs.cancel(run, who="ann")
    return run


def resumed(bench: Bench, run: str, role: str = "admin") -> str:
    return bench.runs.resume(run, who="bob", role=role).run  # type: ignore[arg-type]


def test_a_plan_that_is_still_carried_out_is_waited_for_and_not_proposed_again(
    bench: Bench, cancelled: str
) -> None:
    run = resumed(bench, cancelled)
    bench.after(120)
    assert len(bench.decide.proposals) == 1
    assert bench.runs.get(run)["status"] == "running"
    bench.decide.settle("PLAN-1", "succeeded")
    assert bench.settled(run)["status"] == "succeeded"
    assert len(bench.decide.proposals) == 1


def test_a_plan_that_succeeded_after_its_run_had_ended_is_not_proposed_again(
    bench: Bench, cancelled: str
) -> None:
    bench.decide.settle("PLAN-1", "succeeded")
    assert bench.settled(resumed(bench, cancelled))["status"] == "succeeded"
    assert len(bench.decide.proposals) == 1


def test_a_plan_that_failed_is_proposed_again(bench: Bench, cancelled: str) -> None:
    bench.decide.settle("PLAN-1", "failed")
    run = resumed(bench, cancelled)
    bench.after(30)
    assert len(bench.decide.proposals) == 2
    bench.decide.settle("PLAN-2", "succeeded")
    assert bench.settled(run)["status"] == "succeeded"


def test_what_was_finished_counts_however_often_a_run_is_gone_on_with(bench: Bench, cancelled: str) -> None:
    second = resumed(bench, cancelled)
    bench.runs.cancel(second, who="bob")  # before it has done anything
    third = resumed(bench, second)
    bench.after(30)
    bench.decide.settle("PLAN-1", "succeeded")
    assert bench.settled(third)["status"] == "succeeded"
    assert len(bench.decide.proposals) == 1
    assert [name for name, _ in bench.tools.asked] == ["count", "flaky"]


def test_a_run_that_is_gone_on_with_has_the_lower_of_both_roles(bench: Bench) -> None:
    text = "workflow:\n  id: low\n  steps:\n    - {name: a, provider: {type: tool.nothing}}\n"
    for first, caller, expected in (("admin", "responder", "responder"), ("viewer", "admin", "viewer")):
        run = bench.start(text, role=first)  # type: ignore[arg-type]
        bench.settled(run)
        again = bench.runs.get(resumed(bench, run, caller))
        assert again["role"] == expected
        bench.settled(again["id"])
        assert bench.tools.askers[-1].role == expected


def test_what_a_lower_role_goes_on_with_is_seen_by_the_higher_role_alone(bench: Bench) -> None:
    run = bench.start(
        "workflow:\n  id: low\n  steps: [{name: a, provider: {type: tool.nothing}}]", role="admin"
    )
    bench.settled(run)
    again = bench.runs.get(resumed(bench, run, "responder"))
    assert role_that_sees(bench.store, again) == "admin"
    bench.store.forget(before=bench.clock.now() + 1)
    assert role_that_sees(bench.store, again) is None


def test_effects_of_a_workflow_within_one_are_not_repeated(bench: Bench) -> None:
    bench.collection.apply(INNER, who="ann")
    run = bench.start(OUTER)
    bench.after(30)
    bench.decide.settle("PLAN-1", "succeeded")
    assert bench.settled(run)["status"] == "failed"  # there is no tool `flaky`
    bench.tools.answers["flaky"] = {"good": 1}
    bench.collection.apply(INNER.replace("id: inner", "id: inner\n  name: Newer"), who="ann")
    again = bench.settled(resumed(bench, run))
    assert (again["status"], len(bench.decide.proposals)) == ("succeeded", 1)


def test_a_workflow_within_one_that_gets_other_inputs_begins_anew(bench: Bench) -> None:
    bench.collection.apply(INNER, who="ann")
    bench.tools.answers["count"], _ = counted()
    sub = "provider: {type: workflow, with: {id: inner, inputs: {n: '{{ steps.a.output.number }}'}}}"
    both = f"parallel: {{x: [{{name: a, provider: {{type: tool.count}}}}, {{name: sub, {sub}}}]}}"
    run = bench.start(f"workflow:\n  id: outer\n  steps:\n    - {{name: both, {both}}}\n")
    bench.after(30)
    bench.decide.settle("PLAN-1", "succeeded")
    bench.settled(run)
    first = bench.store.page(workflow="inner").rows[0]
    with bench.database.write() as connection:  # as if it had been given something else
        connection.execute(runs.update().where(runs.c.id == first["id"]).values(inputs='{"n": 7}'))
    again = resumed(bench, run)
    bench.after(30)
    assert len(bench.decide.proposals) == 2
    assert bench.runs.get(again)["status"] == "running"


def test_at_once_holds_for_runs_that_are_gone_on_with_and_for_workflows_within_one(bench: Bench) -> None:
    bench.collection.apply(INNER, who="ann")
    first = bench.runs.start("inner", {}, who="ann", role="admin").run
    run = bench.start(OUTER)
    bench.after(30)
    assert "as its `at_once` (1) allows" in bench.runs.get(run)["error"]
    bench.runs.cancel(first, who="ann")
    bench.runs.start("inner", {}, who="ann", role="admin")
    assert bench.runs.resume(first, who="ann", role="admin").outcome == "too_many"
