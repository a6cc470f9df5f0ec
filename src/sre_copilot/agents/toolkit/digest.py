"""A digest: statements, each a finding with its id before it, as many as fit the budget."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import polars as pl

from sre_copilot.agents.tool import ToolContext, ToolResult
from sre_copilot.agents.toolkit.inert import inert_line
from sre_copilot.domain.evidence import Finding, Gap, Message
from sre_copilot.domain.incident import Observation

RESERVE = 260  # characters kept for what stands at the end: how many were left out, and the handle to read on
GAPS = 3  # sentences of what could not be seen; the result has all
LINE = 320  # characters of one statement: names, numbers and a quoted line


class Digest:
    """Collects statements until the budget is reached."""

    def __init__(self, context: ToolContext) -> None:
        self._context = context
        self._lines: list[str] = []
        self._room = context.digest_characters - RESERVE
        self.findings: list[Finding] = []
        self.left_out = 0

    def remark(self, key: str, **params: str | float | int) -> None:
        """Add a line that states nothing of the telemetry: what was asked, what is left out."""
        self._add(self._said(Message(key=key, params=tuple(params.items()))))

    def state(self, finding: Finding) -> None:
        """Add a statement where there is room; the first always stands."""
        line = f"{finding.id} {self._said(finding.message)}"
        if self.findings and (self.left_out or len(line) + 1 > self._room):
            self.left_out += 1
            return
        self._add(line)
        self.findings.append(finding)

    def result(
        self, observation: Observation | None, *, rows: pl.DataFrame | None = None, gaps: Iterable[Gap] = (),
        **data: Any,
    ) -> ToolResult:  # fmt: skip
        """The result; what was left out and what could not be seen stands at its end."""
        gaps = tuple(gaps)
        if self.left_out:
            self.remark("tool.digest.left_out", count=self.left_out)
        for gap in gaps[:GAPS]:
            line = self._said(gap.message)
            if len(line) < self._room + RESERVE // 2:
                self._add(line)
        return ToolResult(
            outcome="success",
            digest="\n".join(self._lines),
            findings=tuple(self.findings),
            gaps=gaps,
            rows=rows,
            data=data,
            observation=observation,
        )

    def _said(self, message: Message) -> str:
        return inert_line(self._context.say(message, self._context.lang), LINE)

    def _add(self, line: str) -> None:
        self._lines.append(line)
        self._room -= len(line) + 1
