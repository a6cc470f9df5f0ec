from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from sre_copilot.cli.main import app
from sre_copilot.errors import UsageError

FILE = """\
route:
  receiver: everybody
  group_by: [alertname]
  routes:
    - matchers: [team="shop"]
      receiver: shop
      continue: true
      escalation: main
    - matchers: [severity="critical"]
      receiver: pager
      active_time_intervals: [never]
receivers: [{name: everybody}, {name: shop}, {name: pager}]
templates: [x.tmpl]
time_intervals: [{name: never, time_intervals: [{years: ["1999"]}]}]
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "alertmanager.yml"
    path.write_text(FILE, encoding="utf-8")
    return str(path)


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["route", *arguments])
    if isinstance(result.exception, UsageError):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def test_the_receivers_of_labels_are_printed_in_order(file: str) -> None:
    assert run("test", "team=shop", 'severity="critical"', "--file", file) == (0, "shop,pager\n", "")
    assert run("test", "--file", file)[1] == "everybody\n"


def test_other_receivers_than_expected_are_an_exit_code(file: str) -> None:
    arguments = ("test", "team=shop", "--file", file, "--verify-receivers")
    assert run(*arguments, "shop")[0] == 0
    code, out, said = run(*arguments, "shop,pager")
    assert (code, out) == (1, "shop\n")
    assert "not the expected receivers shop,pager" in said


def test_the_way_to_the_receivers_is_explained(file: str) -> None:
    _, out, _ = run("test", "team=shop", "severity=critical", "alertname=Down", "--explain", "--file", file)
    assert 'group: {}/{team="shop"}:{alertname="Down"}' in out
    assert "first after 30s, changes each 5m, again after 4h" in out
    assert "escalation: main" in out
    assert "quiet now, by never" in out


def test_the_tree_is_drawn_and_what_has_no_effect_is_said(file: str) -> None:
    code, out, said = run("show", "--file", file)
    assert code == 0
    assert out.splitlines()[0].startswith("every alert  receiver: everybody  grouped by alertname")
    assert '├── {team="shop"}  receiver: shop' in out
    assert "continues" in out
    assert "line 13: templates: are not taken over" in said


def test_wrong_labels_and_files_are_refused(file: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="write a=VALUE"):
        run("test", "a=~b", "--file", file)
    with pytest.raises(UsageError, match="cannot be read"):
        run("show", "--file", str(tmp_path / "none.yml"))


def test_our_own_configuration_is_used_where_no_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        "alerting: {notify: {receivers: [{name: a}]}, routing: {route: {receiver: a, routes: [{receiver: b}]}}}",
        encoding="utf-8",
    )
    with pytest.raises(
        UsageError, match=r"alerting\.routing\.route\.routes\.0\.receiver: there is no receiver 'b'"
    ):
        run("show", "--config", str(path))
