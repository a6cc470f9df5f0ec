"""Steps that wait for people and for plans."""

from __future__ import annotations

import pytest

from sre_copilot.errors import UsageError
from sre_copilot.testing.workflows import Bench

ASK = """
workflow:
  id: ask
  inputs: [{name: service}]
  steps:
    - name: ask
      timeout: 4h
      provider:
        type: human
        with:
          title: "Restart {{ inputs.service }}?"
          receivers: [oncall]
          form:
            - {name: ok, type: boolean}
            - {name: how, choices: [now, later], default: now}
          escalate: [{after: 1h, receivers: [lead]}]
  outputs: {ok: "{{ steps.ask.output.answer.ok }}", how: "{{ steps.ask.output.answer.how }}", by: "{{ steps.ask.output.by }}"}
"""
ACT = """
workflow:
  id: act
  steps:
    - name: restart
      timeout: 30m
      provider:
        type: action.kubernetes.rollout_restart
        with: {target: {kind: Deployment, name: cart, namespace: shop}, reason: "it leaks"}
  outputs: {plan: "{{ steps.restart.output.plan_id }}"}
"""


def asked(bench: Bench) -> tuple[str, str]:
    run = bench.start(ASK, {"service": "cart"})
    bench.after(1.0)
    return run, f"{run}/ask"


def test_a_person_is_asked_told_of_it_and_the_answer_goes_on(bench: Bench) -> None:
    run, task = asked(bench)
    row = bench.store.task(task)
    assert row is not None
    assert (row["title"], row["status"], row["role"]) == ("Restart cart?", "open", "responder")
    assert [(receivers, told.title) for receivers, told in bench.tell.told.values()] == [
        (("oncall",), "Restart cart?")
    ]
    assert [(each.label, each.status) for each in bench.runs.steps(run)] == [("ask", "waiting")]
    bench.runs.answer(task, {"ok": "true"}, who="bob", role="responder")
    bench.after(1.0)
    assert bench.runs.get(run)["outputs"] == {"ok": True, "how": "now", "by": "bob"}


@pytest.mark.parametrize(
    ("given", "role", "problem"),
    [
        ({}, "responder", "ok: is missing"),
        ({"ok": "perhaps"}, "responder", "is no boolean"),
        ({"ok": True, "how": "never"}, "responder", "is none of now, later"),
        ({"ok": True, "more": 1}, "responder", "more: is no field"),
        ({"ok": True}, "viewer", "needs the role responder"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_with_the_field(
    bench: Bench, given: dict[str, object], role: str, problem: str
) -> None:
    _, task = asked(bench)
    with pytest.raises(UsageError, match=problem):
        bench.runs.answer(task, given, who="bob", role=role)  # type: ignore[arg-type]


def test_the_first_answer_counts(bench: Bench) -> None:
    run, task = asked(bench)
    bench.runs.answer(task, {"ok": False}, who="bob", role="admin")
    with pytest.raises(UsageError, match="answered or over"):
        bench.runs.answer(task, {"ok": True}, who="eve", role="admin")
    assert bench.settled(run)["outputs"]["by"] == "bob"


def test_others_are_told_when_nobody_answers_and_in_the_end_the_step_fails(bench: Bench) -> None:
    run, task = asked(bench)
    bench.after(2 * 3600)
    assert [receivers for receivers, _ in bench.tell.told.values()] == [("oncall",), ("lead",)]
    row = bench.settled(run)
    assert (row["status"], row["error"]) == ("timed_out", "ask: nobody answered in time")
    assert bench.store.task(task)["status"] == "closed"  # type: ignore[index]


def test_defaults_may_count_when_nobody_answers(bench: Bench) -> None:
    text = ASK.replace("form:", "on_timeout: default\n          form:").replace(
        "type: boolean", "type: boolean, default: false"
    )
    assert bench.settled(bench.start(text))["outputs"] == {"ok": False, "how": "now", "by": ""}


def test_an_answer_whose_word_was_lost_is_handed_on_later(bench: Bench) -> None:
    run, task = asked(bench)
    assert bench.store.answer(
        task, {"ok": True, "how": "later"}, who="bob", now=bench.clock.now()
    )  # and the process dies here
    bench.after(60)
    assert bench.runs.get(run)["status"] == "running"
    bench.runs.turn()
    bench.after(1)
    assert bench.runs.get(run)["outputs"]["how"] == "later"


def test_an_action_is_a_plan_that_is_proposed_and_waited_for(bench: Bench) -> None:
    run = bench.start(ACT)
    bench.after(60)
    (proposal,) = bench.decide.proposals.values()
    assert (proposal.action, proposal.target.key, proposal.reason) == (
        "kubernetes.rollout_restart",
        "kubernetes/shop/Deployment/cart",
        "it leaks",
    )
    assert bench.runs.get(run)["status"] == "running"
    bench.decide.settle("PLAN-1", "succeeded")
    row = bench.settled(run)
    assert (row["status"], row["outputs"]) == ("succeeded", {"plan": "PLAN-1"})


def test_a_plan_is_proposed_once_though_the_step_is_done_again_after_a_crash(bench: Bench) -> None:
    bench.memory.crash_in("restart:propose")
    run = bench.start(ACT)
    bench.after(60)
    assert len(bench.decide.proposals) == 1
    bench.decide.settle("PLAN-1", "rejected", "not today")
    assert bench.settled(run)["error"] == "restart: plan PLAN-1: rejected: not today"


def test_a_plan_that_nobody_decides_on_is_taken_back(bench: Bench) -> None:
    row = bench.settled(bench.start(ACT))
    assert (row["status"], bench.decide.withdrawn) == ("timed_out", ["PLAN-1"])


def test_the_word_that_a_plan_is_over_ends_the_wait_at_once(bench: Bench) -> None:
    run = bench.start(ACT)
    bench.after(600)
    bench.decide.settle("PLAN-1", "succeeded")
    bench.runs.plan_over(run, "PLAN-1")
    bench.after(0.1)
    assert bench.runs.get(run)["status"] == "succeeded"


def test_an_action_that_nobody_knows_fails_with_its_name(bench: Bench) -> None:
    error = bench.settled(bench.start(ACT.replace("rollout_restart", "explode")))["error"]
    assert "kubernetes.explode" in error
    bench.without(decide=None)
    assert "nothing here proposes plans" in bench.settled(bench.start(ACT))["error"]
