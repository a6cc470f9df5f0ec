"""`sre-copilot ask`: forms, exit codes, the conversation, and harmless output."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console

from sre_copilot.agents.answer import Event
from sre_copilot.app.asking import OpenCopilot, open_case_copilot
from sre_copilot.cli.agents import agents
from sre_copilot.cli.ask import Form, ask
from sre_copilot.cli.conversation import COMMANDS, Conversation, Shown
from sre_copilot.cli.investigate import Language, investigate
from sre_copilot.cli.working import Working
from sre_copilot.errors import UsageError

CASE = sorted((Path(__file__).parents[3] / "examples/incidents/cases").iterdir())[0]
QUESTION = "why is it slow?"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def opened() -> Iterator[OpenCopilot]:
    with open_case_copilot(CASE) as found:
        yield found


def code(**arguments: Any) -> int:
    try:
        ask(**arguments)
    except typer.Exit as ended:
        return ended.exit_code
    return 0


def test_an_answer_ends_with_zero_and_names_findings_with_checks(capsys: pytest.CaptureFixture[str]) -> None:
    assert code(question=QUESTION, case=CASE, output=Form.JSON) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["diagnosis"]["outcome"] == "fault"
    known = {each["id"]: each for each in document["findings"]}
    for claim in document["claims"]:
        for name in claim["findings"]:
            assert all(check["observed"] is not None for check in known[name]["checks"])


def test_the_evidence_is_shown_when_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    code(question=QUESTION, case=CASE)
    without = capsys.readouterr().out
    code(question=QUESTION, case=CASE, evidence=True)
    shown = capsys.readouterr().out
    assert "observed:" not in without
    assert "observed:" in shown
    assert "F-" in without


@pytest.mark.parametrize("question", ["restart the cart service now", "hello", "重启一下购物车服务"])
def test_what_is_declined_ends_with_three_and_says_why(
    question: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code(question=question, case=CASE) == 3
    assert capsys.readouterr().out.strip()


def test_a_chinese_question_is_answered_in_chinese_and_the_language_can_be_chosen(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code(question="为什么变慢了？", case=CASE, output=Form.MD)
    assert "故障" in capsys.readouterr().out
    code(question="为什么变慢了？", case=CASE, output=Form.MD, lang=Language.EN)
    assert "The fault is in" in capsys.readouterr().out


def test_no_question_or_nothing_to_look_at_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no question"):
        ask("", case=CASE)
    with pytest.raises(UsageError, match="Nothing to look at"):
        ask(QUESTION)
    with pytest.raises(UsageError, match="Name a text file"):
        ask(QUESTION, case=CASE, file=Path("missing.txt"))


def test_one_thing_is_investigated_at_a_time() -> None:
    with pytest.raises(UsageError, match="one thing"):
        investigate(CASE, service="cart")
    with pytest.raises(UsageError, match="one thing"):
        investigate(None)


def test_asking_about_a_case_makes_no_store(tmp_path: Path) -> None:
    code(question=QUESTION, case=CASE)
    assert list(tmp_path.iterdir()) == []


def talk(opened: OpenCopilot, *lines: str) -> tuple[Conversation, str]:
    console = Console(file=io.StringIO(), width=200, color_system=None)
    conversation = Conversation(opened, "en", Shown(), console=console)
    for line in lines:
        conversation.take(line)
    return conversation, console.file.getvalue()  # type: ignore[attr-defined]


def test_a_follow_up_goes_on_from_the_question_before_until_that_is_cleared(opened: OpenCopilot) -> None:
    first, _ = talk(opened, "what was the latency of catalogue?", "and of gateway?")
    assert first.last is not None
    assert (first.last.understood.intent, first.last.understood.services) == ("metric", ("gateway",))
    cleared, _ = talk(opened, "what was the latency of catalogue?", "/clear", "and of gateway?")
    assert cleared.last is not None
    assert cleared.last.understood.intent != "metric"


def test_every_command_is_explained_in_both_languages(opened: OpenCopilot) -> None:
    _, english = talk(opened, "/help")
    _, chinese = talk(opened, "/lang zh", "/help")
    for name in COMMANDS:
        assert f"/{name}" in english
        assert f"/{name}" in chinese
    assert english != chinese


def test_commands_show_evidence_context_tools_and_write_a_report(opened: OpenCopilot, tmp_path: Path) -> None:
    conversation, said = talk(
        opened, QUESTION, "/show", "/context", "/last", "/run query_metrics service=catalogue"
    )
    assert "observed:" in said
    assert "catalogue" in said
    assert "last question: why is it slow?" in said
    assert "F-" in said.split("answered\n")[-1]
    conversation.take("/report report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!")
    conversation.take("/exit")
    assert conversation.ended


@pytest.mark.parametrize(
    "line", ["/nothing", "/show F-00000000", "/run", "/run query_metrics x", "/lang fr", "/report"]
)
def test_a_wrong_command_is_told_and_the_conversation_goes_on(opened: OpenCopilot, line: str) -> None:
    conversation, said = talk(opened, "/last", line)
    assert said.strip()
    assert not conversation.ended


def test_events_are_told_to_whoever_watches_and_carry_no_control_codes() -> None:
    console = Console(file=io.StringIO(), width=200, force_terminal=True, color_system=None)
    working = Working("en", console=console)
    working.hear(
        Event(
            kind="finding", agent="log", text="\x1b[31mred\x1b[0m \u202eback ![x](http://evil.example/a.png)"
        )
    )
    working.hear(Event(kind="tool_call", agent="query_logs", text="query_logs(service=cart)"))
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert "log found: red back x" in said
    assert "query_logs(service=cart)" in said
    assert "\x1b[31m" not in said
    assert "http://" not in said


def test_nobody_who_does_not_watch_is_told() -> None:
    console = Console(file=io.StringIO(), width=200)
    Working("en", console=console).hear(Event(kind="finding", agent="log", text="something"))
    assert console.file.getvalue() == ""  # type: ignore[attr-defined]


def test_names_in_telemetry_that_would_steer_a_terminal_are_made_harmless(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = tmp_path / "hostile"
    shutil.copytree(CASE, case)
    document = json.loads((case / "case.json").read_text(encoding="utf-8"))
    (case / "case.json").write_text(
        json.dumps(document).replace('"lab-01"', '"\\u001b]0;owned\\u0007\\u202elab"'), encoding="utf-8"
    )
    code(question=QUESTION, case=case, evidence=True)
    said = capsys.readouterr().out
    assert "\x1b]" not in said
    assert "\u202e" not in said


def test_the_roster_names_every_agent_with_its_tools(capsys: pytest.CaptureFixture[str]) -> None:
    agents(output="json")
    found = {each["name"]: each for each in json.loads(capsys.readouterr().out)["agents"]}
    assert {"monitor", "log", "trace", "trade", "change", "cmdb", "root_cause", "knowledge"} <= set(found)
    assert "query_logs" in found["log"]["tools"]
