"""A tool of another server: what it answers is text of somebody else, and no statement of ours."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
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
from sre_copilot.settings.tools import says_where

KEYS = (
    "type",
    "enum",
    "required",
    "minimum",
    "maximum",
    "default",
    "format",
)  # no words of the server
ADDRESSES = frozenset(
    (
        "uri",
        "url",
        "uri-reference",
        "uri-template",
        "iri",
        "iri-reference",
        "hostname",
        "idn-hostname",
        "ipv4",
        "ipv6",
    )
)  # formats of a text that says where to reach
SIMPLE = ("string", "number", "boolean", "null")  # what an argument may be of which the server says nothing
MOST_STEPS = 6  # from one reference or part of a schema to the next
MOST_PARTS = 1000  # of a schema that a model is shown; beyond them an argument is a plain value
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
    """Which argument says where to reach, or could say anything, and is not fixed; '' when none does."""
    fixed = client.settings.fixed.get(tool.name, {})
    where = f"mcp_servers.{client.name}.fixed.{tool.name}"
    for path, about in _arguments(_merged(tool.schema, tool.schema), tool.schema, without=fixed):
        if says_where(path[-1]) or about.get("format") in ADDRESSES:
            return f"its argument {'.'.join(path)} says where to reach; fix {path[0]} in {where}"
        if _is_free(about):
            return (
                f"its argument {'.'.join(path)} is an object that may hold anything; fix {path[0]} in {where}"
            )
    return ""


def _is_free(about: Mapping[str, Any]) -> bool:
    """Whether it is an object whose members are not all named; one that says nothing of others is closed by us."""
    if "object" not in _types(about) and not {"additionalProperties", "patternProperties"} & set(about):
        return False
    named = bool(about.get("properties"))
    return bool(about.get("additionalProperties", not named)) or bool(about.get("patternProperties"))


def _arguments(
    schema: Mapping[str, Any],
    root: Mapping[str, Any],
    *,
    without: Collection[str] = (),
    path: tuple[str, ...] = (),
    seen: set[int] | None = None,
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Every argument, and whatever can stand in it; a part is gone into once, for a schema may refer to itself."""
    seen = set() if seen is None else seen
    parts = [*_list(schema.get("anyOf")), *_list(schema.get("oneOf")), *_list(schema.get("prefixItems"))]
    items = schema.get("items")
    parts += [items] if isinstance(items, Mapping) else _list(items)
    for part in parts:
        about = _merged(part, root)
        if path:
            yield path, about
        if id(part) not in seen:
            seen.add(id(part))
            yield from _arguments(about, root, without=without, path=path, seen=seen)
    for name, each in _mapping(schema.get("properties")).items():
        if path or name not in without:
            about = _merged(each, root)
            yield (*path, str(name)), about
            if id(each) not in seen:
                seen.add(id(each))
                yield from _arguments(about, root, path=(*path, str(name)), seen=seen)


def _merged(schema: Any, root: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
    """A schema with what `$ref` and `allOf` add to it; a reference that leads nowhere stands for an object that may hold anything."""
    found = dict(_mapping(schema))
    parts = _list(found.pop("allOf", None))
    if "$ref" in found:
        target = _target(found.pop("$ref"), root)
        parts = [*parts, target if target is not None and depth < MOST_STEPS else {"type": "object"}]
    for part in parts:
        more = _merged(part, root, depth + 1) if depth < MOST_STEPS else {"type": "object"}
        both = {**more, **found}
        for key in ("anyOf", "oneOf"):
            if key in more and key in found:
                both["anyOf"] = [*_list(more.get(key)), *_list(found.get(key)), *_list(both.get("anyOf"))]
        if "properties" in both:
            both["properties"] = {**_mapping(more.get("properties")), **_mapping(found.get("properties"))}
        if "required" in both:
            both["required"] = [*_list(more.get("required")), *_list(found.get("required"))]
        found = both
    return found


def _target(reference: Any, root: Mapping[str, Any]) -> Mapping[str, Any] | None:
    found: Any = root
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    for step in filter(None, reference[1:].split("/")):
        name = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, Mapping) or name not in found:
            return None
        found = found[name]
    return found if isinstance(found, Mapping) else None


def _types(schema: Mapping[str, Any]) -> Collection[str]:
    kind = schema.get("type")
    if kind is None and "properties" in schema:
        return ("object",)
    return [kind] if isinstance(kind, str) else _list(kind)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else []


def clean_schema(
    schema: Mapping[str, Any],
    *,
    without: Collection[str] = (),
    depth: int = 0,
    root: Mapping[str, Any] | None = None,
    parts: list[int] | None = None,
) -> dict[str, Any]:
    """A server's schema, reduced to what is needed to fill it in; an object takes only the arguments it names."""
    root = schema if root is None else root
    parts = [0] if parts is None else parts
    parts[0] += 1
    if parts[0] > MOST_PARTS:
        return {"type": list(SIMPLE)}
    whole = _merged(schema, root)
    kept: dict[str, Any] = {key: whole[key] for key in KEYS if key in whole}
    for key in ("anyOf", "oneOf"):
        if choices := _list(whole.get(key)):
            if depth < DEEPEST:
                kept[key] = [
                    clean_schema(_mapping(each), depth=depth + 1, root=root, parts=parts) for each in choices
                ]
            else:
                kept["type"] = list(SIMPLE)
    types = _types(whole)
    if "array" in types:
        deep = depth < DEEPEST and isinstance(whole.get("items"), Mapping)
        kept["items"] = (
            clean_schema(whole["items"], depth=depth + 1, root=root, parts=parts)
            if deep
            else {"type": list(SIMPLE)}
        )
    if depth == 0 or "object" in types:
        properties = _mapping(whole.get("properties")) if depth < DEEPEST else {}
        kept["properties"] = {
            name: clean_schema(_mapping(each), depth=depth + 1, root=root, parts=parts)
            for name, each in properties.items()
            if name not in without
        }
        kept["additionalProperties"] = False
    if isinstance(kept.get("required"), list):
        kept["required"] = [name for name in kept["required"] if name not in without]
    if depth == 0:
        kept = {key: value for key, value in kept.items() if key not in ("anyOf", "oneOf")}
        kept |= {"type": "object"}
    elif not {"type", "enum", "anyOf", "oneOf", "properties"} & set(kept):
        kept["type"] = list(SIMPLE)
    return kept
