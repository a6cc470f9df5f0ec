"""The toolbox bounds, counts and makes harmless what tools do."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any, ClassVar

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sre_copilot.agents.scenes.recorded import RecordedScene
from sre_copilot.agents.tool import Arguments, ToolContext, ToolResult
from sre_copilot.agents.toolbox import LateCalls, Toolbox, registered_tools
from sre_copilot.agents.toolkit.handles import HandleStore
from sre_copilot.agents.toolkit.inert import inert
from sre_copilot.agents.toolkit.names import service_of
from sre_copilot.agents.toolkit.trouble import Trouble
from sre_copilot.domain.evidence import Message
from sre_copilot.incidents.report.words import catalogue
from sre_copilot.telemetry import OwnMetrics
from sre_copilot.testing.tool_contract import HOSTILE, context, shop


class Said(Arguments):
    text: str = ""


class Speaking:
    """A tool that does what its text says."""

    name: ClassVar[str] = "speaking"
    Arguments: ClassVar[type[Arguments]] = Said
    needs: ClassVar[Any] = "viewer"

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def description(self, lang: str) -> str:
        return "Says what it is told to say."

    def run(self, arguments: Said, context: ToolContext) -> ToolResult:
        if arguments.text == "fail":
            raise RuntimeError("token=abcdefgh12345 \x1b[31m")
        if arguments.text == "wait":
            self.go_on.wait(20)
        return ToolResult(outcome="success", digest=arguments.text, rows=pl.DataFrame({"a": [1, 2]}))


def box(**options: Any) -> Toolbox:
    return Toolbox({"speaking": Speaking()}, context(RecordedScene(shop())), **options)


def test_a_failure_is_a_result_without_secrets_and_escape_sequences() -> None:
    result = box().use("speaking", {"text": "fail"})
    assert result.outcome == "error"
    assert "RuntimeError" in result.problem
    assert "abcdefgh12345" not in result.problem
    assert "\x1b" not in result.problem


def test_a_tool_that_hangs_is_given_up_and_too_many_of_them_are_refused() -> None:
    tool = Speaking()
    tools = Toolbox({"speaking": tool}, context(RecordedScene(shop())), timeout_seconds=0.1)
    began = time.monotonic()
    results = [tools.use("speaking", {"text": "wait"}) for _ in range(5)]
    assert time.monotonic() - began < 5
    assert {each.outcome for each in results} == {"error"}
    assert "Too many calls" in results[-1].problem
    tool.go_on.set()
    time.sleep(0.1)
    assert tools.use("speaking", {"text": "x"}).outcome == "success"


def test_calls_that_hang_are_counted_over_all_toolboxes_that_share_them() -> None:
    tool, late = Speaking(), LateCalls()
    first = Toolbox({"speaking": tool}, context(RecordedScene(shop())), timeout_seconds=0.05, late=late)
    for box in (first, first.on(first.context), first, first.on(first.context)):
        assert "Too many calls" not in box.use("speaking", {"text": "wait"}).problem
    other = Toolbox({"speaking": tool}, context(RecordedScene(shop())), late=late)
    assert "Too many calls" in other.use("speaking", {"text": "x"}).problem
    assert "Too many calls" in first.on(first.context).use("speaking", {"text": "x"}).problem
    tool.go_on.set()


def test_calls_are_counted_by_outcome_and_an_unknown_name_is_no_label_of_its_own() -> None:
    own = OwnMetrics()
    tools = box(own=own)
    tools.use("speaking", {"text": "x"})
    tools.use("speaking", {"text": "fail"})
    tools.use("invented-by-a-model", {})
    text = own.exposition().decode()
    assert 'sre_copilot_tool_calls_total{outcome="success",tool="speaking"} 1.0' in text
    assert 'sre_copilot_tool_calls_total{outcome="error",tool="speaking"} 1.0' in text
    assert 'sre_copilot_tool_calls_total{outcome="error",tool="unknown"} 1.0' in text
    assert "invented" not in text


def test_who_lacks_the_role_needs_somebodys_approval() -> None:
    class Guarded(Speaking):
        needs: ClassVar[Any] = "approver"

    viewer = replace(context(RecordedScene(shop())), role="viewer")
    result = Toolbox({"speaking": Guarded()}, viewer).use("speaking", {"text": "x"})
    assert (result.outcome, result.digest) == ("approval_required", result.problem)


def test_rows_are_read_on_by_their_handle_and_by_no_other_session() -> None:
    tools = Toolbox(registered_tools(), context(RecordedScene(shop())))
    first = tools.use("query_logs", {"service": "order"})
    assert first.handle
    assert first.handle in first.digest
    page = tools.use("page", {"handle": first.handle, "limit": 3})
    assert page.outcome == "success"
    assert page.digest.count("service=order") == 3
    last = tools.use("page", {"handle": first.handle, "offset": 10**6})
    assert last.outcome == "no_data"
    other = Toolbox(registered_tools(), context(RecordedScene(shop())))
    assert other.use("page", {"handle": first.handle}).outcome == "error"


def test_what_is_kept_is_bounded_and_the_oldest_goes_first() -> None:
    store = HandleStore(most_bytes=100_000, most_results=5)
    handles = [store.keep(pl.DataFrame({"a": list(range(1000))})) for _ in range(20)]
    assert store.rows(handles[0]) is None
    assert store.rows(handles[-1]) is not None
    assert store.bytes <= 100_000
    huge = store.keep(pl.DataFrame({"a": list(range(1_000_000))}))
    kept = store.rows(huge)
    assert kept is not None
    assert kept.height < 1_000_000
    assert store.bytes <= 100_000


def test_a_model_sees_name_sentence_and_schema_of_each_tool() -> None:
    specs = Toolbox(registered_tools(), context(RecordedScene(shop()))).specs("zh", only=["query_logs"])
    assert [spec.name for spec in specs] == ["query_logs"]
    assert "日志" in specs[0].description
    assert specs[0].parameters["properties"]["contains"]["description"]


def test_a_model_is_given_text_with_where_it_came_from() -> None:
    material = box().call("speaking", {"text": HOSTILE})
    assert material.provenance == "tool speaking"
    assert "\x1b" not in material.text
    assert "evil.example)" not in material.text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("![a](http://x.example/p.png)", "a"),
        ("[click](javascript:alert(1))", "click"),
        ("[a [b](http://x.example)](http://y.example)", "a b"),
        ("see http://x.example/a", "see http[:]//x.example/a"),
        ("[x]: http://x.example\nrest", "\nrest"),
        ("<img src=x>", "‹img src=x>"),
        ("a\x1b[31mred\x1b[0m", "ared"),
        ("a\u202eb\u200bc", "abc"),
        ("订单 1 < 2 and [1, 2] (3)", "订单 1 < 2 and [1, 2] (3)"),
    ],
)
def test_text_from_outside_is_shown_without_what_a_viewer_would_obey_or_fetch(text: str, shown: str) -> None:
    assert inert(text) == shown


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="![]()<a\x1b\u202e:/\r\nhtps.\x07 ;m3", max_size=60))
def test_no_text_keeps_a_link_a_picture_or_a_control_code(text: str) -> None:
    shown = inert(text)
    assert "](" not in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "<a" not in shown
    assert "://" not in shown or not any(
        shown[:i].endswith("http") for i in range(len(shown)) if shown[i : i + 3] == "://"
    )


def test_every_sentence_of_a_tool_has_both_languages() -> None:
    said = {key: each for key, each in catalogue().items() if key.startswith("tool.")}
    assert len(said) > 80
    assert all(each["en"] and each["zh"] for each in said.values())


class Nowhere(RecordedScene):
    """A scene whose sources know no service."""

    def services(self) -> tuple[str, ...]:
        return ()


def test_where_no_service_is_known_none_is_offered_as_an_example() -> None:
    with pytest.raises(Trouble) as told:
        service_of("cart", context(Nowhere(shop())))
    assert told.value.message == Message(key="tool.problem.no_services", params=(("name", "cart"),))
