"""Runs: begun once for each cause, cancelled with all that they began, gone on with, never lost, never for ever."""

from __future__ import annotations

import pytest

from sre_copilot.errors import DurableError, UsageError
from sre_copilot.testing.workflows import Bench, counted
from sre_copilot.workflows.problems import WorkflowProblems

SLOW = """
workflow:
  id: slow
  timeout: 2h
  at_once: 2
  inputs: [{name: n, type: integer, required: true}]
  steps:
    - {name: one, provider: {type: tool.count}}
    - name: both
      parallel:
        a: [{name: w, provider: {type: wait, with: {for: 1h}}}]
        b: [{name: sub, provider: {type: workflow, with: {id: inner}}}]
    - {name: two, provider: {type: tool.count}}
"""
INNER = """
workflow:
  id: inner
  steps:
    - {name: act, provider: {type: action.kubernetes.rollout_restart, with: {target: {kind: Deployment, name: cart}}}}
    - {name: ask, provider: {type: human, with: {title: Well?}}}
"""


@pytest.fixture
def slow(bench: Bench) -> str:
    bench.tools.answers["count"], _ = counted()
    bench.collection.apply(INNER, who="ann")
    return bench.start(SLOW, {"n": 1})


def test_inputs_are_checked_before_anything_runs(bench: Bench, slow: str) -> None:
    for given, problem in (
        ({}, "inputs.n: is missing"),
        ({"n": "x"}, "is no integer"),
        ({"n": 1, "m": 2}, "inputs.m: is no input"),
    ):
        with pytest.raises(UsageError, match=problem):
            bench.runs.start("slow", given, who="ann", role="viewer")
    with pytest.raises(UsageError, match="workflow 'nothing': is not there"):
        bench.runs.start("nothing", {}, who="ann", role="viewer")


def test_a_cause_starts_one_run_and_too_many_at_once_are_refused(bench: Bench, slow: str) -> None:
    first = bench.runs.start("slow", {"n": 2}, who="ann", role="viewer", cause="alert 1")
    again = bench.runs.start("slow", {"n": 2}, who="ann", role="viewer", cause="alert 1")
    assert (first.outcome, again.outcome, again.run) == ("started", "known", first.run)
    assert bench.runs.start("slow", {"n": 3}, who="ann", role="viewer", cause="alert 2").outcome == "too_many"


def test_cancelling_ends_everything_that_a_run_began(bench: Bench, slow: str) -> None:
    bench.after(30)
    inner = next(row["id"] for row in bench.store.page().rows if row["workflow_id"] == "inner")
    assert bench.runs.cancel(slow, who="bob")
    assert not bench.runs.cancel(slow, who="bob")
    bench.memory.run_until_idle()
    assert {state.status for state in bench.memory.states()} == {"cancelled"}
    assert (bench.runs.get(slow)["status"], bench.runs.get(inner)["status"]) == ("cancelled", "cancelled")
    assert bench.decide.withdrawn == ["PLAN-1"]
    assert bench.runs.get(slow)["error"] == "cancelled by bob"


def test_a_cancelled_inner_workflow_lets_the_outer_one_go_on(bench: Bench, slow: str) -> None:
    bench.after(30)
    inner = next(row["id"] for row in bench.store.page().rows if row["workflow_id"] == "inner")
    bench.runs.cancel(inner, who="bob")
    row = bench.settled(slow)
    assert row["status"] == "cancelled"
    assert "cancelled by bob" in row["error"]


def test_a_failed_run_is_gone_on_with_and_what_it_had_finished_is_not_done_again(bench: Bench) -> None:
    bench.tools.answers["count"], calls = counted()
    bench.tools.answers["flaky"] = [{"bad": 1}, {"good": 1}]
    text = """
workflow:
  id: flaky
  steps:
    - {name: one, provider: {type: tool.count}}
    - {name: many, foreach: [1, 2], concurrency: 2, provider: {type: tool.count}}
    - {name: two, provider: {type: tool.flaky}}
    - {name: three, provider: {type: set, with: {v: "{{ steps.two.output.good + steps.one.output.number }}"}}}
  outputs: {v: "{{ steps.three.output.v }}"}
"""
    run = bench.start(text)
    assert bench.settled(run)["status"] == "failed"
    bench.tools.answers["flaky"] = {"good": 1}
    failing = bench.runs.resume(run, who="bob", role="admin").run
    assert (
        bench.settled(failing)["status"] == "failed"
    )  # step two had succeeded, with an output that does not help
    assert len(calls) == 3
    with pytest.raises(UsageError, match="is not there"):
        bench.runs.resume("nothing", who="bob", role="admin")


def test_a_run_that_was_kept_and_not_begun_is_begun_later(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> bool:
        raise DurableError("the database is away")

    with monkeypatch.context() as patched:
        patched.setattr(bench.memory, "start", away)
        run = bench.start("workflow:\n  id: one\n  steps: [{name: a, provider: {type: set, with: {v: 1}}}]")
    assert bench.settled(run)["status"] == "waiting"
    bench.after(60)
    bench.runs.turn()
    assert bench.settled(run)["status"] == "succeeded"


def test_a_run_is_ended_after_its_time_whatever_holds_it_up(bench: Bench, slow: str) -> None:
    bench.memory.close()  # nobody works
    bench.after(3 * 3600.0)
    bench.runs.turn()
    row = bench.runs.get(slow)
    assert (row["status"], row["error"]) == ("timed_out", "was not over in the time of its workflow")
    assert bench.memory.state(slow).status == "cancelled"  # type: ignore[union-attr]


def test_versions_are_kept_and_a_run_keeps_its_own(bench: Bench) -> None:
    old = "workflow:\n  id: one\n  steps:\n    - {name: w, provider: {type: wait, with: {for: 1h}}}\n    - {name: a, provider: {type: set, with: {v: 1}}}\n  outputs: {v: '{{ steps.a.output.v }}'}\n"
    run = bench.start(old)
    bench.after(60)
    applied = bench.collection.apply(old.replace("v: 1", "v: 2"), who="bob", note="more")
    assert (applied.version, applied.changed) == (2, True)
    assert "-    - {name: a, provider: {type: set, with: {v: 1}}}" in applied.difference
    assert not bench.collection.apply(old.replace("v: 1", "v: 2"), who="bob").changed
    assert bench.settled(run)["outputs"] == {"v": 1}
    assert [
        (row["version"], row["applied_by"], row["note"]) for row in bench.collection.store.versions("one")
    ] == [(2, "bob", "more"), (1, "ann", "")]
    assert bench.collection.difference("one", 1, 2) == applied.difference
    again = bench.runs.start("one", {}, who="ann", role="viewer", version=1)
    assert bench.settled(again.run)["outputs"] == {"v": 1}


def test_an_expression_that_does_not_compile_is_not_applied(bench: Bench) -> None:
    text = "workflow:\n  id: one\n  steps:\n    - name: a\n      if: inputs.a >\n      provider: {type: set, with: {v: 'x {{ nothing }}', w: '{{ open'}}\n"
    with pytest.raises(WorkflowProblems) as raised:
        bench.collection.apply(text, who="ann")
    told = list(map(str, raised.value.problems))
    assert [each.split(":")[0] for each in told] == ["line 5", "line 6", "line 6"]
    assert "undeclared reference to 'nothing'" in told[1]
    assert bench.collection.store.all() == ()


def test_old_runs_are_forgotten_with_their_tasks(bench: Bench, slow: str) -> None:
    bench.after(30)
    bench.runs.cancel(slow, who="bob")
    assert bench.runs.forget(before=bench.clock.now() + 1) == 2
    assert bench.store.page().rows == bench.store.tasks_page().rows == ()
