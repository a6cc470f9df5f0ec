"""Every registered tool passes the same contract."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sre_copilot.agents.scenes.recorded import RecordedScene
from sre_copilot.agents.tool import Tool, ToolResult
from sre_copilot.agents.toolbox import Toolbox, registered_tools
from sre_copilot.domain.incident import Observation
from sre_copilot.testing.cases import build_case
from sre_copilot.testing.tool_contract import ToolContract, context, shop

NOBODY = {"service": "no-such-service"}
CASES: Mapping[str, dict[str, Any]] = {
    "query_metrics": {"arguments": {"service": "order"}, "wrong": NOBODY},
    "query_logs": {"arguments": {"service": "order"}, "wrong": {"pattern": "("}},
    "query_traces": {"arguments": {"service": "order"}, "wrong": NOBODY},
    "query_transactions": {"arguments": {}, "wrong": NOBODY},
    "query_changes": {"arguments": {}, "wrong": NOBODY},
    "query_state": {"arguments": {"object": "pods"}, "wrong": {"object": "no-such-object"}},
    "query_topology": {"arguments": {"service": "order"}, "wrong": NOBODY},
    "run_query": {
        "arguments": {"query": '{"service": "order", "steps": 1}', "language": "topology"},
        "wrong": {"query": '{"host": "a"}', "language": "topology"},
    },
    "detect_anomalies": {"arguments": {}, "wrong": {"detector": "no_such_detector"}},
    "forecast_metric": {
        "arguments": {"service": "order", "metric": "cpu", "forecaster": "seasonal_naive", "hours": 0.1},
        "wrong": {"service": "order", "metric": "cpu", "forecaster": "no_such_forecaster"},
    },
    "compare_windows": {"arguments": {"service": "order"}, "wrong": NOBODY},
    "summarise_logs": {"arguments": {}, "wrong": NOBODY},
    "find_log_templates": {"arguments": {}, "wrong": NOBODY},
    "localise": {"arguments": {}, "wrong": {"entity": "no-such-service"}},
    "similar_incidents": {"arguments": {}, "wrong": {"entity": "no-such-service"}, "silent": False},
    "search_knowledge": {"arguments": {"question": "what to do"}, "wrong": {"question": "what", "kind": "no_such_kind"}, "silent": False},
    "host_health": {"arguments": {}, "wrong": {"resource": "no_such_resource"}},
    "page": {"arguments": {"handle": ""}, "wrong": {"handle": "h-gone"}, "silent": False, "checked": False},
}  # fmt: skip
PAGE = Path(__file__).parents[4] / "docs/reference/tools.md"


def with_state(seen: Observation) -> Observation:
    """The shop has no state of its own."""
    if seen.current.logs is None or seen.current.state is not None:
        return seen
    return replace(
        seen, current=replace(seen.current, state={"kubectl get pods": "order-1 Running\nbilling-1 Running"})
    )


@pytest.mark.parametrize("name", sorted(registered_tools()))
class TestEveryRegisteredTool(ToolContract):
    @pytest.fixture(autouse=True)
    def _chosen(self, name: str) -> None:
        self.name = name
        self.arguments = CASES[name]["arguments"]
        self.wrong = CASES[name]["wrong"]
        self.silent = CASES[name].get("silent", True)
        self.checked = CASES[name].get("checked", True)
        if name == "page":
            self.arguments = {"handle": "h-000000000000"}

    def tool(self) -> Tool:
        return registered_tools()[self.name]

    def use(self, seen: Observation, arguments: Mapping[str, Any], **options: Any) -> ToolResult:
        given = with_state(seen) if self.name == "query_state" and seen.current.logs is not None else seen
        if self.name != "page" or arguments == self.wrong:
            return super().use(given, arguments, **options)
        box = Toolbox(registered_tools(), context(RecordedScene(given), **options))
        handle = box.use("query_logs", {}).handle
        return box.use("page", {**arguments, "handle": handle})


def test_the_page_of_the_reference_lists_every_tool_with_its_arguments() -> None:
    rows = {
        found.group(1): found.group(0)
        for found in re.finditer(
            r"^\| `(\w+)` \|.*$", PAGE.read_text(encoding="utf-8").partition("## ")[0], re.MULTILINE
        )
    }
    assert set(rows) == set(registered_tools())
    for name, tool in registered_tools().items():
        missing = [field for field in tool.Arguments.model_fields if f"`{field}`" not in rows[name]]
        assert missing == [], name


def test_there_are_arguments_for_each_tool() -> None:
    assert set(CASES) == set(registered_tools())


def test_no_line_is_an_answer_and_no_logs_is_none() -> None:
    box = Toolbox(registered_tools(), context(RecordedScene(shop())))
    none = box.use("query_logs", {"service": "order", "contains": "never written by anybody"})
    assert none.outcome == "success"
    assert [finding.kind for finding in none.findings] == ["tool.logs.none"]
    seen = replace(shop(), current=replace(shop().current, logs=None))
    silent = Toolbox(registered_tools(), context(RecordedScene(seen))).use("query_logs", {"service": "order"})
    assert silent.outcome == "no_data"


def test_no_change_is_an_answer_and_changes_that_nobody_records_are_none() -> None:
    seen = replace(shop(), current=replace(shop().current, changes=()))
    assert (
        Toolbox(registered_tools(), context(RecordedScene(seen))).use("query_changes", {}).outcome
        == "success"
    )
    seen = replace(shop(), current=replace(shop().current, changes=None))
    assert (
        Toolbox(registered_tools(), context(RecordedScene(seen))).use("query_changes", {}).outcome
        == "no_data"
    )


def test_a_wrong_name_brings_the_nearest_right_one() -> None:
    box = Toolbox(registered_tools(), context(RecordedScene(shop())))
    assert "billing" in box.use("query_metrics", {"service": "biling"}).problem
    assert "cpu_percent" in box.use("query_metrics", {"service": "billing", "metric": "cpu_prcent"}).problem
    assert "query_logs" in box.use("query_log", {}).problem


def test_a_time_that_is_none_and_one_outside_of_the_recording_are_told_apart() -> None:
    box = Toolbox(registered_tools(), context(RecordedScene(shop())))
    assert box.use("query_metrics", {"start": "yesterday"}).outcome == "error"
    outside = box.use("query_metrics", {"start": "2001-01-01T00:00:00Z", "end": "2001-01-01T01:00:00Z"})
    assert outside.outcome == "no_data"
    assert "2023-11-14T22:15:00Z" in outside.digest


def test_the_network_delay_is_seen_in_the_calls_to_the_culprit() -> None:
    box = Toolbox(registered_tools(), context(RecordedScene(shop())))
    calls = [
        finding
        for finding in box.use(
            "query_traces", {"service": "billing", "start": "2023-11-14T22:25:10Z"}
        ).findings
        if finding.kind == "tool.traces.call"
    ]
    assert dict(calls[0].params)["callee"] == "billing"
    assert float(dict(calls[0].params)["median"]) > 100


def test_a_new_error_is_the_first_key_event() -> None:
    seen = build_case("exception", culprit="stock", seed=3).observation()
    result = Toolbox(registered_tools(), context(RecordedScene(seen))).use("summarise_logs", {})
    assert result.findings[0].kind == "tool.event.new_error"
    assert "stock" in {each.entity for each in result.findings if each.kind == "tool.event.new_error"}


def test_a_calm_incident_is_an_answer_of_the_detectors_and_an_empty_one_is_none() -> None:
    calm = replace(
        shop(), current=replace(shop().current, metrics=None, logs=None, traces=None, transactions=None)
    )
    state = replace(calm, current=replace(calm.current, state={"kubectl get pods": "order-1 Running"}))
    found = Toolbox(registered_tools(), context(RecordedScene(state))).use(
        "detect_anomalies", {"modality": "state"}
    )
    assert found.outcome == "success"
    assert [finding.kind for finding in found.findings] == ["tool.anomaly.calm"]
    empty = Toolbox(registered_tools(), context(RecordedScene(calm))).use(
        "detect_anomalies", {"modality": "state"}
    )
    assert empty.outcome == "no_data"
