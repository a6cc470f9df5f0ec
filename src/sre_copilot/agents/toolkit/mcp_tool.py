"""A tool of another server: what it answers is text of somebody else, and no statement of ours."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, cast

import jsonschema  # type: ignore[import-untyped]
import polars as pl
from pydantic import ConfigDict

from sre_copilot.agents.tool import Arguments, Tool, ToolContext, ToolResult
from sre_copilot.agents.toolkit.component_tool import DISABLED
from sre_copilot.agents.toolkit.inert import inert
from sre_copilot.agents.toolkit.trouble import Trouble
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.knowledge import Lang
from sre_copilot.errors import SreCopilotError
from sre_copilot.perception.mcp_tools import McpClient, McpTool
from sre_copilot.settings.section import Role
from sre_copilot.settings.tools import ADDRESS

KEYS = (
    "type",
    "enum",
    "items",
    "required",
    "minimum",
    "maximum",
    "default",
    "format",
)  # no words of the server
DEEPEST = 4  # of a schema: arguments that nest deeper are none that a model fills in


class AnyArguments(Arguments):
    """Arguments by the schema of the server, which the tool itself holds them against."""

    model_config = ConfigDict(extra="allow", frozen=True)


class ServerTool:
    """Calls one allowed tool of one server."""

    Arguments = AnyArguments

    def __init__(self, client: McpClient, tool: McpTool) -> None:
        self._client = client
        self._tool = tool
        self.name: str = f"{client.name}_{tool.name}"
        self.needs: Role = client.settings.role
        self._schema = clean_schema(tool.schema, without=set(client.settings.fixed.get(tool.name, {})))

    def description(self, lang: Lang) -> str:
        """The operator's words alone: a description by the server could tell a model what to do."""
        settings = self._client.settings
        own = settings.describe.get(self._tool.name) or self._tool.name.replace("_", " ")
        return f"{settings.description} {own} [{self._client.name}]".strip()

    def schema(self) -> dict[str, Any]:
        """Its arguments, without what the operator fixed and without the server's examples and notes."""
        return self._schema

    def run(self, arguments: Any, context: ToolContext) -> ToolResult:
        """Call it; its text is wrapped and marked as somebody else's."""
        given = arguments.model_dump()
        call = f"{self.name}({given})"
        try:
            jsonschema.validate(given, self._schema)
            answer = self._client.call(self._tool.name, given)
        except jsonschema.ValidationError as error:
            words = f"{'.'.join(str(step) for step in error.path) or 'arguments'}: {error.message}"
            return Trouble("error", "tool.problem.arguments", words=words).result(context, call)
        except SreCopilotError as error:
            return Trouble("error", "tool.problem.mcp", name=self.name, words=str(error)).result(
                context, call
            )
        text = inert(answer.text).strip()
        if answer.failed:
            return Trouble("error", "tool.problem.mcp", name=self.name, words=text[:800]).result(
                context, call
            )
        if not text:
            return Trouble("no_data", "tool.none.mcp", name=self.name).result(context, call)
        head = context.say(Message(key="tool.digest.untrusted", params=(("name", self.name),)), context.lang)
        lines = [line for line in text.splitlines() if line.strip()]
        return ToolResult(outcome="success", digest=f"{head}\n{text}", rows=pl.DataFrame({"line": lines}))


def server_tools(clients: Iterable[McpClient]) -> tuple[dict[str, Tool], dict[str, str]]:
    """The allowed tools of all servers by name, and, of those that are left out, why."""
    tools: dict[str, Tool] = {}
    left_out: dict[str, str] = {}
    for client in clients:
        if not client.settings.enabled:
            left_out[client.name] = DISABLED
            continue
        try:
            listed = {tool.name: tool for tool in client.tools()}
        except SreCopilotError as error:
            left_out[client.name] = str(error)
            continue
        for name in client.settings.tools:
            problem = "the server has no such tool" if name not in listed else _address(client, listed[name])
            if problem:
                left_out[f"{client.name}.{name}"] = problem
            else:
                made = ServerTool(client, listed[name])
                tools[made.name] = cast(Tool, made)  # its names are of the instance, not of the class
    return tools, left_out


def _address(client: McpClient, tool: McpTool) -> str:
    """Which argument says where to reach and is not fixed; '' when none does."""
    fixed = client.settings.fixed.get(tool.name, {})
    for name in tool.schema.get("properties", {}):
        if ADDRESS.search(name) and name not in fixed:
            return f"its argument {name} says where to reach; fix it in mcp_servers.{client.name}.fixed.{tool.name}"
    return ""


def clean_schema(
    schema: Mapping[str, Any], *, without: Collection[str] = (), depth: int = 0
) -> dict[str, Any]:
    """A server's schema, reduced to what is needed to fill it in."""
    kept: dict[str, Any] = {key: schema[key] for key in KEYS if key in schema}
    if isinstance(kept.get("items"), Mapping):
        kept["items"] = clean_schema(kept["items"], depth=depth + 1) if depth < DEEPEST else {}
    properties = schema.get("properties")
    if isinstance(properties, Mapping) and depth < DEEPEST:
        kept["properties"] = {
            name: clean_schema(each if isinstance(each, Mapping) else {}, depth=depth + 1)
            for name, each in properties.items()
            if name not in without
        }
    if isinstance(kept.get("required"), list):
        kept["required"] = [name for name in kept["required"] if name not in without]
    if depth == 0:
        kept |= {"type": "object", "additionalProperties": False}
        kept.setdefault("properties", {})
    return kept
