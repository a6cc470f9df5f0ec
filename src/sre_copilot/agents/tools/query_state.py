"""Query state: what commands printed of objects, line by line (Kubernetes, hosts, databases)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import polars as pl
from pydantic import Field

from sre_copilot.agents.tool import Arguments, ToolContext, ToolResult
from sre_copilot.agents.toolkit.base import ReadingTool
from sre_copilot.agents.toolkit.digest import Digest
from sre_copilot.agents.toolkit.looking import Look, look
from sre_copilot.agents.toolkit.measuring import fact, rows
from sre_copilot.agents.toolkit.names import nearest, one_of
from sre_copilot.agents.toolkit.times import usual_window
from sre_copilot.agents.toolkit.trouble import Trouble

LINES = 60  # lines that are stated at most; a digest holds some fifteen


class QueryStateArguments(Arguments):
    """Which lines of which output."""

    object: str = Field(
        default="",
        max_length=200,
        description="Text in the command, for example pods or a name; empty: list them",
    )
    contains: str = Field(default="", max_length=300, description="Literal text of a line")


class QueryState(ReadingTool):
    """Tells lines of state as they were printed; without an object it tells what there is."""

    name = "query_state"
    Arguments = QueryStateArguments
    said: ClassVar = {
        "en": "Reads Kubernetes and other object state: which outputs there are, and their lines by text.",
        "zh": "读取 Kubernetes 等对象状态：有哪些输出，以及按文本查找其中的行。",
    }

    def answer(self, arguments: QueryStateArguments, context: ToolContext) -> ToolResult:
        """List outputs, or lines of those that are meant."""
        seen = look(context, usual_window(context), "state")
        state = seen.observation.current.state
        if state is None:
            raise seen.missing("state")
        keys = _meant(state, arguments.object)
        lines = [(key, line) for key in keys for line in _lines(state[key]) if arguments.contains in line]
        digest = Digest(context)
        digest.remark("tool.asked.state", outputs=len(keys), total=len(state), lines=len(lines))
        if not arguments.object and not arguments.contains:
            self._list(seen, keys, digest)
        else:
            self._quote(seen, lines, digest, arguments, keys)
        table = pl.DataFrame(lines, schema={"key": pl.String, "line": pl.String}, orient="row")
        return digest.result(seen.observation, rows=table, gaps=seen.gaps)

    def _list(self, seen: Look, keys: list[str], digest: Digest) -> None:
        for key in keys:
            count = seen.measurer.measure(rows("state", {"key": key}, None), "count")
            if count is not None:
                digest.state(fact("tool.state.lines", key, "state", (count.check,), count=int(count.value)))

    def _quote(
        self, seen: Look, lines: list[tuple[str, str]], digest: Digest, arguments: QueryStateArguments, keys: list[str]
    ) -> None:  # fmt: skip
        for key, line in lines[:LINES]:
            count = seen.measurer.measure(rows("state", {"key": key, "line": line}, None), "count")
            if count is not None and count.value:
                shown = " ".join(line.split())
                digest.state(fact("tool.state.line", key, "state", (count.check,), line=shown))
        for key in keys if not lines else ():
            count = seen.measurer.measure(
                rows("state", {"key": key, "line": arguments.contains}, None), "count"
            )
            if count is not None and not count.value:
                digest.state(fact("tool.state.none", key, "state", (count.check,), text=arguments.contains))


def _meant(state: Mapping[str, str], part: str) -> list[str]:
    keys = sorted(state)
    if not part:
        return keys
    exact = one_of(part, keys)
    found = [exact] if exact else [key for key in keys if part.casefold() in key.casefold()]
    if not found:  # an object may stand in an output and not in the command
        found = [key for key in keys if part in state[key]]
    if not found:
        near = "; ".join(nearest(part, keys)) or "–"
        raise Trouble("error", "tool.problem.state", name=part, near=near)
    return found


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]
