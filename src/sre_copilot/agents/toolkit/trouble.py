"""Why a tool cannot answer: said once where it is known, made a result where the tool is called."""

from __future__ import annotations

from sre_copilot.agents.tool import Outcome, ToolContext, ToolResult
from sre_copilot.domain.evidence import Gap, Message


class Trouble(Exception):  # noqa: N818 - an outcome that is said, not a fault
    """A tool ends without an answer; `message` says why, and what there is instead."""

    def __init__(
        self, outcome: Outcome, key: str, *, gaps: tuple[Gap, ...] = (), **params: str | float | int
    ) -> None:
        self.outcome: Outcome = outcome
        self.message = Message(key=key, params=tuple(params.items()))
        self.gaps = gaps
        super().__init__(key)

    def result(self, context: ToolContext, call: str) -> ToolResult:
        """The result that says so; an error names what was asked."""
        said = context.say(self.message, context.lang)
        if self.outcome == "error":
            said = f"{said} [{call}]"
        return ToolResult(
            outcome=self.outcome,
            digest=said,
            gaps=self.gaps,
            problem=said if self.outcome in ("error", "approval_required") else "",
        )
