"""Every sentence that a tool names exists, and none stands there unused."""

from __future__ import annotations

import re
from pathlib import Path

from sre_copilot import agents
from sre_copilot.app import workflow_tool
from sre_copilot.incidents.report.words import catalogue, has

FILES = (*Path(agents.__file__).parent.rglob("*.py"), Path(workflow_tool.__file__))
SOURCES = "\n".join(file.read_text(encoding="utf-8") for file in FILES)
BUILT = ("tool.compare.", "tool.event.")  # their last part is the name of a measure or an event


def test_every_sentence_that_a_tool_names_exists() -> None:
    named = {key for key in re.findall(r'"((?:tool|gap\.scene)\.[a-z_.]*[a-z])"', SOURCES) if key != "tool."}
    assert len(named) > 80
    assert [key for key in sorted(named) if not has(key)] == []


def test_no_sentence_of_tools_is_left_over() -> None:
    keys = [key for key in catalogue() if key.startswith("tool.") and not key.startswith(BUILT)]
    assert [key for key in keys if f'"{key}"' not in SOURCES] == []


def test_each_comparison_that_is_made_has_a_sentence() -> None:
    from sre_copilot.agents.tools.compare_windows import MEASURES

    kinds = [
        f"tool.compare.{modality}_{measure}_{aggregate}"
        for modality, parts in MEASURES.items()
        for measure, aggregate in parts
    ]
    assert [kind for kind in kinds if not has(kind)] == []
