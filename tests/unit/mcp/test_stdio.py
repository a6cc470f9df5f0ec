"""The protocol over standard input and output, by the library's own client and a real process."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters, stdio_client

CASES = Path(__file__).parents[3] / "examples/incidents/cases"
MOST_TOOLS = 16


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a process answers to a handful of requests."""
    case = sorted(CASES.iterdir())[0]
    folder = tmp_path_factory.mktemp("elsewhere")
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "sre_copilot", "mcp", "--case", str(case)],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "POLARS_MAX_THREADS": "1"},
    )

    async def talk() -> dict[str, Any]:
        async with Client(stdio_client(server), read_timeout_seconds=120) as client:
            return {
                "tools": (await client.list_tools()).tools,
                "ask": await client.call_tool("ask", {"question": "为什么变慢了？"}),
                "investigate": await client.call_tool("investigate", {}),
                "measured": await client.call_tool("query_metrics", {"service": "catalogue"}),
                "unfit": await client.call_tool("query_metrics", {"url": "http://127.0.0.1/"}),
                "unknown": await client.call_tool("restart", {}),
                "left": sorted(each.name for each in folder.iterdir()),
            }

    return anyio.run(talk)


def test_the_list_is_short_and_everything_on_it_only_reads(told: dict[str, Any]) -> None:
    names = {tool.name for tool in told["tools"]}
    assert {"ask", "investigate", "query_metrics", "search_knowledge"} <= names
    assert len(names) <= MOST_TOOLS
    assert all(tool.annotations.read_only_hint for tool in told["tools"])
    assert not names & {"tell_change", "label", "draft_card"}


def test_a_question_is_answered_in_its_language_with_findings_and_checks(told: dict[str, Any]) -> None:
    answer = told["ask"]
    assert not answer.is_error
    document = answer.structured_content
    assert document["lang"] == "zh"
    assert document["diagnosis"]["outcome"] == "fault"
    assert document["diagnosis"]["cause"] in answer.content[0].text
    known = {each["id"] for each in document["findings"]}
    assert all(set(claim["findings"]) <= known and claim["findings"] for claim in document["claims"])


def test_the_team_and_the_question_come_to_the_same_conclusion(told: dict[str, Any]) -> None:
    asked, investigated = told["ask"].structured_content, told["investigate"].structured_content
    assert investigated["diagnosis"]["cause"] == asked["diagnosis"]["cause"]


def test_a_tool_of_the_team_answers_with_findings(told: dict[str, Any]) -> None:
    measured = told["measured"]
    assert not measured.is_error
    assert measured.structured_content["outcome"] == "success"
    assert measured.structured_content["findings"]


def test_arguments_that_do_not_fit_and_tools_that_are_not_there_are_errors_that_say_so(
    told: dict[str, Any],
) -> None:
    assert told["unfit"].is_error
    assert "arguments are:" in told["unfit"].content[0].text
    assert told["unknown"].is_error
    assert "restart" in told["unknown"].content[0].text


def test_asking_leaves_nothing_behind(told: dict[str, Any]) -> None:
    assert told["left"] == []
