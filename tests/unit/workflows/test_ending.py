"""Runs that end while one of their steps is beginning something: nothing of it lives on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sre_copilot.errors import StoreError
from sre_copilot.testing.workflows import Bench
from sre_copilot.workflows.ports import Answered, Proposal

ACT = "workflow:\n  id: act\n  steps: [{name: restart, provider: {type: action.kubernetes.rollout_restart, with: {target: {kind: Deployment, name: cart}}}}]"
ASK = "workflow:\n  id: ask\n  steps: [{name: well, provider: {type: human, with: {title: Well?, receivers: [oncall]}}}]"
OUTER = "workflow:\n  id: outer\n  steps: [{name: sub, provider: {type: workflow, with: {id: act}}}]"
SIDE = "workflow:\n  id: side\n  steps: [{name: both, parallel: {a: [{name: x, provider: {type: notify, with: {receivers: [oncall], title: hello}}}], b: [{name: y, provider: {type: set, with: {v: 1}}}]}}]"


def cancelling(
    bench: Bench, owner: Any, name: str, monkeypatch: pytest.MonkeyPatch, *, before: bool
) -> list[str]:
    """Cancel the run that `runs` names when `owner.name` is called, just before or just after."""
    runs: list[str] = []
    real: Callable[..., Any] = getattr(owner, name)

    def called(*arguments: Any, **named: Any) -> Any:
        if before and runs:
            bench.runs.cancel(runs.pop(), who="ann")
        found = real(*arguments, **named)
        if runs:
            bench.runs.cancel(runs.pop(), who="ann")
        return found

    monkeypatch.setattr(owner, name, called)
    return runs


@pytest.mark.parametrize("before", [True, False])
def test_a_plan_that_is_proposed_while_its_run_is_cancelled_is_taken_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    runs = cancelling(bench, bench.decide, "propose", monkeypatch, before=before)
    runs.append(bench.start(ACT))
    bench.after(30)
    assert [each.status for each in bench.decide.states.values()] == ["cancelled"]


def test_a_run_whose_process_gave_it_up_leaves_no_plan(bench: Bench) -> None:
    run = bench.start(ACT)
    bench.after(30)
    bench.memory.cancel(run)
    bench.after(30)
    bench.runs.turn()
    assert bench.runs.get(run)["status"] == "cancelled"
    assert bench.decide.withdrawn == ["PLAN-1"]


def test_a_plan_that_is_carried_out_already_is_left_to_itself(bench: Bench) -> None:
    run = bench.start(ACT)
    bench.after(30)
    bench.decide.settle("PLAN-1", "succeeded")
    bench.runs.cancel(run, who="ann")
    assert bench.decide.withdrawn == []


@pytest.mark.parametrize("before", [True, False])
def test_nobody_is_asked_by_a_run_that_is_over(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    runs = cancelling(bench, bench.store, "ask", monkeypatch, before=before)
    runs.append(bench.start(ASK))
    bench.after(30)
    assert [row["status"] for row in bench.store.tasks_page().rows] == ["closed"]
    assert bench.tell.told == {}


def test_a_workflow_that_is_begun_by_a_run_that_is_over_ends_with_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.collection.apply(ACT, who="ann")
    run = bench.start(OUTER)
    real = bench.store.open

    def opened(*arguments: Any, **named: Any) -> Any:
        bench.runs.cancel(run, who="ann")
        return real(*arguments, **named)

    monkeypatch.setattr(bench.store, "open", opened)
    bench.after(30)
    assert {row["status"] for row in bench.store.page().rows} == {"cancelled"}
    assert bench.decide.proposals == dict[str, Proposal]()


def test_a_branch_that_is_begun_by_a_run_that_is_over_does_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = bench.start(SIDE)
    real = bench.memory.start

    def started(*arguments: Any, **named: Any) -> bool:
        bench.runs.cancel(run, who="ann")
        return real(*arguments, **named)

    monkeypatch.setattr(bench.memory, "start", started)
    bench.after(30)
    assert bench.tell.told == {}


def test_every_unfinished_run_is_looked_at_however_many_there_are(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sre_copilot.workflows.runs.AT_ONCE", 2)
    runs = [bench.start(ACT.replace("id: act", "id: act\n  at_once: 50")) for _ in range(7)]
    bench.after(30)
    bench.memory.cancel(runs[-1])
    bench.runs.turn()
    assert bench.runs.get(runs[-1])["status"] == "cancelled"
    assert {bench.runs.get(each)["status"] for each in runs[:-1]} == {"running"}


LOOKS = """
workflow:
  id: looks
  steps:
    - {name: one, provider: {type: tool.look}}
    - {name: two, if: steps.one.output.x > 5, provider: {type: tool.look}}
    - {name: three, provider: {type: set, with: {x: "{{ steps.one.output.x + 1 }}"}}}
  outputs: {x: "{{ steps.three.output.x }}"}
"""


def ended(bench: Bench, run: str) -> list[str]:
    """What is kept of a run, by name, when all is over."""
    assert bench.settled(run)["status"] == "succeeded"
    assert bench.runs.get(run)["outputs"] == {"x": 2}
    shown = [(each.label, each.status) for each in bench.runs.steps(run)]
    assert shown == [("one", "succeeded"), ("two", "skipped"), ("three", "succeeded")]
    return [each.name for each in bench.memory.steps(run)]


def test_a_run_that_only_looks_is_ended_with_its_last_look(bench: Bench) -> None:
    bench.tools.answers["look"] = {"x": 1}
    assert ended(bench, bench.start(LOOKS)) == ["one:together"]


def test_a_run_whose_end_found_no_store_is_ended_by_a_step_of_its_own(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.tools.answers["look"] = {"x": 1}
    real, away = bench.store.finish, [StoreError("store: does not answer")]

    def finish(*arguments: Any, **named: Any) -> bool:
        if away:
            raise away.pop()
        return real(*arguments, **named)

    monkeypatch.setattr(bench.store, "finish", finish)
    assert ended(bench, bench.start(LOOKS)) == ["one:together", "end"]


def test_last_looks_that_fail_are_tried_again_before_the_run_ends(bench: Bench) -> None:
    bench.tools.answers["look"] = [Answered(outcome="error", problem="busy"), {"x": 1}]
    text = LOOKS.replace("name: one,", "name: one, retry: {attempts: 2, delay: 1s},")
    assert ended(bench, bench.start(text)) == ["one:together", "one", "two:together"]


def test_looks_that_are_done_again_after_a_crash_end_their_run_once(bench: Bench) -> None:
    bench.tools.answers["look"] = {"x": 1}
    bench.memory.crash_in("one:together")
    assert ended(bench, bench.start(LOOKS)) == ["one:together"]
    assert len(bench.tools.asked) == 2


def test_a_run_that_was_ended_before_a_crash_keeps_that_end_whatever_is_seen_after_it(bench: Bench) -> None:
    bench.tools.answers["look"] = [{"x": 1}, {"x": 3}]
    bench.memory.crash_in("one:together")
    run = bench.start(LOOKS)
    assert bench.settled(run)["outputs"] == {"x": 2}
    assert bench.memory.state(run).result["status"] == "succeeded"  # type: ignore[union-attr]


def test_a_workflow_is_told_of_another_one_what_is_kept_of_it(bench: Bench) -> None:
    bench.tools.answers["look"] = [{"x": 1}, Answered(outcome="error", problem="gone")]
    bench.memory.crash_in("one:together")
    bench.collection.apply(LOOKS, who="ann")
    outer = "workflow:\n  id: outer\n  steps: [{name: sub, provider: {type: workflow, with: {id: looks}}}]\n  outputs: {x: '{{ steps.sub.output.x }}'}"
    assert bench.settled(bench.start(outer))["outputs"] == {"x": 2}
