"""The reading ports of workflows on one toolbox: a recorded case, or the sources at a moment. Nothing here can act or tell."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from sre_copilot.agents.scene import Scene
from sre_copilot.agents.tool import ToolResult
from sre_copilot.agents.toolbox import Toolbox, schema_of
from sre_copilot.domain.evidence import Check
from sre_copilot.evidence.evaluator import evaluate
from sre_copilot.workflows.ports import Answered, Asker, Ports

MOST_ROWS = 200  # of a result that a workflow is given; the handle of a tool has all of them


@dataclass
class ToolboxTools:
    """Tools of one toolbox."""

    toolbox: Toolbox

    def names(self) -> Sequence[str]:
        """Tools there are."""
        return self.toolbox.names

    def schema(self, name: str) -> Mapping[str, Any] | None:
        """JSON schema of a tool's arguments."""
        tool = self.toolbox.tool(name)
        return schema_of(tool) if tool is not None else None

    def use(self, name: str, arguments: Mapping[str, Any], *, asker: Asker) -> Answered:
        """Call a tool."""
        return answered(self.toolbox.use(name, arguments))

    def check(self, check: Check, *, asker: Asker) -> Answered:
        """Evaluate a statement on what the toolbox looks at."""
        return checked(check, self.toolbox.context.scene)


def ports_of(toolbox: Toolbox) -> Ports:
    """What only reads, by the tools of a toolbox."""
    reads = ToolboxTools(toolbox)
    return Ports(tools=reads, checks=reads)


def checked(check: Check, scene: Scene) -> Answered:
    """Read the window of a statement, and evaluate it."""
    window = check.query.window
    assert window is not None  # noqa: S101 - a step always sets one
    sources = {check.query.source} | ({check.against.source} if check.against else set())
    seen = evaluate(check, scene.observe(window, modalities=tuple(sources)))
    output = {"holds": seen.holds, "value": seen.value, "reason": seen.reason}
    return Answered(outcome="no_data" if seen.value is None else "success", output=output)


def answered(result: ToolResult) -> Answered:
    """What a tool said, as a step keeps it: the digest, what was found, the first rows."""
    output = {
        "digest": result.digest,
        "problem": result.problem,
        "findings": [
            {"kind": each.kind, "entity": each.entity, "weight": each.weight, **dict(each.params)}
            for each in result.findings
        ],
        "gaps": [each.message.key for each in result.gaps],
        "data": {key: plain(value) for key, value in result.data.items()},
        "rows": rows_of(result.rows),
    }
    return Answered(outcome=result.outcome, output=plain(output), problem=result.problem or result.digest)


def rows_of(table: pl.DataFrame | None) -> list[dict[str, Any]]:
    """The first rows of a table."""
    return [plain(row) for row in table.head(MOST_ROWS).iter_rows(named=True)] if table is not None else []


def plain(value: Any) -> Any:
    """As JSON: what is not finite is null, what is no value is its text."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
