"""Checks of users as tools."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from sre_copilot.agents.scenes.recorded import RecordedScene
from sre_copilot.agents.tool import Tool
from sre_copilot.agents.toolbox import Toolbox
from sre_copilot.agents.toolkit.component_tool import ComponentTool, component_tools
from sre_copilot.app.tools import all_tools
from sre_copilot.errors import SettingsError
from sre_copilot.evidence.verify import verify
from sre_copilot.settings.document import Settings
from sre_copilot.settings.tools import CheckTool, Toolset
from sre_copilot.testing.tool_contract import ToolContract, context, shop

CODE = "import sys; print('queue', sys.argv[1], 'holds 17 orders'); print('oldest waits 40 s')"
CHECK = CheckTool.model_validate(
    {
        "name": "order_queue",
        "description": "Tells how many orders wait in a queue.",
        "description_zh": "给出某队列中等待的订单数。",
        "command": [sys.executable, "-c", CODE, "{{ queue }}"],
        "parameters": {"queue": {"description": "Name of the queue"}},
    }
)


class TestACheckOfAUser(ToolContract):
    arguments: Mapping[str, str] = {"queue": "orders"}
    wrong: Mapping[str, str] = {"queue": "orders"}
    silent = False

    def tool(self) -> Tool:
        return ComponentTool(CHECK)  # type: ignore[return-value]

    def test_what_it_cannot_answer_is_an_error_that_shows_what_was_asked(self) -> None:
        broken = CHECK.model_copy(update={"command": [sys.executable, "-c", "raise SystemExit('no orders')"]})
        box = Toolbox({"order_queue": ComponentTool(broken)}, context(RecordedScene(shop())))  # type: ignore[dict-item]
        result = box.use("order_queue", self.arguments)
        assert result.outcome == "error"
        assert "no orders" in result.problem
        assert "queue='orders'" in result.problem


def test_each_line_is_a_statement_that_stands_in_what_was_printed() -> None:
    box = Toolbox({"order_queue": ComponentTool(CHECK)}, context(RecordedScene(shop())))  # type: ignore[dict-item]
    result = box.use("order_queue", {"queue": "orders"})
    assert "queue orders holds 17 orders" in result.digest
    assert result.observation is not None
    assert len(verify(result.findings, result.observation).confirmed) == 2
    assert verify(result.findings, shop()).confirmed == ()


def test_a_value_that_its_parameter_forbids_is_an_error_and_nothing_runs(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    touching = CHECK.model_copy(update={"command": ["touch", str(mark)]})
    box = Toolbox({"order_queue": ComponentTool(touching)}, context(RecordedScene(shop())))  # type: ignore[dict-item]
    assert box.use("order_queue", {"queue": "--help"}).outcome == "error"
    assert box.use("order_queue", {"queue": "a;b"}).outcome == "error"
    assert not mark.exists()


def test_what_prints_nothing_has_no_data() -> None:
    silent = CHECK.model_copy(update={"command": ["true"]})
    box = Toolbox({"order_queue": ComponentTool(silent)}, context(RecordedScene(shop())))  # type: ignore[dict-item]
    assert box.use("order_queue", {"queue": "orders"}).outcome == "no_data"


def test_who_may_not_run_it_is_told_who_may() -> None:
    viewer = replace(context(RecordedScene(shop())), role="viewer")
    result = Toolbox({"order_queue": ComponentTool(CHECK)}, viewer).use("order_queue", {"queue": "orders"})  # type: ignore[dict-item]
    assert result.outcome == "approval_required"
    assert "responder" in result.problem


def test_sets_come_from_the_configuration_and_from_files_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "toolsets:\n  mine:\n    tools:\n      - {name: free_space, description: Tells free space., command: [df, -h]}\n"
    )
    settings = Settings.model_validate(
        {"custom_toolsets": [tmp_path], "toolsets": {"orders": {"tools": [CHECK]}}}
    )
    assert {"free_space", "order_queue", "query_logs"} <= set(all_tools(settings).tools)
    assert "free_space" not in all_tools(Settings()).tools


def test_a_name_that_is_taken_is_an_error_of_the_configuration() -> None:
    taken = CHECK.model_copy(update={"name": "query_logs"})
    with pytest.raises(SettingsError, match="query_logs"):
        all_tools(Settings.model_validate({"toolsets": {"orders": {"tools": [taken]}}}))


def test_a_set_that_cannot_be_used_now_is_left_out_with_the_reason() -> None:
    tools, left_out = component_tools({"off": Toolset(enabled=False, tools=[CHECK])})
    assert tools == {}
    assert left_out == {"off": "it is not enabled"}
