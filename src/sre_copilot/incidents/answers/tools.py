"""What a tool answered, as plain JSON values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sre_copilot.agents.tool import ToolResult
from sre_copilot.agents.toolkit.inert import inert_value
from sre_copilot.domain.knowledge import Lang
from sre_copilot.evidence.verify import verify
from sre_copilot.incidents.answers.document import ASKED, asked, finding
from sre_copilot.incidents.report.words import say


def tool_document(name: str, arguments: Mapping[str, Any], result: ToolResult, lang: Lang) -> dict[str, Any]:
    """A result: its digest, and each finding with its checks and what they evaluate to."""
    seen = verify(result.findings, result.observation).observed if result.observation is not None else {}
    found: dict[str, Any] = inert_value(
        {
            "tool": name,
            "arguments": dict(arguments),
            "outcome": result.outcome,
            "digest": result.digest,
            "problem": result.problem,
            "findings": [finding(each, seen.get(each.id, ()), lang) for each in result.findings],
            "gaps": [say(gap.message, lang) for gap in result.gaps],
            "handle": result.handle,
            "rows": 0 if result.rows is None else result.rows.height,
        }
    )
    return {**found, "asked": [asked(each) for each in result.asked[:ASKED]]}
