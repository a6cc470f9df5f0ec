"""YAML becomes a workflow, or a list of what is wrong with it."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sre_copilot.workflows import providers
from sre_copilot.workflows.compiling import expression_problems
from sre_copilot.workflows.plain_yaml import MOST_CHARACTERS, read_yaml
from sre_copilot.workflows.problems import WorkflowProblems
from sre_copilot.workflows.reading import Source, parts_of, path_of, read
from sre_copilot.workflows.schema import json_schema

GOOD = """
workflow:
  id: disk
  triggers:
    - {type: alert, cel: trigger.alert.severity == 'critical'}
    - {type: interval, value: 15m}
    - {type: manual}
    - {type: incident, events: [opened, resolved]}
    - {type: chat, phrases: ["check the disk of {host}"]}
    - {type: webhook}
  inputs: [{name: host, required: true}]
  consts: {limit: 90}
  steps:
    - name: look
      provider: {type: tool.host_health, with: {host: "{{ inputs.host }}"}}
      retry: {attempts: 3, delay: 10s}
    - name: full
      provider:
        type: check
        with: {source: metrics, where: {name: disk}, relation: ">", bound: "{{ consts.limit }}"}
    - name: both
      if: steps.full.output.holds
      parallel:
        a: [{name: pause, provider: {type: wait, with: {for: 1h30m}}}]
        b: [{name: note, provider: {type: set, with: {at: 12:30, on: yes}}}]
  actions:
    - name: ask
      timeout: 2h
      provider: {type: human, with: {title: Look, form: [{name: ok, type: boolean}]}}
    - name: act
      provider: {type: action.supervisor.restart, with: {target: {kind: program, name: cart}}}
"""


def problems_of(text: str) -> list[str]:
    with pytest.raises(WorkflowProblems) as raised:
        read(text)
    return [str(each) for each in raised.value.problems]


def step(more: str) -> str:
    return f"workflow:\n  id: one\n  steps:\n    - name: a\n{more}"


def test_a_workflow_is_read_with_units_and_places() -> None:
    source = read(GOOD)
    workflow = source.workflow
    assert [each.type for each in workflow.triggers] == [
        "alert",
        "interval",
        "manual",
        "incident",
        "chat",
        "webhook",
    ]
    assert [each.kind for each in workflow.sequence] == ["tool", "check", "parallel", "human", "action"]
    assert workflow.triggers[1].value == 900.0  # type: ignore[union-attr]
    assert workflow.steps[0].retry.delay == 10.0
    assert workflow.timeout == 86_400.0
    assert workflow.actions[0].timeout_seconds == 7200.0
    assert workflow.steps[0].provider.tool == "host_health"  # type: ignore[union-attr]
    assert workflow.actions[1].provider.action == "supervisor.restart"  # type: ignore[union-attr]
    assert source.place("workflow.steps[1].provider.with.bound").line == 20
    assert [path for path, _ in workflow.walk()] == [
        "workflow.steps[0]",
        "workflow.steps[1]",
        "workflow.steps[2]",
        "workflow.steps[2].parallel.a[0]",
        "workflow.steps[2].parallel.b[0]",
        "workflow.actions[0]",
        "workflow.actions[1]",
    ]


def test_words_and_clock_times_stay_text() -> None:
    note = read(GOOD).workflow.steps[2].parallel["b"][0]  # type: ignore[index]
    assert note.provider.with_ == {"at": "12:30", "on": "yes"}  # type: ignore[union-attr]


def test_what_is_read_fits_the_published_schema() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert list(validator.iter_errors(read_yaml(GOOD).value)) == []
    bad = read_yaml(GOOD.replace("relation:", "relations:")).value
    assert list(validator.iter_errors(bad))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (step("      provder: {type: tool.x}"), "line 5: workflow.steps[0].provder: is no key here. Did you mean provider?"),
        (step("      provider: {type: weit, with: {}}"), "line 5: workflow.steps[0].provider.type: 'weit' is no kind of step. Did you mean wait?"),
        (step("      provider: {type: query_metrics}"), "a tool is written tool.query_metrics"),
        (step("      provider: {type: wait, with: {for: 5 minutes}}"), "workflow.steps[0].provider.with.for: is no duration"),
        (step("      provider: {type: wait, with: {for: 5s, until: x}}"), "give exactly one of for and until"),
        (step("      provider: {type: check, with: {source: metrics, relation: '>', bund: 3}}"), "with.bound: is missing. Add `bound: …`"),
        (step("      if: {{ x }}\n      provider: {type: set, with: {a: 1}}"), "quote an expression"),
        (step("      needs: [b]\n      provider: {type: set, with: {a: 1}}"), "needs 'b', and no step of this list is called so"),
        (step("      needs: [a]\n      provider: {type: set, with: {a: 1}}"), "comes with itself"),
        (step("      steps: [{name: a, provider: {type: set, with: {a: 1}}}]"), "another step is called 'a'"),
        (step("      else: []\n      provider: {type: set, with: {a: 1}}"), "else: belongs to a step"),
        (step("      title: x"), "has none of them"),
        ("workflow:\n  id: one\n  triggers: [{type: chat, phrases: ['a {x} {x}']}]\n  steps: []", "hold no names of inputs"),
        ("workflow:\n  id: one", "has no step"),
        ("workflow:\n  id: Big One\n  steps: []", "line 2: workflow.id: does not have the form"),
        ("workflow:\n  id: one\n  id: two", "line 3: file: has the key 'id' twice"),
        ("workflow: &a\n  id: *a", "anchor or alias"),
        ("workflow: !!python/object:os.system {}", "has a tag"),
        ("workflow: [", "is no YAML"),
        ("a: 1", "workflow: is missing"),
        ("", "is empty"),
        ("[" * 60 + "]" * 60, "nested too deeply"),
        ("x" * (MOST_CHARACTERS + 1), "characters"),
    ],
)  # fmt: skip
def test_each_problem_names_its_line_its_path_and_the_way_out(text: str, told: str) -> None:
    assert any(told.lower() in each.lower() for each in problems_of(text)), problems_of(text)


def test_all_problems_are_told_at_once() -> None:
    text = step("      provder: {type: tool.x}\n    - name: in\n      provider: {type: wait, with: {}}\n")
    told = problems_of(text)
    assert [each.split(":")[0] for each in told] == ["line 5", "line 6", "line 7"]


def test_a_path_can_be_taken_apart_and_put_together() -> None:
    path = "workflow.steps[2].parallel.a[0].provider.with"
    assert path_of(parts_of(path)) == path


def test_a_missing_part_has_the_place_of_what_is_around_it() -> None:
    source: Source = read(GOOD)
    assert source.place("workflow.steps[0].nothing") == source.place("workflow.steps[0]")


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8) | st.sampled_from(["wait", "tool.x", "check", "5m", "{{ a }}"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["workflow", "id", "steps", "name", "provider", "type", "with", "for", "if", "else", "foreach", "parallel", "needs", "triggers", "inputs"]),
        inner,
        max_size=4,
    ),
    max_leaves=25,
)  # fmt: skip


@given(PLAIN)
@settings(max_examples=150, deadline=None)
def test_whatever_is_written_is_read_or_told_with_problems(value: object) -> None:
    for wrapped in (value, {"workflow": value}, {"workflow": {"id": "a", "steps": [value]}}):
        try:
            read(json.dumps(wrapped))
        except WorkflowProblems as told:
            found = told.problems
            assert found


def test_the_example_of_the_documentation_is_a_workflow() -> None:
    page = (Path(__file__).parents[3] / "docs/reference/workflows.md").read_text(encoding="utf-8")
    source = read(page.split("```yaml\n")[1].split("```")[0])
    assert list(expression_problems(source)) == []
    assert {step.kind for _, step in source.workflow.walk()} == {"tool", "check", "human", "action"}
    for _, part in inspect.getmembers(providers, inspect.isclass):
        for field in (
            getattr(part, "model_fields", {}).values() if part.__module__ == providers.__name__ else ()
        ):
            assert not field.alias or f"`{field.alias}`" in page, field.alias
