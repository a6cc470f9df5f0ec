"""A user's own check as a tool: its lines become statements that can be looked up in what it printed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

import polars as pl
from pydantic import Field, create_model

from sre_copilot.agents.tool import Arguments, Tool, ToolContext, ToolResult
from sre_copilot.agents.toolkit.base import call_text
from sre_copilot.agents.toolkit.digest import Digest
from sre_copilot.agents.toolkit.quoting import Quotes
from sre_copilot.agents.toolkit.trouble import Trouble
from sre_copilot.domain.knowledge import Lang
from sre_copilot.errors import SreCopilotError
from sre_copilot.perception.component_checks import run_check, unmet
from sre_copilot.settings.section import Role
from sre_copilot.settings.tools import CheckParameter, CheckTool, Toolset

DISABLED = "it is not enabled"
LINES = 80  # lines that are stated; the handle has all


class ComponentTool:
    """Runs one check of a configuration."""

    def __init__(self, check: CheckTool) -> None:
        self.check = check
        self.name: str = check.name
        self.needs: Role = check.role
        self.Arguments: type[Arguments] = arguments_of(check)

    def description(self, lang: Lang) -> str:
        """What the configuration says of it."""
        said = (self.check.description_zh if lang == "zh" else "") or self.check.description
        more = self.check.additional_instructions
        return f"{said} {more}".strip()

    def run(self, arguments: Any, context: ToolContext) -> ToolResult:
        """Run it; a line that it printed is a statement."""
        call = call_text(self.name, arguments)
        values = {name: value for name, value in arguments.model_dump().items() if value is not None}
        try:
            printed = run_check(self.check, values)
        except SreCopilotError as error:
            return Trouble("error", "tool.problem.check", name=self.name, words=str(error)).result(
                context, call
            )
        lines = [" ".join(line.split()) for line in printed.output.splitlines() if line.strip()]
        if not lines:
            return Trouble("no_data", "tool.none.printed", name=self.name).result(context, call)
        key, quotes, digest = f"check {call}", Quotes(), Digest(context)
        quotes.add(key, lines)
        digest.remark("tool.asked.check", name=self.name, lines=len(lines))
        for line in lines[:LINES]:
            if (finding := quotes.finding("tool.check.line", key, line)) is not None:
                digest.state(finding)
        table = pl.DataFrame({"line": lines})
        return digest.result(quotes.observation, rows=table, printed=printed)


def arguments_of(check: CheckTool) -> type[Arguments]:
    """The parameters of a check as arguments."""
    fields: dict[str, Any] = {name: _field(parameter) for name, parameter in check.parameters.items()}
    return create_model(f"{check.name}_arguments", __base__=Arguments, **fields)


def _field(parameter: CheckParameter) -> tuple[Any, Any]:
    kinds: Mapping[str, Any] = {"string": str, "integer": int, "number": float, "boolean": bool}
    kind = Literal[tuple(parameter.enum)] if parameter.enum else kinds[parameter.type]
    options: dict[str, Any] = {"description": parameter.description}
    if parameter.type == "string" and not parameter.enum:
        options |= {"pattern": f"^(?:{parameter.pattern})$", "max_length": 300}
    if parameter.required:
        return kind, Field(**options)
    return kind | None, Field(default=None, **options)


def component_tools(toolsets: Mapping[str, Toolset]) -> tuple[dict[str, Tool], dict[str, str]]:
    """The checks of all sets by name, and, of those that are left out, why."""
    tools: dict[str, Tool] = {}
    left_out: dict[str, str] = {}
    for name, toolset in toolsets.items():
        problem = DISABLED if not toolset.enabled else unmet(toolset)
        if problem:
            left_out[name] = problem
            continue
        for check in toolset.tools:
            if check.name in tools:
                left_out[f"{name}.{check.name}"] = "another set has a check of that name"
                continue
            tools[check.name] = cast(
                Tool, ComponentTool(check)
            )  # its names are of the instance, not of the class
    return tools, left_out
