"""What every tool of this package has: a sentence in each language, and troubles that become results."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from sre_copilot.agents.tool import Arguments, ToolContext, ToolResult
from sre_copilot.agents.toolkit.trouble import Trouble
from sre_copilot.domain.knowledge import Lang
from sre_copilot.errors import SreCopilotError
from sre_copilot.settings.section import Role


class ReadingTool(ABC):
    """Derive a tool from it: name it, describe its arguments, and answer."""

    name: ClassVar[str]
    Arguments: ClassVar[type[Arguments]]
    needs: ClassVar[Role] = "viewer"
    said: ClassVar[Mapping[Lang, str]]

    def description(self, lang: Lang) -> str:
        """One sentence on what it answers."""
        return self.said[lang]

    def run(self, arguments: Any, context: ToolContext) -> ToolResult:
        """Answer; a trouble is a result."""
        try:
            return self.answer(arguments, context)
        except Trouble as trouble:
            return trouble.result(context, call_text(self.name, arguments))
        except SreCopilotError as error:
            problem = f"{error} [{call_text(self.name, arguments)}]"
            return ToolResult(outcome="error", digest=problem, problem=problem)

    @abstractmethod
    def answer(self, arguments: Any, context: ToolContext) -> ToolResult:
        """Answer, or raise `Trouble`."""


def call_text(name: str, arguments: Arguments) -> str:
    """A call as it was made, without what was left out."""
    given = arguments.model_dump(exclude_defaults=True)
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in given.items())})"
