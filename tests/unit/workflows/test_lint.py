"""Lint says what is wrong with line, path and the way out, and is silent on what is right."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sre_copilot.workflows.lint.known import Known
from sre_copilot.workflows.lint.linter import lint_text
from sre_copilot.workflows.reading import read

TOOLS: Any = {
    "query_metrics": {
        "type": "object",
        "additionalProperties": False,
        "properties": {"service": {"type": "string"}, "limit": {"type": "integer"}},
        "required": ["service"],
    }
}
KNOWN = Known(
    tools=TOOLS, actions={"kubernetes.rollout_restart": {}}, receivers=("oncall",), workflows=lambda key: None
)
GOOD = """\
workflow:
  id: good
  triggers:
    - {type: manual}
  inputs:
    - {name: service, default: cart}
  steps:
    - name: look
      provider: {type: tool.query_metrics, with: {service: '{{ inputs.service }}'}}
    - name: ask
      if: size(steps.look.output.rows) > 0
      timeout: 1h
      provider: {type: human, with: {title: Restart, form: [{name: yes, type: boolean}]}}
    - name: act
      if: steps.ask.status == 'succeeded' && steps.ask.output.answer.yes
      provider: {type: action.kubernetes.rollout_restart, with: {target: {kind: Deployment, name: '{{ inputs.service }}'}}}
"""


def said(text: str) -> list[str]:
    return [str(each) for each in lint_text(text, KNOWN)]


def test_a_workflow_without_a_fault_has_no_remark() -> None:
    assert said(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "path", "words"),
    [
        ("query_metrics", "query_metric", 9, "steps[0].provider.type", "Did you mean query_metrics?"),
        ("{service: '{{ inputs.service }}'}}\n    - name: ask", "{limit: many}}\n    - name: ask", 9, "provider.with", "service is missing"),
        ("{service: '{{ inputs.service }}'}}\n    - name: ask", "{service: a, limit: many}}\n    - name: ask", 9, "with.limit", "is not of type 'integer'"),
        ("{service: '{{ inputs", "{servic: '{{ inputs", 9, "with.servic", "Did you mean service?"),
        ("inputs.service }}'}}\n    - name: ask", "inputs.servce }}'}}\n    - name: ask", 9, "with.service", "Did you mean service?"),
        ("steps.look.output.rows", "steps.lock.output.rows", 11, "steps[1].if", "Did you mean look?"),
        ("steps.look.output.rows", "steps.look.output.row", 11, "steps[1].if", "Did you mean rows?"),
        ("steps.look.output.rows", "steps.act.output.rows", 11, "steps[1].if", "need not be over by then"),
        ("answer.yes", "answer.no", 15, "steps[2].if", "there is no no"),
        ("steps.ask.status == 'succeeded' && ", "", 15, "steps[2].if", "when it is left out or fails"),
        ("      timeout: 1h\n", "", 10, "steps[1]", "without a time-out"),
        ("rollout_restart", "rollout_restert", 16, "provider.type", "is not in the catalogue"),
        ("size(steps.look.output.rows) > 0", "1 > 2", 11, "steps[1].if", "is never true"),
        ("size(steps.look.output.rows) > 0", "item > 2", 11, "steps[1].if", "outside a foreach"),
        ("{type: manual}", "{type: incident, events: [updated]}", 4, "triggers[0]", "starts itself"),
        ("{type: manual}", "{type: chat, phrases: ['restart {servce}']}", 4, "phrases[0]", "Did you mean service?"),
        ("default: cart", "required: true", 4, "", ""),
        ("title: Restart", "title: Restart, receivers: [onkall]", 13, "receivers[0]", "Did you mean oncall?"),
    ],
)  # fmt: skip
def test_each_fault_is_told_with_its_line_its_path_and_the_way_out(
    old: str, new: str, line: int, path: str, words: str
) -> None:
    assert old in GOOD
    found = said(GOOD.replace(old, new, 1))
    if not words:  # a required input is no fault where only people start it
        assert found == []
        return
    told = "\n".join(found)
    assert path in told
    assert words in told
    assert f"line {line}:" in told


def test_a_required_input_that_a_trigger_does_not_give_keeps_it_from_starting_anything() -> None:
    text = GOOD.replace("default: cart", "required: true").replace("{type: manual}", "{type: alert}")
    assert "the input service is required" in said(text)[0]


def test_what_comes_after_a_fail_is_never_reached() -> None:
    text = "workflow:\n  id: x\n  steps:\n    - {name: a, provider: {type: fail, with: {reason: r}}}\n    - {name: b, provider: {type: wait, with: {for: 1s}}}\n"
    assert "line 5: workflow.steps[1]: is never reached" in said(text)[0]


def test_a_workflow_that_calls_itself_goes_round() -> None:
    text = "workflow:\n  id: x\n  steps:\n    - {name: a, provider: {type: workflow, with: {id: x}}}\n"
    assert "goes round: x > x" in said(text)[0]


def test_two_workflows_that_call_each_other_go_round() -> None:
    other = read(
        "workflow:\n  id: y\n  steps:\n    - {name: a, provider: {type: workflow, with: {id: x}}}\n"
    ).workflow
    known = Known(workflows=lambda key: other if key == "y" else None)
    text = "workflow:\n  id: x\n  steps:\n    - {name: a, provider: {type: workflow, with: {id: y}}}\n"
    assert "goes round: x > y > x" in str(lint_text(text, known)[0])


@pytest.mark.parametrize(
    "value",
    [
        "consts: {api_key: hunter2hunter2}",
        "description: call it with password=hunter2hunter2",
        "consts: {place: 'https://ann:hunter2@db.example'}",
    ],
)
def test_a_secret_in_plain_text_is_told_and_not_repeated(value: str) -> None:
    found = said(GOOD.replace("  id: good\n", f"  id: good\n  {value}\n"))
    assert len(found) == 1
    assert "looks like a secret" in found[0]
    assert "hunter2" not in found[0]


def test_a_step_within_a_block_that_may_be_left_out_is_asked_for_first() -> None:
    text = """\
workflow:
  id: x
  inputs: [{name: go, type: boolean, default: true}]
  steps:
    - name: block
      if: inputs.go
      steps:
        - {name: inner, provider: {type: set, with: {a: 1}}}
    - {name: last, provider: {type: set, with: {b: '{{ steps.inner.output.a }}'}}}
"""
    assert "is not there when its block is left out" in said(text)[0]
    assert (
        said(text.replace("steps.inner.output.a }}", "has(steps.inner) ? steps.inner.output.a : 0 }}")) == []
    )


WORDS = st.sampled_from(
    ["workflow", "id", "steps", "name", "provider", "type", "with", "if", "foreach", "needs", "triggers", "parallel", "else", "timeout",
     "tool.query_metrics", "human", "wait", "check", "alert", "good", "look", "{{ steps.look.output }}", "{{", "1 +", "item", "5m", "-1", "inputs", "set"]
)  # fmt: skip
VALUES = st.recursive(
    WORDS | st.integers() | st.booleans() | st.none() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(VALUES, st.integers(0, 8))
def test_whatever_is_written_gives_remarks_and_no_other_error(value: Any, place: int) -> None:
    document = yaml.safe_load(GOOD)
    step: Any = {"name": "fuzz", "provider": value} if place % 2 else value
    document["workflow"]["steps"].insert(place % 4, step)
    for text in (yaml.safe_dump(document), yaml.safe_dump({"workflow": value}), yaml.safe_dump(value)):
        for remark in lint_text(text, KNOWN):
            assert remark.problem.path


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(GOOD)), st.text(max_size=6), st.integers(0, 6))
def test_a_text_with_any_change_in_it_gives_remarks_and_no_other_error(
    place: int, more: str, less: int
) -> None:
    for remark in lint_text(GOOD[:place] + more + GOOD[place + less :], KNOWN):
        assert remark.problem.problem
