"""The evaluation of understanding: what counts as right, and that a wrong answer lowers it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sre_copilot.cli.main import app
from sre_copilot.errors import UsageError
from sre_copilot.eval.intent.questions import parsed, shipped
from sre_copilot.eval.intent.run import judge, summary


def line(text: str, **expected: Any) -> str:
    wanted = {
        "intent": "metric",
        "services": ["payment"],
        "window": None,
        "parameters": {},
        "parts": [],
        **expected,
    }
    return json.dumps(
        {
            "id": "q",
            "lang": "en",
            "text": text,
            "now": "2026-03-04T08:20:00Z",
            "utc_offset_hours": 8,
            "services": ["payment"],
            "aliases": {},
            "previous": None,
            "expected": wanted,
        }
    )


HOUR = {"start": "2026-03-04T06:00:00Z", "end": "2026-03-04T07:00:00Z"}


def figures(*lines: str) -> dict[str, Any]:
    return summary(judge(parsed("\n".join(lines), name="x")))


def test_a_question_is_right_when_all_of_it_is() -> None:
    right = line("cpu of payment from 14:00 to 15:00", window=HOUR, parameters={"metric": "cpu"})
    found = figures(right)
    assert (found["both"], found["times"], found["wrong"]) == (1.0, {"n": 1, "accuracy": 1.0}, [])


@pytest.mark.parametrize(
    ("changed", "figure"),
    [
        ({"intent": "logs"}, "intent_accuracy"),
        ({"parts": ["metric", "logs"]}, "intent_accuracy"),
        ({"services": []}, "services_accuracy"),
        ({"parameters": {"metric": "memory"}}, "parameters_accuracy"),
        ({"window": None}, "parameters_accuracy"),
    ],
)
def test_what_is_wrong_lowers_its_figure(changed: dict[str, Any], figure: str) -> None:
    text = "cpu of payment from 14:00 to 15:00"
    found = figures(line(text, window=HOUR), line(text, **{"window": HOUR, **changed}))
    assert found[figure] == found["both"] == 0.5


def test_a_time_that_was_not_asked_for_is_counted_as_wrong() -> None:
    assert figures(line("cpu of payment at 3pm"))["times"] == {"n": 1, "accuracy": 0.0}


def test_a_line_that_is_no_question_is_named() -> None:
    with pytest.raises(UsageError, match="x, line 2"):
        parsed(line("cpu") + "\n{}", name="x")


def test_the_shipped_questions_are_understood_as_the_product_promises() -> None:
    seen = summary(judge(shipped()["seen"]))
    assert seen["n"] >= 100
    assert seen["both"] >= 0.9
    assert seen["times"]["accuracy"] >= 0.98


def test_the_command_writes_its_figures(tmp_path: Path) -> None:
    questions, figures_file = tmp_path / "q.jsonl", tmp_path / "f.json"
    questions.write_text(line("cpu of payment"), encoding="utf-8")
    options = ["eval", "intent", "--questions", str(questions), "--json", str(figures_file)]
    assert CliRunner().invoke(app, options).exit_code == 0
    assert json.loads(figures_file.read_text(encoding="utf-8"))["intent"]["given"]["n"] == 1
