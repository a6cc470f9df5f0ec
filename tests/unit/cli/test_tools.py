"""`sre-copilot tools` on a recorded case."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sre_copilot.cli.main import app
from sre_copilot.testing.cases import build_case


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_case("cpu", culprit="stock", seed=2).write(tmp_path_factory.mktemp("cases"))


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["tools", *arguments])
    return result.exit_code, result.output


def test_a_tool_answers_about_a_case(case: Path) -> None:
    code, output = run(
        "run", "host_health", "service=stock", "resource=cpu", "--case", str(case), "--lang", "en"
    )
    assert code == 0
    assert "cpu_percent" in output


def test_an_answer_for_machines_holds_findings_and_outcome(case: Path) -> None:
    code, output = run(
        "run", "query_traces", "service=stock", "min_duration_ms=1.5", "--case", str(case), "-o", "json"
    )
    document = json.loads(output)
    assert code == 0
    assert document["outcome"] == "success"
    assert document["arguments"]["min_duration_ms"] == 1.5
    assert document["findings"][0]["kind"] == "tool.traces.spans"


def test_what_cannot_be_answered_ends_with_one_and_says_what_there_is(case: Path) -> None:
    code, output = run("run", "query_logs", "service=stok", "--case", str(case), "--lang", "en")
    assert code == 1
    assert "stock" in output


def test_an_argument_without_a_value_is_a_usage_error(case: Path) -> None:
    assert run("run", "query_logs", "service", "--case", str(case))[0] == 2


def test_the_list_names_tools_in_the_language_that_is_asked_for(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(
        "toolsets:\n  mine:\n    tools:\n      - {name: free_space, description: Tells free space., command: [df, -h]}\n"
        "  idle: {enabled: false}\n"
    )
    code, output = run("list", "-o", "json", "--lang", "zh", "--config", str(config))
    document = json.loads(output)
    assert code == 0
    named = {tool["name"]: tool for tool in document["tools"]}
    assert "日志" in named["query_logs"]["description"]
    assert named["free_space"]["role"] == "responder"
    assert document["left_out"] == {"idle": "it is not enabled"}
