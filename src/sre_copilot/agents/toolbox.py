"""The toolbox: validates, runs, bounds and counts every call of a tool, and makes harmless what it answers."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from sre_copilot.agents.tool import Outcome, Tool, ToolContext, ToolResult
from sre_copilot.agents.toolkit.handles import HandleStore
from sre_copilot.agents.toolkit.inert import inert
from sre_copilot.agents.toolkit.names import nearest
from sre_copilot.domain.evidence import Message
from sre_copilot.domain.knowledge import Lang
from sre_copilot.errors import PluginError
from sre_copilot.llm.speaking import Material, ToolSpec
from sre_copilot.plugins import load
from sre_copilot.settings.section import at_least
from sre_copilot.telemetry import OwnMetrics, clean, log

TOOLS = "sre_copilot.tools"
TIME_OUT_S = 60.0  # of one call: a slow source gives up within it; longer nobody waits in a conversation
MOST_LATE = 4  # calls that ran out of time and are still at work; more would eat the machine
PROBLEM = 1500  # characters of an error: query, range and the server's words
_log = log(__name__)


class LateCalls:
    """Calls that ran out of time and are still at work; shared by all toolboxes of a process."""

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    @property
    def too_many(self) -> bool:
        """Whether no further call may begin."""
        with self._lock:
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            return len(self._threads) >= MOST_LATE

    def add(self, thread: threading.Thread) -> None:
        """One more."""
        with self._lock:
            self._threads.append(thread)


class Toolbox:
    """Tools on one scene for one session; safe to be used by several threads."""

    def __init__(
        self, tools: Mapping[str, Tool], context: ToolContext, *, own: OwnMetrics | None = None,
        handles: HandleStore | None = None, timeout_seconds: float = TIME_OUT_S,
        late: LateCalls | None = None,
    ) -> None:  # fmt: skip
        self._tools = dict(tools)
        self.handles = handles or HandleStore()
        self.context = replace(context, pages=self.handles)
        self._own = own
        self._timeout = timeout_seconds
        self._late = late or LateCalls()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all tools, sorted."""
        return tuple(sorted(self._tools))

    def tool(self, name: str) -> Tool | None:
        """The tool of a name."""
        return self._tools.get(name)

    def on(self, context: ToolContext) -> Toolbox:
        """The same tools and handles on another scene, in another language or role."""
        return Toolbox(
            self._tools, context, own=self._own, handles=self.handles, timeout_seconds=self._timeout,
            late=self._late,
        )  # fmt: skip

    def specs(self, lang: Lang = "en", *, only: Iterable[str] | None = None) -> tuple[ToolSpec, ...]:
        """Tools as a model sees them."""
        wanted = self.names if only is None else [name for name in self.names if name in set(only)]
        return tuple(
            ToolSpec(name=name, description=self._tools[name].description(lang), parameters=schema_of(self._tools[name]))
            for name in wanted
        )  # fmt: skip

    def use(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Call a tool; whatever happens is a result."""
        tool = self._tools.get(name)
        result = self._finished(name, self._called(name, tool, arguments))
        if self._own is not None:
            self._own.tool_calls.labels(name if tool else "unknown", result.outcome).inc()
        return result

    def call(self, name: str, arguments: Mapping[str, Any]) -> Material:
        """Call a tool for a model: what it may read, with where it came from."""
        result = self.use(name, arguments)
        text = f"{result.outcome}\n{result.digest}"
        if result.problem and result.problem not in result.digest:
            text += f"\n{result.problem}"
        return Material(text=text, provenance=f"tool {name}")

    def _called(self, name: str, tool: Tool | None, arguments: Mapping[str, Any]) -> ToolResult:
        if tool is None:
            near = ", ".join(nearest(name, self._tools))
            return self._trouble("error", "tool.problem.unknown_tool", name=name, near=near)
        if not at_least(self.context.role, tool.needs):
            return self._trouble(
                "approval_required", "tool.approval.role", tool=name, role=tool.needs, own=self.context.role
            )
        try:
            valid = tool.Arguments.model_validate(dict(arguments))
        except ValidationError as error:
            return self._trouble("error", "tool.problem.arguments", words=told(error, tool))
        return self._in_time(tool, valid)

    def _in_time(self, tool: Tool, arguments: Any) -> ToolResult:
        """Run in a thread, and go on without it when it takes too long."""
        if self._late.too_many:
            return self._trouble("error", "tool.problem.busy")
        answers: list[ToolResult] = []
        thread = threading.Thread(
            target=lambda: answers.append(self._caught(tool, arguments)),
            name=f"tool {tool.name}",
            daemon=True,
        )
        thread.start()
        thread.join(self._timeout)
        if answers:
            return answers[0]
        self._late.add(thread)
        return self._trouble("error", "tool.problem.time_out", seconds=round(self._timeout, 1))

    def _caught(self, tool: Tool, arguments: Any) -> ToolResult:
        try:
            return tool.run(arguments, self.context)
        except Exception as error:  # noqa: BLE001 - the one place where a tool's failure becomes a result
            _log.exception("a tool failed", tool=tool.name)
            return self._trouble("error", "tool.problem.failed", words=f"{type(error).__name__}: {error}")

    def _trouble(self, outcome: Outcome, key: str, **params: str | float | int) -> ToolResult:
        said = self.context.say(Message(key=key, params=tuple(params.items())), self.context.lang)
        return ToolResult(outcome=outcome, digest=said, problem=said)

    def _finished(self, name: str, result: ToolResult) -> ToolResult:
        """Keep the rows behind a handle, and make the text harmless and short enough."""
        handle, last = "", ""
        if result.rows is not None and not result.rows.is_empty():
            handle = self.handles.keep(result.rows)
            message = Message(
                key="tool.digest.handle", params=(("rows", result.rows.height), ("handle", handle))
            )
            last = "\n" + self.context.say(message, self.context.lang)
        room = self.context.digest_characters - len(last)
        digest = inert(clean(result.digest[: 4 * self.context.digest_characters]))
        if len(digest) > room:
            digest = digest[: room - 1] + "…"
        asked = result.asked or self.context.scene.asked()[-5:]
        return replace(
            result,
            digest=digest + last,
            handle=handle,
            problem=inert(clean(result.problem[: 4 * PROBLEM]))[:PROBLEM],
            asked=asked,
        )


def schema_of(tool: Tool) -> dict[str, Any]:
    """The arguments of a tool as JSON schema, without titles."""
    own = getattr(tool, "schema", None)
    found: dict[str, Any] = own() if callable(own) else tool.Arguments.model_json_schema()
    untitled: dict[str, Any] = _untitled(found)
    return untitled


def _untitled(schema: Any) -> Any:
    if isinstance(schema, Mapping):
        properties = isinstance(schema.get("properties"), Mapping)
        return {
            key: ({name: _untitled(each) for name, each in value.items()} if key == "properties" and properties else _untitled(value))
            for key, value in schema.items()
            if not (key in ("title", "description") and "properties" in schema) and key != "title"
        }  # fmt: skip
    return [_untitled(each) for each in schema] if isinstance(schema, list) else schema


def told(error: ValidationError, tool: Tool) -> str:
    """What is wrong with arguments, and which there are."""
    words = [
        f"{'.'.join(str(step) for step in each['loc']) or 'arguments'}: {each['msg']}"
        for each in error.errors(include_url=False, include_input=False)[:5]
    ]
    known = ", ".join(schema_of(tool).get("properties", {})) or "none"
    return f"{'; '.join(words)}; arguments are: {known}"


def registered_tools() -> dict[str, Tool]:
    """Every registered tool by name.

    Raises
    ------
    PluginError : when one cannot be made, or goes by another name than it is registered under
    """
    tools: dict[str, Tool] = {}
    for name, kind in load(TOOLS).items():
        tool: Tool = kind()
        if tool.name != name:
            raise PluginError(f"{TOOLS} '{name}': calls itself {tool.name!r}. Give both one name.")
        tools[name] = tool
    return tools
