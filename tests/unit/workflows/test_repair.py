"""What lint finds wrong with a workflow that was made is repaired without adding anything that acts."""

from __future__ import annotations

from typing import Any

from sre_copilot.domain.plan import Target
from sre_copilot.workflows.generation.means import Means
from sre_copilot.workflows.generation.proposal import ProposedWorkflow, workflow_of_proposal
from sre_copilot.workflows.generation.repair import repaired
from sre_copilot.workflows.lint.known import Known
from sre_copilot.workflows.reading import read

TOOLS = {"rows": {"properties": {"service": {}, "level": {}}, "additionalProperties": False}}
KNOWN = Known(tools=TOOLS, actions={"kubernetes.rollout_restart": {}}, receivers=("oncall",))
TARGET = Target(executor="kubernetes", kind="Deployment", name="cart", namespace="shop")
MEANS = Means(tools=TOOLS, receivers=("oncall",), actions={"kubernetes.rollout_restart": ({}, TARGET)})
BASE = {
    "workflow": {
        "id": "made",
        "triggers": [{"type": "manual"}],
        "inputs": [{"name": "service", "default": ""}],
    }
}


def steps(*given: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"workflow": {"id": "made", "steps": list(given), **more}}


def kinds(text: str) -> dict[str, str]:
    return {step.name: step.kind for _, step in read(text).workflow.walk()}


def test_a_step_that_cannot_be_done_becomes_a_task_for_a_person_and_the_rest_stays() -> None:
    good = {"name": "look", "provider": {"type": "tool.rows", "with": {"service": "cart"}}}
    lost = {"name": "more", "title": "Look at the moon", "provider": {"type": "tool.moon"}}
    found = repaired(steps(good, lost), KNOWN)
    assert kinds(found.text) == {"look": "tool", "more": "human"}
    assert found.remarks == ()
    assert "there is no tool 'moon'" in found.repairs[0]
    assert "more is a task for a person" in found.repairs[0]


def test_what_reads_a_step_that_became_a_task_is_repaired_with_it() -> None:
    look = {"name": "look", "provider": {"type": "tool.moon"}}
    act = {
        "name": "act",
        "if": "steps.nothing.output.full",
        "provider": {"type": "action.kubernetes.rollout_restart", "with": {"target": {"kind": "Deployment", "name": "cart"}}},
    }  # fmt: skip
    found = repaired(steps(look, act), KNOWN)
    assert kinds(found.text) == {"look": "human", "act": "human"}
    assert found.remarks == ()


def test_a_receiver_an_output_and_a_trigger_that_are_not_there_are_left_out() -> None:
    tell = {
        "name": "tell",
        "provider": {"type": "notify", "with": {"receivers": ["oncall", "nobody"], "title": "x"}},
    }
    ask = {
        "name": "ask",
        "timeout": "1h",
        "provider": {"type": "human", "with": {"title": "x", "receivers": ["gone"]}},
    }
    triggers = [{"type": "manual"}, {"type": "incident", "cel": "inputs.x =="}]
    found = repaired(steps(tell, ask, triggers=triggers, outputs={"a": "{{ steps.lost.output }}"}), KNOWN)
    workflow = read(found.text).workflow
    assert [each.type for each in workflow.triggers] == ["manual"]
    assert kinds(found.text) == {"tell": "notify", "ask": "human"}
    assert (dict(workflow.outputs), found.remarks, len(found.repairs)) == ({}, (), 4)


def test_a_clean_workflow_is_left_as_it_is() -> None:
    found = repaired(steps({"name": "a", "provider": {"type": "set", "with": {"n": 1}}}), KNOWN)
    assert (found.repairs, found.remarks) == ((), ())


def proposed(*given: dict[str, Any]) -> str:
    form = ProposedWorkflow.model_validate({"steps": list(given)})
    return repaired(workflow_of_proposal(form, BASE, MEANS), KNOWN).text


def test_a_proposal_gets_its_targets_and_its_expressions_from_us() -> None:
    text = proposed(
        {"name": "look", "title": "Errors {{ run.id }}", "kind": "look", "tool": "rows", "arguments": {"service": "{service}", "level": "{{ run.id }}"}},
        {"name": "sure", "title": "Is it bad", "kind": "ask"},
        {"name": "act", "title": "Restart", "kind": "act", "action": "kubernetes.rollout_restart", "only_if": [{"step": "sure", "answer": "yes"}]},
    )  # fmt: skip
    workflow = read(text).workflow
    look, _, act = workflow.steps
    assert look.provider.with_ == {"service": "{{ inputs.service }}", "level": "{ { run.id }}"}  # type: ignore[union-attr]
    assert act.condition == "(steps.sure.status == 'succeeded' && steps.sure.output.answer.holds)"
    assert act.provider.with_.target.name == "cart"  # type: ignore[union-attr]
    assert "{{ run.id" not in text


def test_a_proposed_action_that_is_not_bound_and_a_condition_on_no_question_go_to_a_person() -> None:
    text = proposed(
        {"name": "act", "title": "Delete it", "kind": "act", "action": "kubernetes.delete"},
        {"name": "act", "title": "Restart", "kind": "act", "action": "kubernetes.rollout_restart", "only_if": [{"step": "act", "answer": "yes"}]},
        {"name": "wait", "title": "Wait", "kind": "wait", "seconds": 60},
    )  # fmt: skip
    assert kinds(text) == {"act": "human", "act_2": "human", "wait": "wait"}
