"""What a workflow does, step by step, on fakes under a turned clock; each wait begins the run again from its records, as a crash would."""

from __future__ import annotations

from typing import Any

import pytest

from sre_copilot.testing.workflows import NOW, Bench, counted
from sre_copilot.workflows.logs import lines
from sre_copilot.workflows.ports import Answered

HEAD = "workflow:\n  id: one\n"


def outputs(bench: Bench, text: str, inputs: dict[str, Any] | None = None) -> dict[str, Any]:
    row = bench.settled(bench.start(HEAD + text, inputs))
    assert row["status"] == "succeeded", row["error"]
    return dict(row["outputs"])


def failure(bench: Bench, text: str, inputs: dict[str, Any] | None = None) -> tuple[str, str]:
    row = bench.settled(bench.start(HEAD + text, inputs))
    return row["status"], row["error"]


def test_steps_see_the_inputs_and_each_others_outputs(bench: Bench) -> None:
    bench.tools.answers["look"] = lambda arguments: {"seen": arguments["service"]}
    found = outputs(
        bench,
        """
  inputs: [{name: service, required: true}, {name: times, type: integer, default: 2}]
  consts: {mark: "!"}
  steps:
    - {name: look, provider: {type: tool.look, with: {service: "{{ inputs.service }}"}}}
  actions:
    - {name: add, provider: {type: set, with: {text: "{{ steps.look.output.seen }}{{ consts.mark }}", twice: "{{ inputs.times * 2 }}"}}}
  outputs: {text: "{{ steps.add.output.text }}", twice: "{{ steps.add.output.twice }}", by: "{{ run.by }}"}
""",
        {"service": "cart"},
    )
    assert found == {"text": "cart!", "twice": 4, "by": "ann"}
    assert bench.tools.askers[0].role == "responder"


def test_a_condition_leaves_a_step_out_and_chooses_a_block(bench: Bench) -> None:
    found = outputs(
        bench,
        """
  steps:
    - {name: no, if: "1 == 2", provider: {type: fail, with: {reason: never}}}
    - name: choice
      if: steps.no.status == 'skipped'
      steps: [{name: left, provider: {type: set, with: {v: 1}}}]
      else: [{name: right, provider: {type: set, with: {v: 2}}}]
    - name: other
      if: steps.left.output.v == 2
      steps: [{name: never, provider: {type: fail, with: {reason: never}}}]
      else: [{name: right2, provider: {type: set, with: {v: 3}}}]
  outputs: {v: "{{ steps.left.output.v + steps.right2.output.v }}", block: "{{ steps.choice.output }}"}
""",
    )
    assert found == {"v": 4, "block": {"left": {"v": 1}}}


def test_a_list_is_gone_through_in_order_or_side_by_side(bench: Bench) -> None:
    bench.tools.answers["probe"] = lambda arguments: {"s": arguments["s"]}
    found = outputs(
        bench,
        """
  inputs: [{name: services, type: list}]
  steps:
    - name: wide
      foreach: inputs.services
      concurrency: 2
      provider: {type: tool.probe, with: {s: "{{ item }}-{{ index }}"}}
    - name: deep
      foreach: "{{ inputs.services.filter(x, x != 'b') }}"
      steps:
        - {name: one, provider: {type: tool.probe, with: {s: "{{ item }}"}}}
        - {name: two, foreach: [1, 2], provider: {type: set, with: {v: "{{ steps.one.output.s }}{{ item }}"}}}
    - name: map
      foreach: {}
      provider: {type: set, with: {v: 1}}
  outputs:
    wide: "{{ steps.wide.output.map(x, x.s) }}"
    deep: "{{ steps.deep.output.map(x, x.two.map(y, y.v)) }}"
""".replace("    - name: map\n      foreach: {}\n      provider: {type: set, with: {v: 1}}\n", ""),
        {"services": ["a", "b", "c"]},
    )
    assert found == {"wide": ["a-0", "b-1", "c-2"], "deep": [["a1", "a2"], ["c1", "c2"]]}


def test_branches_run_side_by_side_and_are_seen_after(bench: Bench) -> None:
    run = bench.start(
        HEAD
        + """
  steps:
    - name: both
      parallel:
        left:
          - {name: pause, provider: {type: wait, with: {for: 10m}}}
          - {name: l, provider: {type: set, with: {v: 1}}}
        right: [{name: pause2, provider: {type: wait, with: {for: 10m}}}, {name: r, provider: {type: set, with: {v: 2}}}]
  outputs: {sum: "{{ steps.l.output.v + steps.r.output.v }}", left: "{{ steps.both.output.left.l.v }}"}
"""
    )
    row = bench.settled(run)
    assert row["outputs"] == {"sum": 3, "left": 1}
    assert row["finished_at"] - row["created_at"] == pytest.approx(600, abs=1)


def test_steps_that_need_nothing_of_each_other_run_side_by_side(bench: Bench) -> None:
    run = bench.start(
        HEAD
        + """
  steps:
    - {name: a, provider: {type: set, with: {v: 1}}}
    - {name: b, needs: [a], provider: {type: wait, with: {for: 5m}}}
    - {name: c, needs: [a], provider: {type: wait, with: {for: 7m}}}
    - {name: d, needs: [b, c], provider: {type: set, with: {v: "{{ steps.a.output.v }}"}}}
  outputs: {v: "{{ steps.d.output.v }}"}
"""
    )
    row = bench.settled(run)
    assert row["outputs"] == {"v": 1}
    assert row["finished_at"] - row["created_at"] == pytest.approx(420, abs=1)


def test_a_failed_attempt_is_tried_again_with_growing_pauses(bench: Bench) -> None:
    bad = Answered(outcome="error", problem="no route")
    bench.tools.answers["flaky"] = [bad, bad, {"ok": True}]
    run = bench.start(
        HEAD
        + "  steps: [{name: a, retry: {attempts: 3, delay: 10s}, provider: {type: tool.flaky}}]\n  outputs: {ok: '{{ steps.a.output.ok }}'}"
    )
    row = bench.settled(run)
    assert row["outputs"] == {"ok": True}
    assert row["finished_at"] - NOW == 30.0
    assert [(each.label, each.attempt) for each in bench.runs.steps(run)] == [("a", 3)]


def test_missing_data_is_an_answer_and_an_error_is_a_failure(bench: Bench) -> None:
    bench.tools.answers["empty"] = Answered(outcome="no_data", output={"digest": "nothing recorded"})
    bench.tools.answers["bad"] = Answered(outcome="error", problem="the source refuses")
    assert outputs(
        bench,
        "  steps: [{name: a, provider: {type: tool.empty}}]\n  outputs: {o: '{{ steps.a.output.outcome }}'}",
    ) == {"o": "no_data"}
    assert failure(bench, "  steps: [{name: a, provider: {type: tool.bad}}]") == (
        "failed",
        "a: the source refuses",
    )


def test_a_failed_step_stops_the_workflow_unless_it_says_otherwise(bench: Bench) -> None:
    text = """
  steps:
    - {name: a, on_failure: continue, provider: {type: fail, with: {reason: "no {{ run.workflow }}"}}}
    - {name: b, provider: {type: set, with: {s: "{{ steps.a.status }}: {{ steps.a.error }}"}}}
  outputs: {s: "{{ steps.b.output.s }}"}
"""
    assert outputs(bench, text) == {"s": "failed: no one"}
    assert failure(bench, text.replace("on_failure: continue, ", "")) == ("failed", "a: no one")


def test_an_expression_without_a_value_fails_its_step_with_the_expression(bench: Bench) -> None:
    status, error = failure(
        bench, "  steps: [{name: a, provider: {type: set, with: {v: '{{ steps.none.output }}'}}}]"
    )
    assert status == "failed"
    assert "steps.none.output" in error


def test_a_step_that_raises_or_answers_too_much_is_a_failure(bench: Bench) -> None:
    bench.tools.answers |= {
        "raises": RuntimeError("boom"),
        "much": {"text": "x" * 300_000},
        "odd": {"v": float("nan")},
    }
    assert failure(bench, "  steps: [{name: a, provider: {type: tool.raises}}]") == (
        "failed",
        "a: RuntimeError: boom",
    )
    assert "larger than" in failure(bench, "  steps: [{name: a, provider: {type: tool.much}}]")[1]
    assert "cannot be kept" in failure(bench, "  steps: [{name: a, provider: {type: tool.odd}}]")[1]


def test_a_check_looks_at_its_window_up_to_now(bench: Bench) -> None:
    found = outputs(
        bench,
        """
  steps:
    - name: a
      provider: {type: check, with: {source: metrics, where: {service: cart}, relation: ">", bound: "{{ 40 + 2 }}", window: 5m}}
  outputs: {holds: "{{ steps.a.output.holds }}"}
""",
    )
    (asked,) = bench.checks.asked
    assert found == {"holds": True}
    assert asked.bound == 42.0
    assert asked.query.window is not None
    assert (asked.query.window.start, asked.query.window.end) == (NOW - 300, NOW)
    assert asked.query.where == (("service", "cart"),)


def test_a_query_goes_through_the_tool_that_judges_queries(bench: Bench) -> None:
    bench.tools.answers["run_query"] = lambda arguments: {"rows": [dict(arguments)]}
    found = outputs(
        bench,
        "  steps: [{name: a, provider: {type: query, with: {query: up, language: promql, window: 1h}}}]\n  outputs: {row: '{{ steps.a.output.rows[0] }}'}",
    )["row"]
    assert (found["query"], found["language"], found["end"]) == ("up", "promql", "2027-01-15T08:00:00Z")


def test_without_a_model_the_other_answer_counts_and_without_one_the_step_fails(bench: Bench) -> None:
    asks = "  steps: [{name: a, provider: {type: model, with: {question: why?, choices: [up, down], otherwise: up}}}]\n  outputs: {a: '{{ steps.a.output }}'}"
    assert outputs(bench, asks) == {"a": {"answer": "up", "by": "otherwise"}}
    bench.model.answer = "down"
    assert outputs(bench, asks) == {"a": {"answer": "down", "by": "fake"}}
    bench.model.answer = "something else"
    assert outputs(bench, asks)["a"]["by"] == "otherwise"
    bench.without(model=None)
    assert "no model is configured" in failure(bench, asks.replace(", otherwise: up", ""))[1]


def test_people_are_told_once_though_the_step_is_done_again_after_a_crash(bench: Bench) -> None:
    bench.memory.crash_in("tell")
    outputs(
        bench,
        "  steps: [{name: tell, provider: {type: notify, with: {receivers: [oncall], title: 'Hi {{ run.by }}'}}}]",
    )
    ((receivers, told),) = bench.tell.told.values()
    assert (receivers, told.title) == (("oncall",), "Hi ann")
    assert sum(count for (_, step), count in bench.memory.calls.items() if step == "tell") == 2
    assert (
        "receiver 'nobody'"
        in failure(
            bench, "  steps: [{name: tell, provider: {type: notify, with: {receivers: [nobody], title: x}}}]"
        )[1]
    )


def test_a_finished_step_is_never_done_again(bench: Bench) -> None:
    bench.tools.answers["count"], calls = counted()
    bench.memory.crash_in("two")
    outputs(
        bench,
        """
  steps:
    - {name: one, provider: {type: tool.count}}
    - {name: pause, provider: {type: wait, with: {for: 1h}}}
    - {name: two, provider: {type: tool.count}}
    - {name: again, foreach: [1, 2, 3], provider: {type: tool.count}}
""",
    )
    assert len(calls) == 6  # the step in flight at the crash twice, every other once


def test_another_workflow_is_a_step(bench: Bench) -> None:
    bench.collection.apply(
        "workflow:\n  id: inner\n  inputs: [{name: n, type: integer}]\n  steps: [{name: w, provider: {type: wait, with: {for: 5m}}}]\n  outputs: {twice: '{{ inputs.n * 2 }}'}",
        who="ann",
    )
    text = "  steps: [{name: sub, provider: {type: workflow, with: {id: inner, inputs: {n: 4}}}}]\n  outputs: {v: '{{ steps.sub.output.twice }}'}"
    assert outputs(bench, text) == {"v": 8}
    inner = next(row for row in bench.store.page().rows if row["workflow_id"] == "inner")
    assert (inner["status"], inner["trigger"]["workflow"]) == ("succeeded", "one")


def test_workflows_do_not_go_round(bench: Bench) -> None:
    status, error = failure(bench, "  steps: [{name: sub, provider: {type: workflow, with: {id: one}}}]")
    assert status == "failed"
    assert "one > one goes round" in error


def test_a_run_that_takes_too_long_ends_and_says_so(bench: Bench) -> None:
    status, error = failure(
        bench, "  timeout: 1h\n  steps: [{name: w, provider: {type: wait, with: {for: 2h}}}]"
    )
    assert (status, error) == ("timed_out", "w: waits 7200 s, and may take 3600 s")
    assert bench.clock.now() - NOW == 3600.0


def test_a_branch_that_takes_too_long_ends_and_says_so(bench: Bench) -> None:
    text = """
  steps:
    - name: both
      timeout: 10m
      parallel:
        a: [{name: w, provider: {type: wait, with: {for: 2h}}}]
        b: [{name: x, provider: {type: set, with: {v: 1}}}]
"""
    status, error = failure(bench, text)
    assert status == "timed_out"
    assert "may take 600 s" in error


def test_the_log_says_what_happened_and_when(bench: Bench) -> None:
    run = bench.start(
        HEAD
        + "  steps:\n    - {name: a, provider: {type: wait, with: {for: 1m}}}\n    - {name: b, provider: {type: fail, with: {reason: bad}}}\n    - {name: c, provider: {type: set, with: {v: 1}}}"
    )
    bench.settled(run)
    steps = bench.runs.steps(run)
    assert [(each.label, each.status) for each in steps] == [
        ("a", "succeeded"),
        ("b", "failed"),
        ("c", "not reached"),
    ]
    assert lines(steps) == ["2027-01-15T08:01:00Z a succeeded", "2027-01-15T08:01:00Z b failed: bad"]


def test_a_run_that_takes_too_long_ends_the_workflow_that_it_began(bench: Bench) -> None:
    bench.collection.apply(
        "workflow:\n  id: inner\n  steps: [{name: w, provider: {type: human, with: {title: x}}}]", who="ann"
    )
    status, error = failure(
        bench, "  steps: [{name: sub, timeout: 10m, provider: {type: workflow, with: {id: inner}}}]"
    )
    assert status == "timed_out"
    assert "nobody answered in time" in error
    assert {row["status"] for row in bench.store.page().rows} == {"timed_out"}
