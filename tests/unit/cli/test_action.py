"""`action` and `killswitch` on the command line; nothing of them has an effect."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sre_copilot.cli.action import app as action
from sre_copilot.cli.action import described, example, parameters
from sre_copilot.cli.killswitch import app as killswitch
from sre_copilot.errors import UsageError


@pytest.fixture
def config(tmp_path: Path) -> str:
    """A configuration whose store is in a folder of the test."""
    file = tmp_path / "config.yaml"
    file.write_text(f"store: {{folder: {tmp_path}}}\nlogging: {{level: ERROR}}\n", encoding="utf-8")
    return str(file)


def test_without_executors_the_catalogue_is_empty_and_says_how_to_fill_it(config: str) -> None:
    found = CliRunner().invoke(action, ["list", "--config", config])
    assert found.exit_code == 0
    assert "actions.executors" in found.output


def test_an_unknown_action_is_refused_and_nothing_is_proposed(config: str) -> None:
    given = ["run", "nothing.at_all", "--target", "thing/a", "--config", config]
    found = CliRunner().invoke(action, given)
    assert isinstance(found.exception, UsageError)
    assert "not in the catalogue" in str(found.exception)


def test_the_switch_is_thrown_shown_and_reset(config: str) -> None:
    run = CliRunner()
    assert run.invoke(killswitch, ["show", "--config", config]).exit_code == 0
    assert run.invoke(killswitch, ["on", "--reason", "too much", "--config", config]).exit_code == 0
    shown = run.invoke(killswitch, ["show", "-o", "json", "--config", config])
    assert shown.exit_code == 1
    assert (row := json.loads(shown.output))["thrown"]
    assert row["reason"] == "too much"
    assert run.invoke(killswitch, ["off", "--reason", "solved", "--config", config]).exit_code == 0
    assert run.invoke(killswitch, ["show", "--config", config]).exit_code == 0


def test_parameters_are_json_where_they_can_be_and_text_otherwise() -> None:
    assert parameters(["n=3", "name=cart", 'list=["a"]', "eq=a=b"]) == {
        "n": 3,
        "name": "cart",
        "list": ["a"],
        "eq": "a=b",
    }


def test_parameters_are_described_by_type_and_range_and_the_example_can_be_run() -> None:
    schema = {
        "properties": {"replicas": {"type": "integer", "minimum": 0, "maximum": 8}, "how": {"enum": ["a", "b"]}, "grace": {"type": "number"}},
        "required": ["replicas"],
    }  # fmt: skip
    assert described(schema) == "replicas: integer 0..8, how?: a|b, grace?: number"
    bare = {"name": "x.stop", "targets": [], "kinds": ["process"], "parameters": {}}
    bound = {"name": "x.scale", "targets": ["cart"], "kinds": ["process"], "parameters": schema}
    assert example([bare, bound]) == "x.scale --target cart --param replicas=…"
    assert example([bare]) == "x.stop --target process/NAME"


@pytest.mark.parametrize("given", [["n"], ["=3"], ["n=1", "n=2"]])
def test_a_parameter_that_is_none_or_stands_twice_is_named(given: list[str]) -> None:
    with pytest.raises(UsageError, match="--param"):
        parameters(given)
