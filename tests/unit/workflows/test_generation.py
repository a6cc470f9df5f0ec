"""Procedures become workflows that lint finds clean, and that go the way that the procedure says."""

from __future__ import annotations

from pathlib import Path

import pytest

from sre_copilot.eval.workflows.run import evaluate
from sre_copilot.knowledge.sops import parse_sop
from sre_copilot.testing.workflows import FakeTools
from sre_copilot.workflows.generation.means import Means
from sre_copilot.workflows.generation.procedure import text_of, workflow_of
from sre_copilot.workflows.generation.prose import END, Clause, Way, clauses
from sre_copilot.workflows.lint.linter import lint_text
from sre_copilot.workflows.ports import Ports
from sre_copilot.workflows.simulation.simulate import simulate

PROCEDURES = Path(__file__).parents[3] / "examples/workflows/procedures"
SOP = """\
---
id: try
lang: en
---

# Try

## Indicators

- one

## Items

- errors: messages in the logs

## Flow

1. If it is well: end.
2. Restart it.
3. If it is still bad: go to 2.
4. Write it down; end.
"""
TOOLS = {"find_log_templates": {"properties": {"service": {}}, "additionalProperties": False}}


def test_of_the_shipped_procedures_all_are_clean_and_nine_of_ten_steps_are_right() -> None:
    found = evaluate(PROCEDURES)
    assert len(found.judged) == 20
    assert found.clean == 1.0
    assert found.accuracy >= 0.9


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("If it is well: end.", (Clause(Way("", END), "it is well"),)),
        ("Restart it; go to 4.", (Clause(Way("Restart it", 4)),)),
        ("If it is bad: restart it; end.", (Clause(Way("restart it", END), "it is bad"),)),
        ("Unless it is bad: end.", (Clause(Way(), "it is bad", Way("", END)),)),
        ("如果没有锁：转到 4。", (Clause(Way("", 4), "没有锁"),)),
        ("如果满了：转到 5，否则清理后结束。", (Clause(Way("", 5), "满了", Way("清理", END)),)),
        ("Look. If bad: go to 1 for that one.", (Clause(Way("Look")), Clause(Way("", 1), "bad"))),
    ],
)
def test_a_step_is_taken_apart(text: str, expected: tuple[Clause, ...]) -> None:
    assert clauses(text) == expected


def made() -> str:
    return text_of(workflow_of(parse_sop(SOP), Means(tools=TOOLS)))


def walked(**answers: bool) -> list[str]:
    ports = Ports(tools=FakeTools({"find_log_templates": {"digest": "all well"}}))
    given = {name: {"holds": value} for name, value in answers.items()}
    found = simulate(made(), ports, now=1e9, answers=given)
    assert found.status == "succeeded"
    return [each.step for each in found.path if each.status == "succeeded" and each.step != "look_1"]


def test_the_end_of_a_procedure_is_the_end_of_the_workflow() -> None:
    assert lint_text(made()) == ()
    assert walked(step_1=True) == ["step_1"]


def test_a_jump_back_is_gone_once_more_and_then_people_take_over() -> None:
    assert walked(step_1=False, step_3=False) == ["step_1", "step_2", "step_3", "step_4"]
    again = ["step_2_again_3", "step_3_again_3"]
    assert walked(step_1=False, step_3=True, step_3_again_3=False) == ["step_1", "step_2", "step_3", *again, "step_4"]  # fmt: skip
    assert walked(step_1=False, step_3=True, step_3_again_3=True) == ["step_1", "step_2", "step_3", *again, "handed_over"]  # fmt: skip


def test_a_deed_that_changes_something_is_never_done_by_a_tool() -> None:
    text = text_of(
        workflow_of(
            parse_sop(SOP.replace("Restart it.", "Check the logs and restart it.")), Means(tools=TOOLS)
        )
    )
    step = next(each for each in text.split("- name: ") if each.startswith("step_2\n"))
    assert "type: human" in step


def test_words_of_a_procedure_are_never_an_expression() -> None:
    text = text_of(workflow_of(parse_sop(SOP.replace("Restart it", "Restart {{ run.id }}")), Means()))
    assert lint_text(text) == ()
    assert "{{ run.id" not in text
