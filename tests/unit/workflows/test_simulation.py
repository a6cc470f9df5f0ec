"""A simulation reads, and tells what it would do."""

from __future__ import annotations

import pytest

from sre_copilot.errors import UsageError
from sre_copilot.testing.workflows import FakeChecks, FakeDecide, FakeTell, FakeTools
from sre_copilot.workflows.ports import Ports
from sre_copilot.workflows.simulation.simulate import Simulation, simulate

TEXT = """\
workflow:
  id: try
  inputs: [{name: service, default: cart}]
  steps:
    - name: look
      provider: {type: tool.rows, with: {service: '{{ inputs.service }}'}}
    - {name: pause, provider: {type: wait, with: {for: 10m}}}
    - name: ask
      if: steps.look.output.count > 3
      timeout: 1h
      provider: {type: human, with: {title: Restart, form: [{name: sure, type: boolean}]}}
    - name: both
      parallel:
        act:
          - name: act
            if: steps.ask.status == 'succeeded' && steps.ask.output.answer.sure
            provider: {type: action.kubernetes.rollout_restart, with: {target: {kind: Deployment, name: cart}}}
        tell:
          - {name: tell, provider: {type: notify, with: {receivers: [oncall], title: 'count {{ steps.look.output.count }}'}}}
    - name: each
      foreach: '[1, 2]'
      provider: {type: set, with: {n: '{{ item * 2 }}'}}
  outputs: {twice: '{{ steps.each.output }}'}
"""


def run(count: int, **options: object) -> tuple[Simulation, FakeDecide, FakeTell]:
    decide, tell = FakeDecide(), FakeTell()
    tools = FakeTools({"rows": {"count": count}})
    ports = Ports(tools=tools, checks=FakeChecks(), decide=decide, tell=tell)
    return simulate(TEXT, ports, now=1e9, **options), decide, tell  # type: ignore[arg-type]


def test_actions_messages_and_tasks_are_told_and_not_done() -> None:
    found, decide, tell = run(5)
    assert (found.status, found.error) == ("succeeded", "")
    assert [(each.kind, each.step) for each in found.would] == [("human", "ask"), ("action", "act"), ("notify", "tell")]  # fmt: skip
    assert found.would[1].text == "kubernetes.rollout_restart on kubernetes//Deployment/cart"
    assert found.would[0].detail["assumed"] == ["sure"]
    assert decide.proposals == {}
    assert tell.told == {}
    assert found.outputs == {"twice": [{"n": 2}, {"n": 4}]}
    assert found.seconds >= 600


def test_each_condition_is_shown_with_its_value_and_what_it_read() -> None:
    found, _, _ = run(2)
    shown = {each.step: (each.value, dict(each.read)) for each in found.conditions}
    assert shown["ask"] == (False, {"steps.look.output.count": 2})
    assert shown["act"][0] is False
    assert [each.step for each in found.path if each.status == "skipped"] == ["ask", "act"]


def test_an_answer_decides_which_way_is_gone() -> None:
    found, _, _ = run(5, answers={"ask": {"sure": False}})
    assert [each.kind for each in found.would] == ["human", "notify"]


def test_an_answer_for_a_step_that_asks_nobody_is_refused() -> None:
    with pytest.raises(UsageError, match=r"answers.look: is no step that asks a person. Such steps are: ask"):
        run(5, answers={"look": {}})


def test_a_tool_that_fails_ends_the_simulation_with_the_reason() -> None:
    found = simulate(TEXT, Ports(tools=FakeTools()), now=1e9)
    assert found.status == "failed"
    assert "there is no tool rows" in found.error
