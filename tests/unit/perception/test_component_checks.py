"""A user's own check runs without a shell, within its bounds, and with nothing of ours."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from sre_copilot.errors import SourceAnswerError, SourceUnreachable, UsageError
from sre_copilot.perception.component_checks import run_check, unmet
from sre_copilot.settings.tools import CheckTool, Toolset

PYTHON = sys.executable


def check(command: list[str] | None = None, **more: Any) -> CheckTool:
    given = {"name": "probe", "description": "a probe for a test", **more}
    return CheckTool.model_validate(given if command is None else {**given, "command": command})


def prints(code: str, **more: Any) -> CheckTool:
    return check([PYTHON, "-c", code], **more)


def test_what_a_shell_would_read_as_a_command_is_a_text() -> None:
    echo = check(["echo", "{{ name }}"], parameters={"name": {"pattern": ".*"}})
    assert run_check(echo, {"name": "a; touch b $(id) | cat `id`"}).output == "a; touch b $(id) | cat `id`\n"


@pytest.mark.parametrize("value", ["-rf", "a b", "../etc", "a\nb", "a\x00b", "x" * 400, "", "a/b"], ids=repr)
def test_a_value_that_is_no_plain_name_is_refused_before_anything_runs(value: str) -> None:
    with pytest.raises(UsageError, match="name"):
        run_check(check(["echo", "{{ name }}"], parameters={"name": {}}), {"name": value})


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ({"enum": ["a", "b"]}, "c"),
        ({"type": "integer"}, "1"),
        ({"type": "integer"}, True),
        ({"type": "boolean"}, 1),
    ],
)
def test_a_value_of_another_kind_is_refused(parameter: dict[str, Any], value: Any) -> None:
    with pytest.raises(UsageError):
        run_check(check(["echo", "{{ p }}"], parameters={"p": parameter}), {"p": value})


def test_a_part_without_a_value_is_left_out() -> None:
    echo = check(
        ["echo", "a", "--limit={{ limit }}"], parameters={"limit": {"type": "integer", "required": False}}
    )
    assert run_check(echo, {}).output == "a\n"
    assert run_check(echo, {"limit": 3}).output == "a --limit=3\n"


def test_it_gets_nothing_of_our_environment_and_an_empty_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUR_SECRET", "s3cr3t")
    code = "import os; print(sorted(os.environ), os.listdir('.'), os.getcwd() == os.environ['HOME'])"
    output = run_check(prints(code, environment={"GIVEN": "x"}), {}).output
    assert "OUR_SECRET" not in output
    assert "'GIVEN'" in output
    assert "[] True" in output


def test_what_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    mark = tmp_path / "alive"
    child = f"import time, pathlib; time.sleep(1.5); pathlib.Path({str(mark)!r}).touch()"
    code = (
        f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {child!r}]); time.sleep(30)"
    )
    began = time.monotonic()
    with pytest.raises(SourceUnreachable, match="took longer"):
        run_check(prints(code, timeout_seconds=0.6), {})
    assert time.monotonic() - began < 5
    time.sleep(1.6)
    assert not mark.exists()


def test_endless_output_is_cut_and_the_program_ended() -> None:
    began = time.monotonic()
    printed = run_check(prints("while True: print('x' * 1000)", max_output_characters=5000), {})
    assert printed.cut
    assert len(printed.output) <= 5000
    assert time.monotonic() - began < 10


def test_a_failure_shows_code_and_words() -> None:
    code = "import sys; print('no such queue', file=sys.stderr); sys.exit(3)"
    with pytest.raises(SourceAnswerError, match="code 3: no such queue"):
        run_check(prints(code), {})
    assert run_check(prints("import sys; sys.exit(1)", ok_exit_codes=[0, 1]), {}).code == 1


def test_a_program_that_is_not_there_is_told() -> None:
    with pytest.raises(SourceUnreachable, match="no program"):
        run_check(check(["no-such-program-here"]), {})


def test_a_function_of_a_file_runs_in_a_process_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "import os\ndef score(region, weight=1):\n    return [{'region': region, 'weight': weight}, f'pid {os.getpid()}']\n"
    )
    mine = check(
        python={"file": file, "function": "score"}, parameters={"region": {}, "weight": {"type": "number"}}
    )
    lines = run_check(mine, {"region": "north", "weight": 2.5}).output.splitlines()
    assert lines[0] == '{"region": "north", "weight": 2.5}'
    assert lines[1] != f"pid {os.getpid()}"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"command": ["{{ p }}"], "parameters": {"p": {}}}, "cannot be a parameter"),
        ({"command": ["echo", "{{ q }}"]}, "no parameter"),
        ({"command": ["curl", "{{ url }}"], "parameters": {"url": {}}}, "enum"),
        ({}, "either command or python"),
        ({"command": "echo a"}, "list"),
    ],
)
def test_a_check_that_could_be_misused_is_refused_by_the_configuration(
    wrong: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        check(**wrong) if "command" not in wrong else CheckTool.model_validate(
            {"name": "probe", "description": "a probe for a test", **wrong}
        )


def test_a_set_whose_prerequisite_does_not_hold_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOT_SET_HERE", raising=False)
    assert "NOT_SET_HERE" in unmet(Toolset.model_validate({"prerequisites": [{"env": ["NOT_SET_HERE"]}]}))
    assert unmet(Toolset.model_validate({"prerequisites": [{"command": ["false"]}]}))
    assert unmet(Toolset.model_validate({"prerequisites": [{"command": ["true"]}]})) == ""
