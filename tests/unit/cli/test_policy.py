from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sre_copilot.cli.main import app
from sre_copilot.errors import SettingsError

FILE = """\
policies:
  - {name: no sql, when: {actions: [sql.*], environments: [production]}, effect: forbid, because: Data is there.}
tests:
  - {name: a statement, given: {action: sql.x}, expect: {forbidden: true}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "policies.yaml"
    path.write_text(FILE, encoding="utf-8")
    return path


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["policy", *map(str, arguments)])
    if isinstance(result.exception, SettingsError):
        raise result.exception
    return result.exit_code, result.stdout


def test_tests_of_a_file_pass(file: Path) -> None:
    code, out = run("test", file)
    assert code == 0
    assert "ok a statement" in out
    assert "1 test, 0 failed" in out


def test_a_failed_test_is_explained_and_ends_with_1(file: Path) -> None:
    file.write_text(FILE.replace("forbidden: true", "mode: auto"), encoding="utf-8")
    code, out = run("test", file)
    assert code == 1
    assert "FAILED 'a statement': mode is manual, expected auto" in out
    assert "decided: The policy no sql forbids it. Data is there." in out


def test_a_file_without_tests_is_a_failure(file: Path) -> None:
    file.write_text(FILE.partition("tests:")[0], encoding="utf-8")
    assert run("test", file)[0] == 1


def test_lint_remarks_and_refuses_with_line_and_path(file: Path) -> None:
    assert run("lint", file) == (0, "nothing to remark\n")
    file.write_text(FILE.partition("tests:")[0], encoding="utf-8")
    code, out = run("lint", file, "--lang", "zh")
    assert code == 1
    assert "line 2: policies.0: 没有测试覆盖规则 no sql" in out
    file.write_text(FILE.replace("effect", "efect"), encoding="utf-8")
    with pytest.raises(SettingsError, match=r"line 2: policies\.0\.efect: is unknown; did you mean effect"):
        run("lint", file)


def test_show_says_every_rule_that_is_in_force(file: Path, tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text(
        f"""
risk: {{auto_remediation_enabled: true}}
decision:
  policies: [{file}]
  black_list: [{{actions: ["sql.*"], because: never}}]
  freezes: [{{name: holidays, starts_at: "2026-12-24T00:00Z", ends_at: "2027-01-02T00:00Z"}}]
  autonomy: {{actions: [{{action: supervisor.restart}}]}}
""",
        encoding="utf-8",
    )
    code, out = run("show", "--config", config)
    assert code == 0
    for each in ("risk below 0.6", "no sql", "holidays", "supervisor.restart", "actions sql.*"):
        assert each in out
    document = json.loads(run("show", "--config", config, "-o", "json")[1])
    assert document["policies"][0]["place"] == f"{file}, line 2: policies.0"
    assert document["risk"]["auto_threshold"] == 0.6
