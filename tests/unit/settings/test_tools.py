"""Settings of tools that users bring: nobody but the operator says where to reach, and no value becomes code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from sre_copilot.agents.toolkit.component_tool import ComponentTool
from sre_copilot.errors import SettingsError
from sre_copilot.settings.tools import CheckTool, says_where
from sre_copilot.settings.toolset_files import read_toolsets

WHERE = "url baseUrl targetHost remoteURL remoteURLs endpointUrl filePath file_name domain href webhook site base-url IPAddress ipv4 hostName callbackurl backend_hosts url2 PORT"
ELSEWHERE = (
    "query limit service namespace profile report observer ghosting site_count pathology hostile queue"
)


def check(command: list[str], **parameters: Any) -> CheckTool:
    given = {"name": "probe", "description": "a probe for a test", "command": command}
    return CheckTool.model_validate({**given, "parameters": parameters})


@pytest.mark.parametrize("name", WHERE.split())
def test_a_name_says_where_to_reach_however_it_is_written(name: str) -> None:
    assert says_where(name)


@pytest.mark.parametrize("name", ELSEWHERE.split())
def test_another_name_does_not(name: str) -> None:
    assert not says_where(name)


@pytest.mark.parametrize("pattern", ["(?!x)a+", "(?<=a)b", r"(a)\\1", "("])
def test_a_pattern_that_an_engine_does_not_know_is_refused_with_its_field(
    tmp_path: Path, pattern: str
) -> None:
    file = tmp_path / "sets.yaml"
    file.write_text(
        "toolsets:\n  own:\n    tools:\n      - name: probe\n        description: a probe\n"
        f"        command: [echo, '{{{{ what }}}}']\n        parameters: {{what: {{pattern: '{pattern}'}}}}\n",
        encoding="utf-8",
    )
    if "1" in pattern:
        file.write_text(file.read_text(encoding="utf-8").replace("\\\\1", "\\1"), encoding="utf-8")
    with pytest.raises(SettingsError, match=r"what\.pattern.*regular expression"):
        read_toolsets([file])


def test_a_pattern_that_is_taken_makes_a_tool() -> None:
    assert ComponentTool(check(["echo", "{{ what }}"], what={"pattern": r"[a-z]+\d{2}"})).name == "probe"


@pytest.mark.parametrize(
    "command",
    [
        ["sh", "-c", "echo {{ what }}"],
        ["/bin/bash", "-euo", "pipefail", "-lc", "echo {{what}}"],
        ["dash", "-c", "-x", "echo {{ what }}"],
        ["timeout", "5", "zsh", "-c", "echo {{ what }}"],
        ["env", "A=1", "python3.12", "-I", "-c", "print('{{ what }}')"],
        ["python", "-X", "dev", "-cprint('{{ what }}')"],
        ["perl", "-w", "-ne", "print if /{{ what }}/"],
        ["ruby", "-r", "json", "-e", "puts '{{ what }}'"],
        ["node", "-e", "console.log('{{ what }}')"],
        ["node", "--eval=console.log('{{ what }}')"],
        ["node", "-p", "'{{ what }}'"],
    ],
)
def test_no_value_stands_in_code(command: list[str]) -> None:
    with pytest.raises(ValidationError, match="in code that an interpreter runs"):
        check(command, what={})


@pytest.mark.parametrize(
    "command",
    [
        ["sh", "-c", 'echo "$1"', "sh", "{{ what }}"],
        ["python3", "-c", "import sys; print(sys.argv[1])", "{{ what }}"],
        ["python3", "check.py", "-e", "{{ what }}"],
        ["bash", "check.sh", "-c", "{{ what }}"],
        ["node", "check.js", "-e", "{{ what }}"],
        ["grep", "-e", "{{ what }}", "/var/log/messages"],
        ["kubectl", "get", "node", "{{ what }}"],
    ],
)
def test_a_value_may_be_an_argument(command: list[str]) -> None:
    assert check(command, what={}).command == command
